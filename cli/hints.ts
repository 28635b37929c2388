import type { EnvironmentName } from '../infra/config';

/** A command of ours as the person has to type it for this environment. */
export const commandFor = (environment: EnvironmentName, command: string): string =>
  environment === 'local' ? command : `${command} --env ${environment}`;

/** The command for the first run. */
export const firstRun = (environment: EnvironmentName): string =>
  environment === 'local' ? 'npm start' : commandFor(environment, 'npm run lake -- run');
