import type { IncomingMessage, ServerResponse } from 'node:http';

export interface GatewayOptions {
  /** Port of the gateway on 127.0.0.1; 0 for any free one. */
  readonly port: number;
  readonly launcher: LauncherAddress;
  /** Secret access key of the account's root, with which the owner's clients sign. */
  readonly rootSecret: string;
  /** Folder of state, logs and scratch folders (LAKE_HOME). */
  readonly home: string;
  /** Root folder of the project. Its `ml/<kind>/Dockerfile` replace the images in ECR. */
  readonly projectRoot: string;
  /** Path of the Python interpreter that has pyspark and torch. */
  readonly python: string;
  /** Handles all requests below `/_x/`; the request's URL is unchanged. */
  readonly xApi?: (req: IncomingMessage, res: ServerResponse) => void;
  /** Receives lines for the operator that no client sees. @default prints to standard error */
  readonly log?: (line: string) => void;
  readonly limits?: Partial<Limits>;
  /** The time in milliseconds since 1970 with which signatures are checked. @default Date.now */
  readonly now?: () => number;
}

/** Address of the launcher, and the token it requires. */
export interface LauncherAddress {
  /** E.g. `http://127.0.0.1:4567`, without a slash at the end. */
  readonly url: string;
  /** New at each boot. The launcher answers only requests with it. */
  readonly token: string;
}

/** Time limits and quotas that are fixed on AWS. Tests change them. */
export interface Limits {
  /** Seconds between SIGTERM and SIGKILL of a training job. @default 120, as in SageMaker */
  readonly stopGraceSeconds: number;
  /** Seconds until a new endpoint must answer /ping. @default 120 */
  readonly pingTimeoutSeconds: number;
  /** Seconds that one invocation of a model may take. @default 60, as in SageMaker */
  readonly invocationTimeoutSeconds: number;
  /** Seconds in a minute of a Glue job's Timeout; tests shorten it. @default 60 */
  readonly secondsPerMinute: number;
  /** Quota of training jobs that run on spot capacity at once. @default 0, as in a new account */
  readonly spotTrainingJobs: number;
}

export const defaultLimits: Limits = {
  stopGraceSeconds: 120,
  pingTimeoutSeconds: 120,
  invocationTimeoutSeconds: 60,
  secondsPerMinute: 60,
  spotTrainingJobs: 0,
};

export const REGION = 'us-east-1';
/** Account id of the embedded cloud; also the root's access key id. */
export const ACCOUNT = '000000000000';
