import { join } from 'node:path';
import { fileName } from './files';
import type { UserError } from './user-error';

/** A lake's folder and address. Every command starts from it. */
export interface Workspace {
  /** Root folder of the project. */
  root: string;
  /** Folder with all of the lake's state (LAKE_HOME). */
  home: string;
  /** Port of the gateway (LAKE_PORT). */
  port: number;
  env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C and similar signals. Everything that waits must then stop waiting. */
  signal: AbortSignal;
  /** Aborts the signal because the lake cannot continue. The lake then ends normally and prints the reason. */
  end?: (reason: UserError) => void;
}

export const account = '000000000000';
export const region = 'us-east-1';

/** Environment variables with which a client reaches the lake as its root; `npm run up` prints them. */
export const clientEnvironment = (url: string, rootSecret: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: url,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: account,
  AWS_SECRET_ACCESS_KEY: rootSecret,
});

export const pythonOf = (workspace: Pick<Workspace, 'root'>): string =>
  join(workspace.root, '.venv', 'bin', 'python');
export const runFolder = (workspace: Workspace, execution: string): string =>
  join(workspace.home, 'runs', fileName(execution));
export const logFile = (workspace: Workspace, name: string): string =>
  join(workspace.home, 'logs', `${name}.log`);
