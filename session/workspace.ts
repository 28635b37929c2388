import { join } from 'node:path';
import { fileName } from './files';
import type { UserError } from './user-error';

/** Where a lake lives and how it is reached: what every command starts from. */
export interface Workspace {
  /** The project. */
  root: string;
  /** Everything the lake keeps (LAKE_HOME). */
  home: string;
  /** Port of the gateway (LAKE_PORT). */
  port: number;
  env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C and its like: whatever waits must stop waiting. */
  signal: AbortSignal;
  /** Aborts the signal for a reason of our own: the lake cannot go on. It ends in order, and the reason is said. */
  end?: (reason: UserError) => void;
}

export const account = '000000000000';
export const region = 'us-east-1';

/** What a client needs to reach the lake as its root: `npm run up` prints it, and our own clients use it. */
export const clientEnvironment = (url: string, rootSecret: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: url,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: account,
  AWS_SECRET_ACCESS_KEY: rootSecret,
});

export const pythonOf = (workspace: Workspace): string =>
  join(workspace.root, '.venv', 'bin', 'python');
export const runFolder = (workspace: Workspace, execution: string): string =>
  join(workspace.home, 'runs', fileName(execution));
export const logFile = (workspace: Workspace, name: string): string =>
  join(workspace.home, 'logs', `${name}.log`);
