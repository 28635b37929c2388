import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { AthenaClient, CreateWorkGroupCommand } from '@aws-sdk/client-athena';
import { CreateDatabaseCommand, CreateTableCommand, GlueClient } from '@aws-sdk/client-glue';
import { IAMClient } from '@aws-sdk/client-iam';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AthenaContext } from '../../../functions/lake/athena';
import type { Catalog } from '../../../functions/lake/catalog';
import { getBytes, listObjects } from '../../../functions/lake/objects';
import type { LakeBucket } from '../../../functions/lake/objects';
import { database, datasets, dayProjection, tables } from '../../../workflows/datasets';
import type { LauncherAddress } from '../../../embedded/gateway/options';
import { startGateway } from '../../../embedded/gateway/server';
import type { Gateway } from '../../../embedded/gateway/server';
import { freePort } from '../../../embedded/gateway/free-port';
import { lakeSecrets, tell } from '../../support/lake-secrets';

const PARQUET = {
  InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  SerdeInfo: {
    SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
  },
};
const JSON_LINES = {
  InputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
  OutputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
  SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
};

// It answers within two seconds on an idle machine, and within half a minute while all tests run at once.
// Benchmarks use it too, and have no jest.
if (typeof jest !== 'undefined') jest.setTimeout(120_000);

const PROJECT = resolve(__dirname, '../../..');

/** The embedded cloud: real buckets, streams, catalog and secrets behind its gateway, in a folder of their own. */
export class Launcher {
  private constructor(
    private readonly child: ChildProcess,
    private readonly gateway: Gateway,
    readonly home: string,
    /** What is behind the gateway, for a proxy that stands in for it. */
    readonly behind: LauncherAddress,
    readonly rootSecret: string,
  ) {}

  get url(): string {
    return this.gateway.url;
  }

  /** `home` is one that is there already; it is removed at the end like any other. */
  static async start(home = mkdtempSync(join(tmpdir(), 'lake-functions-'))): Promise<Launcher> {
    const [port, gatewayPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${gatewayPort}`;
    const secrets = lakeSecrets();
    const child = spawn(
      join(PROJECT, '.venv/bin/python'),
      ['-m', 'embedded.launcher', '--port', String(port), '--gateway', url, '--home', home],
      { cwd: PROJECT, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    tell(child, secrets);
    // Its only line on stdout says that it answers.
    const answers = once(child.stdout, 'data').then(() => true);
    const ended = once(child, 'exit').then(() => false);
    if (!(await Promise.race([answers, ended]))) {
      throw new Error(`the launcher ended with ${child.exitCode}`);
    }
    const behind = { url: `http://127.0.0.1:${port}`, token: secrets.token };
    const gateway = await startGateway({
      port: gatewayPort,
      launcher: behind,
      rootSecret: secrets.rootSecret,
      home,
      projectRoot: PROJECT,
      python: join(PROJECT, '.venv/bin/python'),
      // Its clock stays right where a test changes this process's.
      now: () => performance.timeOrigin + performance.now(),
    });
    return new Launcher(child, gateway, home, behind, secrets.rootSecret);
  }

  async stop(): Promise<void> {
    await this.gateway.close();
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
    rmSync(this.home, { recursive: true, force: true });
  }

  /** What every client needs, as the account's root. */
  private get config() {
    return {
      endpoint: this.url,
      region: 'us-east-1',
      credentials: { accessKeyId: '000000000000', secretAccessKey: this.rootSecret },
    };
  }

  /** An empty bucket of its own for a test. */
  async lake(): Promise<LakeBucket> {
    const s3 = new S3Client({ ...this.config, forcePathStyle: true });
    const bucket = `lake-${Math.random().toString(36).slice(2, 10)}`;
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    return { s3, bucket };
  }

  /** A catalog with the lake's tables, in a database of its own. */
  async catalog(lake: LakeBucket): Promise<Catalog> {
    const glue = new GlueClient(this.config);
    const name = `${database}_${lake.bucket.replace('lake-', '')}`;
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name } }));
    const projected = new Map([
      [datasets.quarantine, dayProjection(datasets.quarantine, 30)],
      [datasets.executions, dayProjection(datasets.executions, null)],
    ]);
    for (const [table, dataset] of Object.entries(tables)) {
      const { prefix, columns, partitions, format } = dataset;
      const toColumn = ({ name: column, type }: { name: string; type: string }) => ({
        Name: column,
        Type: type,
      });
      await glue.send(
        new CreateTableCommand({
          DatabaseName: name,
          TableInput: {
            Name: table,
            Parameters: projected.get(dataset) ?? {},
            PartitionKeys: partitions.map(toColumn),
            StorageDescriptor: {
              Columns: columns.map(toColumn),
              Location: `s3://${lake.bucket}/${prefix}`,
              ...(format === 'parquet' ? PARQUET : JSON_LINES),
            },
          },
        }),
      );
    }
    return { glue, database: name };
  }

  /** A workgroup for the catalog's tables. */
  async warehouse(lake: LakeBucket, { database: name }: Catalog): Promise<AthenaContext> {
    const athena = new AthenaClient(this.config);
    const workgroup = lake.bucket;
    const OutputLocation = `s3://${lake.bucket}/processed-data/query-results/`;
    await athena.send(
      new CreateWorkGroupCommand({
        Name: workgroup,
        Configuration: {
          ResultConfiguration: { OutputLocation },
          EnforceWorkGroupConfiguration: true,
        },
      }),
    );
    return { athena, workgroup, database: name };
  }

  kinesis(): KinesisClient {
    return new KinesisClient({ ...this.config, requestHandler: new NodeHttpHandler() });
  }

  iam(): IAMClient {
    return new IAMClient(this.config);
  }

  sageMaker(): SageMakerClient {
    return new SageMakerClient(this.config);
  }

  inference(): SageMakerRuntimeClient {
    return new SageMakerRuntimeClient(this.config);
  }

  kms(): KMSClient {
    return new KMSClient(this.config);
  }

  lambda(): LambdaClient {
    return new LambdaClient(this.config);
  }

  stepFunctions(): SFNClient {
    return new SFNClient(this.config);
  }

  secrets(): SecretsManagerClient {
    return new SecretsManagerClient(this.config);
  }
}

export async function put(lake: LakeBucket, key: string, body: string | Uint8Array): Promise<void> {
  // As bytes: the client takes an empty text for a stream of unknown length.
  await lake.s3.send(
    new PutObjectCommand({ Bucket: lake.bucket, Key: key, Body: Buffer.from(body) }),
  );
}

export const putJsonObject = (lake: LakeBucket, key: string, value: unknown): Promise<void> =>
  put(lake, key, JSON.stringify(value));

/** The next write of this key, or of one like it, never reaches the bucket, as if the process had been killed just before. */
export function failNextWrite({ s3 }: LakeBucket, key: string | RegExp): void {
  const isMeant = (name: unknown): boolean =>
    typeof key === 'string' ? name === key : typeof name === 'string' && key.test(name);
  let isDue = true;
  s3.middlewareStack.add(
    (next) => (args) => {
      if (isDue && 'Body' in args.input && 'Key' in args.input && isMeant(args.input.Key)) {
        isDue = false;
        throw new Error('killed');
      }
      return next(args);
    },
    { step: 'initialize' },
  );
}

export async function readText(lake: LakeBucket, key: string): Promise<string> {
  const found = await getBytes(lake, key);
  if (found === null) {
    throw new Error(`there is no ${key}`);
  }
  return Buffer.from(key.endsWith('.gz') ? gunzipSync(found.bytes) : found.bytes).toString('utf8');
}

export async function readJsonObject(lake: LakeBucket, key: string): Promise<unknown> {
  const value: unknown = JSON.parse(await readText(lake, key));
  return value;
}

export const keysBelow = async (lake: LakeBucket, prefix: string): Promise<string[]> =>
  (await listObjects(lake, prefix)).map(({ key }) => key);
