import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { keepsTokenSecret, tokenInClear } from '../../functions/x/address';
import { writeAtomically } from '../../session/files';
import type { Cloud } from './boot';
import { endChild, exitOf, startChild } from './child';
import type { Clients } from '../../session/clients';
import {
  account,
  clientEnvironment,
  logFile,
  region,
  type Workspace,
} from '../../session/workspace';
import { emulatorToken } from './root-secret';
import { makePrivate } from './private';
import { findOutputs, isDeployed, type Outputs } from '../../session/stack';
import { UserError } from '../../session/user-error';

/** A deployment takes under a minute here. The limit ends one that waits for a resource for ever. */
const timeLimitMillis = 6 * 60_000;

/** Files and folders that `cdk synth` reads. */
const sources = [
  'infra',
  'workflows',
  'functions',
  'queries',
  'policies',
  'etl',
  'ml',
  'cdk.json',
  'package-lock.json',
  'tsconfig.json',
];

function filesBelow(root: string, path: string): string[] {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (!path.includes('.')) {
    return readdirSync(full, { withFileTypes: true, recursive: true })
      .filter(
        (entry) => entry.isFile() && !/__pycache__|\.pyc$/.test(join(entry.parentPath, entry.name)),
      )
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  }
  return [path];
}

/** The commit that manifests name, with `clean` or `dirty`; empty outside a git checkout. */
function commitOf(root: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const isClean = git('status', '--porcelain', '--untracked-files=no') === '';
    return `${git('rev-parse', 'HEAD').trim()} ${isClean ? 'clean' : 'dirty'}`;
  } catch {
    return '';
  }
}

/** A hash of everything that a deployment is made from. */
function fingerprintOf(workspace: Workspace, context: string[]): string {
  const hash = createHash('sha256').update(
    JSON.stringify([context, commitOf(workspace.root), process.version]),
  );
  for (const path of sources.flatMap((source) => filesBelow(workspace.root, source)).sort()) {
    hash.update(`\0${path}\0`).update(readFileSync(join(workspace.root, path)));
  }
  return hash.digest('hex');
}

export const stubUrl = (port: number): string => `http://127.0.0.1:${port}/_x/2/`;

/**
 * Where tweets come from: X_API_BASE_URL, or X itself when X_BEARER_TOKEN is set, or else the X API stub.
 * Throws UserError for a URL that is invalid or would send the token unencrypted.
 */
export function tweetSource({ env, port }: Workspace): {
  url: string;
  token: string | null;
  standIn: boolean;
} {
  const token = env.X_BEARER_TOKEN || null;
  const baseUrl = env.X_API_BASE_URL;
  if (baseUrl) {
    let url: URL;
    try {
      url = new URL(baseUrl);
    } catch {
      throw new UserError(
        `X_API_BASE_URL is "${baseUrl}", which is not a URL. Use one like http://127.0.0.1:8080/2/.`,
      );
    }
    if (!keepsTokenSecret(url.href)) {
      throw new UserError(`X_API_BASE_URL is "${baseUrl}": it ${tokenInClear}.`);
    }
    // The base URL in the settings ends in the API's version. A URL without a path means version 2.
    if (url.pathname === '/') url.pathname = '/2/';
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    return { url: url.href, token, standIn: false };
  }
  if (token !== null) return { url: 'https://api.x.com/2/', token, standIn: false };
  return { url: stubUrl(port), token: null, standIn: true };
}

/**
 * Runs one command of a deployment and appends its output to the log.
 * Throws UserError with the last lines of the output when the command fails.
 */
export async function run(
  workspace: Workspace,
  title: string,
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  limitMillis = timeLimitMillis,
): Promise<void> {
  const log = logFile(workspace, 'deploy');
  const tail: string[] = [];
  const child = startChild(workspace, {
    command,
    args,
    env,
    log,
    guarded: true,
    onLine: (line) => {
      if (line.trim() !== '') tail.push(line);
      if (tail.length > 12) tail.shift();
      say(line);
    },
  });
  const stop = () => void endChild(child, 4_000);
  const timer = setTimeout(stop, limitMillis);
  workspace.signal.addEventListener('abort', stop);
  const code = await exitOf(child);
  clearTimeout(timer);
  workspace.signal.removeEventListener('abort', stop);
  workspace.signal.throwIfAborted();
  if (code !== 0) {
    throw new UserError(
      `${tail.map((line) => `    ${line}`).join('\n')}\n${title} failed (exit code ${code}). Complete output: ${log}`,
    );
  }
}

function cdkEnvironment(workspace: Workspace, { url, rootSecret }: DeployTo): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...workspace.env,
    ...clientEnvironment(url, rootSecret),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    AWS_EC2_METADATA_DISABLED: 'true',
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    FORCE_COLOR: '0',
  };
  // The SDK would prefer the user's own profile or session to the lake's keys, and send it to the lake.
  for (const name of ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SESSION_TOKEN', 'X_BEARER_TOKEN'])
    delete env[name];
  return env;
}

/** A running embedded cloud. */
type DeployTo = Pick<Cloud, 'url' | 'rootSecret'>;

/**
 * Deploys this checkout into the lake with the stock CDK CLI. Skips the deployment when nothing has changed since the
 * last one into this folder. `say` receives progress lines. Throws UserError when a command fails.
 */
export async function deploy(
  workspace: Workspace,
  cloud: DeployTo,
  clients: Clients,
  say: (line: string) => void,
): Promise<Outputs> {
  const source = tweetSource(workspace);
  const token = source.standIn ? emulatorToken(cloud.rootSecret) : source.token;
  const context = ['-c', 'env=local', '-c', `xApiBaseUrl=${source.url}`];
  const stamp = join(workspace.home, 'deployed');
  const fingerprint = fingerprintOf(workspace, context);
  const existing = await findOutputs(clients.cloudFormation, 'local');
  const isCurrent =
    existing !== undefined && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint;

  const node = (
    title: string,
    args: string[],
    env: NodeJS.ProcessEnv,
    onLine: (line: string) => void,
  ) => run(workspace, title, process.execPath, args, env, onLine);
  const server = join(workspace.root, 'dist', 'serving', 'server.cjs');
  if (!isCurrent || !existsSync(server)) {
    say('building the serving program');
    const build = ['ml/serving/build.mjs'];
    await node('Building the serving program', build, workspace.env, () => undefined);
  }
  if (isCurrent) {
    await storeToken(clients, existing, token);
    return existing;
  }

  const cdk = join(workspace.root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const env = cdkEnvironment(workspace, cloud);
  const cli = [
    cdk,
    '--no-notices',
    '--no-color',
    '--no-version-reporting',
    '--no-path-metadata',
    '--output',
    join(workspace.home, 'cdk.out'),
    ...context,
  ];
  if (!(await isDeployed(clients.cloudFormation, 'CDKToolkit'))) {
    say('cdk bootstrap');
    const bootstrap = [...cli, 'bootstrap', `aws://${account}/${region}`];
    await node('cdk bootstrap', bootstrap, env, () => undefined);
  }
  say('cdk deploy');
  const deployAll = ['deploy', '--all', '--require-approval', 'never', '--progress', 'events'];
  await node('cdk deploy', [...cli, ...deployAll], env, (line) => {
    const resource = /\|\s*(?:CREATE|UPDATE)_\w+\s*\|\s*(AWS::\S+)/.exec(line)?.[1];
    if (resource !== undefined) say(`cdk deploy: ${resource}`);
  });
  const outputs = await findOutputs(clients.cloudFormation, 'local');
  if (!outputs)
    throw new UserError(
      `The deployment ended, but the pipeline's stack does not exist. See the log: ${logFile(workspace, 'deploy')}`,
    );
  await storeToken(clients, outputs, token);
  // The CDK copies assets with their file modes from the checkout, so they may be readable by others.
  makePrivate(workspace.home);
  writeAtomically(stamp, fingerprint);
  return outputs;
}

/**
 * Stores X's token in the pipeline's secret, and only there. Drops the previous version: the embedded cloud keeps
 * its state in files, and a token that the user has withdrawn must not stay in one.
 */
export async function storeToken(
  clients: Pick<Clients, 'secrets'>,
  outputs: Pick<Outputs, 'TokenSecretArn'>,
  token: string | null,
): Promise<void> {
  const SecretId = outputs.TokenSecretArn;
  const SecretString = token ?? 'no-token-needed';
  const stored = await clients.secrets.send(new GetSecretValueCommand({ SecretId }));
  if (stored.SecretString !== SecretString) {
    await clients.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  }
  const { Versions = [] } = await clients.secrets.send(
    new ListSecretVersionIdsCommand({ SecretId }),
  );
  const label = 'AWSPREVIOUS';
  for (const { VersionId, VersionStages } of Versions) {
    if (VersionStages?.includes(label)) {
      await clients.secrets.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: label,
          RemoveFromVersionId: VersionId,
        }),
      );
    }
  }
}
