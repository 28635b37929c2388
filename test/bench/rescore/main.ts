/**
 * How fast a new champion scores a day again: `npm run bench:rescore -- [rows]` (100,000 by default). *Refresh
 * analytics* runs against the embedded cloud, with its Athena, its transform job and the real serving program with a
 * network of the nightly's size. Beside it, in the same run, the same step through the endpoint, 200 tweets a call, one
 * call after another, as before there were transform jobs.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DescribeEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { setPartitions } from '../../../functions/lake/catalog';
import type { Catalog } from '../../../functions/lake/catalog';
import { listObjects } from '../../../functions/lake/objects';
import type { LakeBucket } from '../../../functions/lake/objects';
import { parametersOf } from '../../../functions/lake/published';
import { refreshAnalytics } from '../../../functions/refresh-analytics';
import { MOST_ENDPOINT_TWEETS } from '../../../functions/settings/settings';
import { lastDays, systemClock } from '../../../functions/shared/clock';
import { renderedCatalog } from '../../../queries/catalog';
import type { RunState } from '../../../workflows/payloads';
import { Launcher, put, putJsonObject } from '../../functions/support/launcher';
import { RUN_ID, stepInput } from '../../functions/support/state';

const ROWS = Number(process.argv[2] ?? 100_000);
const VERSION = 'sl-bench';
const IMAGE = '000000000000.dkr.ecr.us-east-1.amazonaws.com/lake-serving:1';
const ROLE = 'arn:aws:iam::000000000000:role/bench';
const root = resolve(__dirname, '../../..');
const say = (line: string) => process.stdout.write(`${line}\n`);

function prepare(folder: string, rows: number): void {
  execFileSync(
    join(root, '.venv/bin/python'),
    [join(__dirname, 'prepare.py'), folder, String(rows)],
    {
      cwd: root,
      env: { ...process.env, PYTHONPATH: `${join(root, 'ml/training')}:${root}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
}

async function createRole(launcher: Launcher): Promise<void> {
  const statement = (rest: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...rest }] });
  const iam = launcher.iam();
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'bench',
      AssumeRolePolicyDocument: statement({
        Principal: { Service: 'sagemaker.amazonaws.com' },
        Action: 'sts:AssumeRole',
      }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: 'bench',
      PolicyName: 'all',
      PolicyDocument: statement({ Action: ['s3:*', 'kms:*'], Resource: '*' }),
    }),
  );
}

async function createEndpoint(launcher: Launcher, modelUri: string): Promise<void> {
  const sageMaker = launcher.sageMaker();
  await sageMaker.send(
    new CreateModelCommand({
      ModelName: VERSION,
      ExecutionRoleArn: ROLE,
      PrimaryContainer: { Image: IMAGE, ModelDataUrl: modelUri },
    }),
  );
  await sageMaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: VERSION,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: VERSION,
          ServerlessConfig: { MemorySizeInMB: 3072, MaxConcurrency: 5 },
        },
      ],
    }),
  );
  await sageMaker.send(
    new CreateEndpointCommand({ EndpointName: 'bench', EndpointConfigName: VERSION }),
  );
  for (let looks = 0; looks < 600; looks += 1) {
    const { EndpointStatus } = await sageMaker.send(
      new DescribeEndpointCommand({ EndpointName: 'bench' }),
    );
    if (EndpointStatus === 'InService') return;
    await systemClock.sleep(100);
  }
  throw new Error('the endpoint is not in service');
}

async function publish(
  lake: LakeBucket,
  catalog: Catalog,
  day: string,
  rows: number,
  parquet: Uint8Array,
): Promise<void> {
  const folder = `cleaned-data/tweets/dt=${day}/run=${RUN_ID}-0/`;
  await put(lake, `${folder}part-0.parquet`, parquet);
  const parameters = parametersOf({
    version: `${RUN_ID}-0`,
    rows,
    fingerprint: 'f',
    replaced: null,
  });
  const location = `s3://${lake.bucket}/${folder}`;
  await setPartitions(catalog, 'tweets', [{ values: [day], location, parameters }]);
}

async function main(): Promise<void> {
  // eslint-disable-next-line no-console -- the step's log would drown the figures
  console.info = () => undefined;
  const folder = mkdtempSync(join(tmpdir(), 'lake-rescore-'));
  const launcher = await Launcher.start();
  try {
    const lake = await launcher.lake();
    const catalog = await launcher.catalog(lake);
    const athena = await launcher.warehouse(lake, catalog);
    await createRole(launcher);
    const { KeyMetadata } = await launcher.kms().send(new CreateKeyCommand({}));
    const keyArn = KeyMetadata?.Arn ?? '';
    const [today = '', yesterday = ''] = lastDays(stepInput({}).state.plan.date, 2);

    prepare(folder, ROWS);
    const modelKey = `model-outputs/${VERSION}/output/model.tar.gz`;
    const modelUri = `s3://${lake.bucket}/${modelKey}`;
    await put(lake, modelKey, readFileSync(join(folder, 'model.tar.gz')));
    await putJsonObject(lake, 'model-outputs/champion.json', {
      schemaVersion: 1,
      modelVersion: VERSION,
      modelUri,
      evaluationUri: modelUri,
      manifestUri: modelUri,
      configName: VERSION,
      fingerprint: 'f',
      promotedAt: '2026-11-23T03:00:00.000Z',
      promotedBy: 'bench',
      forced: false,
      previous: null,
    });
    await createEndpoint(launcher, modelUri);
    const unscoredTweets = renderedCatalog().find(({ name }) => name === 'unscored_tweets');
    if (!unscoredTweets) throw new Error('there is no unscored_tweets');
    const sageMaker = launcher.sageMaker();
    const step = (endpointTweets: number) =>
      refreshAnalytics({
        lake,
        catalog,
        athena,
        sageMaker,
        endpoint: { runtime: launcher.inference(), name: 'bench', clock: systemClock },
        transforms: {
          sageMaker,
          settings: {
            endpointTweets,
            instanceType: 'ml.m5.xlarge',
            instances: 1,
            maxSeconds: 3600,
          },
          image: IMAGE,
          roleArn: ROLE,
          keyArn,
          lakeName: 'bench',
          modelPrefix: 'sl-',
        },
        unscoredTweets,
        languages: ['en'],
        emit: () => undefined,
        clock: systemClock,
      });

    /** Runs the step until it is done; a second between two calls, as in the embedded cloud. */
    const rate = async (what: string, endpointTweets: number, attempt: number): Promise<number> => {
      const call = step(endpointTweets);
      const began = performance.now();
      let state: RunState['refresh'] = { status: 'PENDING' };
      for (;;) {
        state = await call(stepInput({ refresh: state }, attempt));
        if (state.status !== 'RUNNING') break;
        await systemClock.sleep(1000);
      }
      const seconds = (performance.now() - began) / 1000;
      const scored = state.status === 'DONE' ? state.scored : 0;
      const jobSeconds = state.status === 'DONE' ? state.job?.seconds : undefined;
      say(
        `${what.padEnd(32)} ${String(scored).padStart(9)} tweets ${seconds.toFixed(1).padStart(7)} s ` +
          `${Math.round(scored / seconds)
            .toLocaleString('en-US')
            .padStart(8)} tweets/s` +
          (jobSeconds === undefined ? '' : ` (the job ${jobSeconds.toFixed(1)} s)`),
      );
      return scored / seconds;
    };

    await publish(lake, catalog, today, ROWS, readFileSync(join(folder, 'tweets.parquet')));
    const transformed = await rate('transform job', 0, 0);
    const written = await listObjects(lake, 'processed-data/scored/');
    say(
      `${written.length} Parquet objects, ${written.reduce((sum, { bytes }) => sum + bytes, 0)} bytes`,
    );

    prepare(folder, MOST_ENDPOINT_TWEETS);
    const small = readFileSync(join(folder, 'tweets.parquet'));
    await publish(lake, catalog, yesterday, MOST_ENDPOINT_TWEETS, small);
    const invoked = await rate('endpoint, call after call', MOST_ENDPOINT_TWEETS, 1);
    say(`transform job / endpoint: ${(transformed / invoked).toFixed(2)}`);
  } finally {
    await launcher.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
