import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { GlueClient } from '@aws-sdk/client-glue';
import { GetExecutionHistoryCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { S3Client } from '@aws-sdk/client-s3';
import { loadPlans, savePlan } from '../../functions/ingest/plan';
import { allLabels } from '../../functions/lake/labels';
import { Lease } from '../../functions/lake/lease';
import { getJson, listObjects } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { publishedDays } from '../../functions/lake/published';
import { Unreadables } from '../../functions/lake/set-aside';
import { LastTraining } from '../../functions/model/champion';
import { TrainingRequest } from '../../functions/model/training-inputs';
import { clientsFor, embedded } from '../../session/clients';
import type { Clients } from '../../session/clients';
import { account } from '../../session/workspace';
import { roleArn } from '../../session/people';
import { stackName } from '../../infra/naming';
import { findStack } from '../../session/stack';
import type { Outputs } from '../../session/stack';
import { Archive } from '../../embedded/x-api/archive';
import { TrainingJob } from '../../embedded/gateway/sagemaker/training-request';
import { StateFile } from '../../embedded/gateway/state';
import { z } from 'zod';
import { unpackOlderLake } from '../support/older-lake';
import { Launcher } from './support/launcher';

const OlderOutputs = z.object({
  StateMachineArn: z.string(),
  BucketName: z.string(),
  DatabaseName: z.string(),
  WorkgroupName: z.string(),
  EndpointName: z.string(),
  TokenSecretArn: z.string(),
  ForceGrantSecretArn: z.string(),
});

let launcher: Launcher;
let clients: Clients;
let outputs: Outputs;
let lake: LakeBucket;
let before: Map<string, string>;

/** Every file of the buckets, by a checksum of its content. */
const objectsOf = (home: string): Map<string, string> =>
  new Map(
    readdirSync(join(home, 's3'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [
        relative(home, path),
        createHash('sha256').update(readFileSync(path)).digest('hex'),
      ]),
  );

beforeAll(async () => {
  const home = mkdtempSync(join(tmpdir(), 'lake-older-'));
  unpackOlderLake(home);
  before = objectsOf(home);
  launcher = await Launcher.start(home);
  const connection = embedded(launcher.url, launcher.rootSecret);
  clients = clientsFor(connection);
  const stack = await findStack(clients.cloudFormation, stackName('local', 'Pipeline'));
  outputs = {
    // What the stack of 484cd63 did not say; the next deployment does.
    AnalystsWorkgroupName: '',
    ForgottenSecretArn: '',
    ...OlderOutputs.parse(
      Object.fromEntries(
        (stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
      ),
    ),
  };
  const { Credentials } = await clients.sts.send(
    new AssumeRoleCommand({
      RoleArn: roleArn(outputs, 'local', 'DataIngestionRole'),
      RoleSessionName: 'upgrade',
    }),
  );
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken } = Credentials ?? {};
  lake = {
    bucket: outputs.BucketName,
    s3: new S3Client({
      ...connection,
      credentials: {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
      },
    }),
  };
});

afterAll(() => launcher.stop());

test('its state lies where 484cd63 cannot erase it, and no object was touched', () => {
  expect(statSync(join(launcher.home, 'state')).isFile()).toBe(true);
  expect(before.size).toBeGreaterThan(50);
  expect(objectsOf(launcher.home)).toEqual(before);
});

test('its executions and their histories are there', async () => {
  const { executions = [] } = await clients.sfn.send(
    new ListExecutionsCommand({ stateMachineArn: outputs.StateMachineArn }),
  );

  expect(executions.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
    'import-20261128-004309 SUCCEEDED',
    'nightly-20261128-003303 SUCCEEDED',
  ]);
  for (const { executionArn } of executions) {
    const { events = [] } = await clients.sfn.send(
      new GetExecutionHistoryCommand({ executionArn }),
    );
    expect(events.length).toBeGreaterThan(20);
  }
});

test('its published days are in the catalog', async () => {
  const glue = new GlueClient({ ...embedded(launcher.url, launcher.rootSecret) });

  const days = await publishedDays({ glue, database: outputs.DatabaseName });

  expect(days.map(({ date, rows }) => [date, rows])).toEqual([
    ['2026-11-27', expect.any(Number)],
    ['2026-11-28', expect.any(Number)],
  ]);
});

test('its plans and leases are read, and a plan is written with its version', async () => {
  const plans = await loadPlans(lake);
  expect(plans).toHaveLength(2);
  expect(plans.reduce((sum, { plan }) => sum + plan.progress.counts.written, 0)).toBe(23);
  const [first] = plans;
  if (!first) throw new Error('there is no plan');

  await savePlan(lake, first.plan, first.etag);

  const again = await loadPlans(lake);
  expect(again.map(({ plan }) => plan)).toEqual(plans.map(({ plan }) => plan));
  expect(await getJson(lake, 'raw-data/plans/ingest-lease.json', Lease)).toMatchObject({
    value: { schemaVersion: 1, releasedAt: expect.any(String) },
  });
  expect((await listObjects(lake, 'raw-data/labels/')).length).toBeGreaterThan(0);
});

test('its labels are read, under the hash of their text now, and none is left out', async () => {
  const unreadables = new Unreadables();

  const labels = await allLabels(lake, unreadables);

  expect(labels.length).toBeGreaterThan(4000);
  expect(unreadables.report()).toBeUndefined();
  // Its texts are plain, and a plain text has one key in every release.
  expect(labels.filter(({ text_hash, stored_hash }) => text_hash !== stored_hash)).toEqual([]);
});

test('what the gateway and the X stub kept is read', () => {
  const jobs = new StateFile(
    join(launcher.home, 'gateway', 'training-jobs.json'),
    z.array(TrainingJob),
    [],
    (line) => {
      throw new Error(line);
    },
  );
  expect(jobs.value.map(({ status }) => status)).toEqual(['Completed']);

  const archive = Archive.open(
    join(launcher.home, 'x', 'archive.json'),
    () => {
      throw new Error('the archive was laid out anew');
    },
    Date.now(),
  );
  expect(archive.posts.length).toBeGreaterThan(3000);
});

test('its last training is read', () => {
  const read = (key: string): unknown =>
    JSON.parse(
      readFileSync(join(launcher.home, 's3', account, lake.bucket, 'model-outputs', key), 'utf8'),
    );

  const last = LastTraining.parse(read('latest-training.json'));
  const request = TrainingRequest.parse(read(`${last.jobName}/input/request.json`));

  expect(last).toMatchObject({ schemaVersion: 2, jobName: 'sl-20261128-1d7f4b76b6c0' });
  expect(request.cleaned_data.length).toBeGreaterThan(0);
});
