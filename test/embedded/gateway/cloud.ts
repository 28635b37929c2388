import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { launcherHeaders } from '../../../embedded/gateway/launcher';
import type { GatewayOptions } from '../../../embedded/gateway/options';
import { startGateway } from '../../../embedded/gateway/server';
import type { Gateway } from '../../../embedded/gateway/server';
import { lakeSecrets, tell } from '../../support/lake-secrets';

// Each cloud boots a launcher; on a busy machine that alone takes seconds.
jest.setTimeout(240_000);

export const PROJECT = resolve(__dirname, '../../..');
export const PYTHON = join(PROJECT, '.venv/bin/python');
export const BUCKET = 'lake';
export const ROOT_KEY = '000000000000';

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string[];
  Resource: string[];
  Condition?: Record<string, Record<string, unknown>>;
}

/** What every AWS client needs to talk to the gateway as the account's root. */
export interface ClientConfig {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/** A launcher and a gateway of their own, in a folder of their own. */
export class TestCloud {
  readonly home = mkdtempSync(join(tmpdir(), 'lake-gateway-'));
  readonly secrets = lakeSecrets();
  /** The gateway tells here what an operator should know. */
  readonly lines: string[] = [];
  gateway: Gateway | undefined;

  private constructor(
    readonly url: string,
    readonly launcherUrl: string,
    private readonly options: Partial<GatewayOptions>,
  ) {}

  private launcher: ChildProcess | undefined;

  static async start(options: Partial<GatewayOptions> = {}): Promise<TestCloud> {
    const [port, launcherPort] = await freePorts();
    const cloud = new TestCloud(
      `http://127.0.0.1:${port}`,
      `http://127.0.0.1:${launcherPort}`,
      options,
    );
    try {
      await cloud.startLauncher();
      await cloud.startGateway();
      await cloud.s3().send(new CreateBucketCommand({ Bucket: BUCKET }));
      return cloud;
    } catch (error) {
      await cloud.stop();
      throw error;
    }
  }

  async startGateway(): Promise<void> {
    this.gateway = await startGateway(this.gatewayOptions());
  }

  gatewayOptions(): GatewayOptions {
    return {
      port: Number(new URL(this.url).port),
      launcher: { url: this.launcherUrl, token: this.secrets.token },
      rootSecret: this.secrets.rootSecret,
      home: this.home,
      projectRoot: PROJECT,
      python: PYTHON,
      log: (line) => this.lines.push(line),
      ...this.options,
    };
  }

  async stop(): Promise<void> {
    await this.gateway?.close();
    await this.stopLauncher();
    rmSync(this.home, { recursive: true, force: true });
  }

  async stopLauncher(): Promise<void> {
    const { launcher } = this;
    if (!launcher || launcher.exitCode !== null) return;
    const exited = new Promise((done) => launcher.once('exit', done));
    launcher.kill('SIGTERM');
    await exited;
  }

  get root() {
    return { accessKeyId: ROOT_KEY, secretAccessKey: this.secrets.rootSecret };
  }

  client(credentials: ClientConfig['credentials'] = this.root): ClientConfig {
    return { endpoint: this.url, region: 'us-east-1', credentials };
  }

  /** A role that a service may assume. Answers its ARN. */
  async role(name: string, service: string, statements: Statement[]): Promise<string> {
    const iam = new IAMClient(this.client());
    const trust = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
    };
    await iam.send(
      new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }),
    );
    await iam.send(
      new PutRolePolicyCommand({
        RoleName: name,
        PolicyName: 'all',
        PolicyDocument: policy(statements),
      }),
    );
    return `arn:aws:iam::${ROOT_KEY}:role/${name}`;
  }

  /** A person with these permissions. Answers what a client of theirs needs. */
  async person(name: string, statements: Statement[]): Promise<ClientConfig> {
    const iam = new IAMClient(this.client());
    await iam.send(new CreateUserCommand({ UserName: name }));
    if (statements.length > 0)
      await iam.send(
        new PutUserPolicyCommand({
          UserName: name,
          PolicyName: 'all',
          PolicyDocument: policy(statements),
        }),
      );
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
    return this.client({
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    });
  }

  /** A key that leaves all to the account's IAM. Answers its id. */
  async encryptionKey(): Promise<string> {
    const client = new CloudFormationClient(this.client());
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${ROOT_KEY}:root` },
      Action: 'kms:*',
      Resource: '*',
    };
    const KeyPolicy = { Version: '2012-10-17', Statement: [statement] };
    const TemplateBody = JSON.stringify({
      Resources: { Key: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy } } },
      Outputs: { Id: { Value: { Ref: 'Key' } } },
    });
    await client.send(new CreateStackCommand({ StackName: 'encryption-key', TemplateBody }));
    const query = { StackName: 'encryption-key' };
    await waitUntilStackCreateComplete({ client, maxWaitTime: 60, minDelay: 1 }, query);
    const { Stacks } = await client.send(new DescribeStacksCommand(query));
    const [{ OutputValue } = {}] = Stacks?.[0]?.Outputs ?? [];
    if (OutputValue === undefined) throw new Error('The stack of the key has no output');
    return OutputValue;
  }

  async put(key: string, body: string | Buffer): Promise<string> {
    await this.s3().send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
    return `s3://${BUCKET}/${key}`;
  }

  async get(key: string): Promise<Buffer> {
    const { Body } = await this.s3().send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  s3(): S3Client {
    return new S3Client({ ...this.client(), forcePathStyle: true });
  }

  private async startLauncher(): Promise<void> {
    const port = new URL(this.launcherUrl).port;
    const args = [
      '-m',
      'embedded.launcher',
      '--port',
      port,
      '--gateway',
      this.url,
      '--home',
      this.home,
    ];
    const launcher = spawn(PYTHON, args, { cwd: PROJECT, stdio: ['pipe', 'ignore', 'inherit'] });
    tell(launcher, this.secrets);
    this.launcher = launcher;
    await until(
      'the launcher answers',
      async () => {
        if (launcher.exitCode !== null)
          throw new Error(`the launcher ended with ${launcher.exitCode}`);
        return fetch(`${this.launcherUrl}/_lake/health`, {
          headers: launcherHeaders(this.secrets.token),
        }).then(
          (answer) => answer.ok,
          () => false,
        );
      },
      150,
    );
  }
}

const policy = (Statement: Statement[]) => JSON.stringify({ Version: '2012-10-17', Statement });

export const allow = (Action: string[], Resource: string[] = ['*']): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
});

/** Waits until `check` answers something true, and answers it. */
export async function until<T>(
  what: string,
  check: () => Promise<T | false | undefined>,
  timeoutSeconds = 20,
): Promise<T> {
  const end = Date.now() + timeoutSeconds * 1000;
  while (Date.now() < end) {
    const found = await check();
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`not within ${timeoutSeconds} s: ${what}`);
}

/** Command lines of this machine's processes that work below a folder. */
export function commandLines(folder = '/'): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        if (!readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)) return '';
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        // It ended while we looked.
        return '';
      }
    })
    .join('\n');
}

/** Two ports of 127.0.0.1 that nobody listens on. */
async function freePorts(): Promise<[number, number]> {
  const probes = [createServer(), createServer()];
  const ports = await Promise.all(
    probes.map(
      (probe) =>
        new Promise<number>((done) =>
          probe.listen(0, '127.0.0.1', () => {
            const address = probe.address();
            done(address && typeof address === 'object' ? address.port : 0);
          }),
        ),
    ),
  );
  await Promise.all(probes.map((probe) => new Promise((done) => probe.close(done))));
  return [ports[0] ?? 0, ports[1] ?? 0];
}
