import type { IncomingMessage, ServerResponse } from 'node:http';

export interface GatewayOptions {
  /** Port of the gateway on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly launcher: LauncherAddress;
  /** The secret access key of the account's root: what the owner's clients sign with. */
  readonly rootSecret: string;
  /** State, logs and scratch folders live below this folder (LAKE_HOME). */
  readonly home: string;
  /** The project: its `ml/<kind>/Dockerfile` stand for the images in ECR. */
  readonly projectRoot: string;
  /** The Python interpreter that has pyspark and torch. */
  readonly python: string;
  /** Answers everything below `/_x/`; the request's URL is passed on unchanged. */
  readonly xApi?: (req: IncomingMessage, res: ServerResponse) => void;
  /** Gets what an operator should know and no client is told. @default lines on standard error */
  readonly log?: (line: string) => void;
  readonly limits?: Partial<Limits>;
  /** Milliseconds since 1970, which signatures are held against. @default Date.now */
  readonly now?: () => number;
}

/** Where the launcher listens, and what it asks of who calls. */
export interface LauncherAddress {
  /** E.g. `http://127.0.0.1:4567`, without a slash at the end. */
  readonly url: string;
  /** New at each boot; the launcher answers nobody without it. */
  readonly token: string;
}

/** Times and quotas that AWS fixes; tests change them. */
export interface Limits {
  /** Between SIGTERM and SIGKILL of a training job. @default 120, SageMaker's */
  readonly stopGraceSeconds: number;
  /** How long a new endpoint may take until it answers /ping. @default 120 */
  readonly pingTimeoutSeconds: number;
  /** How long a model may take for one invocation. @default 60, SageMaker's */
  readonly invocationTimeoutSeconds: number;
  /** Length of the minutes in which a Glue job's Timeout is given. @default 60 */
  readonly secondsPerMinute: number;
  /** How many training jobs may run on spot capacity at once. @default 0, a new account's quota */
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
/** The embedded cloud's account; its id is the root's access key id. */
export const ACCOUNT = '000000000000';
