export { setUp as default } from './run-folder';
