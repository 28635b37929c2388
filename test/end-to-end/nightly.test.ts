import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { records, runSql } from '../../cli/athena';
import { archived } from '../../cli/run/archived';
import { grantForce } from '../../cli/grant-force';
import { importBundledLabels } from '../../cli/labels/bundled';
import { predict } from '../../cli/predict';
import { Manifest } from '../../cli/reproduce/manifest';
import { reproduce } from '../../cli/reproduce/reproduce';
import { findExecution, redriveRun, startRun } from '../../cli/run/launch';
import type { Run } from '../../cli/run/follow';
import type { Screen } from '../../cli/screen';
import { account, clientEnvironment, type Workspace } from '../../session/workspace';
import { rootSecretOf } from '../../embedded/cloud/root-secret';
import { openSession } from '../../embedded/cloud/session';
import type { Session } from '../../session/session';
import type { AlarmName } from '../../infra/constructs/monitoring/alarms';
import { lakeName } from '../../infra/naming';
import { readChampion } from '../../functions/model/champion';
import { renderedCatalog } from '../../queries/catalog';
import { executionParameters } from '../../queries/query';
import { datasets, prefixes } from '../../workflows/datasets';
import { metricNamespace } from '../../workflows/metrics';
import { Champion, RunReport } from '../../workflows/payloads';
import {
  keepAsRecorded,
  keyUsesOf,
  lines,
  notedCalls,
  notedKeyUses,
  recordedCalls,
} from '../policies/recorded';
import type { RecordedCall } from '../policies/calls';
import { declaredCalls } from '../policies/declared-calls';
import { freePort } from '../../embedded/gateway/free-port';
import { actionsOf, alarmStates, sums } from '../support/metrics';
import { openKeyToRoot } from '../support/key-for-root';

/*
 * The whole pipeline on the embedded cloud: the stock CDK CLI deploys it, enforcement is on, Spark, the
 * LSTM and the serving program are the real ones. The slice is small; nothing else is.
 * One lake, one story: each test goes on where the one before ended.
 */
const TWEETS = 500;
const said: string[] = [];
const screen: Screen = {
  isTerminal: false,
  columns: 80,
  hasColours: false,
  say: (line = '') => void said.push(line),
  live: () => undefined,
  rest: () => undefined,
};
const home = mkdtempSync(join(tmpdir(), 'lake-end-to-end-'));
/** Which calls the roles made: docs/permissions.md. */
const noted = join(home, 'calls.jsonl');
const stop = new AbortController();
let workspace: Workspace;
let session: Session;
let firstNight: Run;
let redriven: Run;
/** The model of a training that had a champion beside it. */
let retrained: string;

async function keysBelow(Prefix: string): Promise<string[]> {
  const { s3 } = session.clients;
  const keys: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: session.outputs.BucketName, Prefix, ContinuationToken }),
    );
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return keys;
}

async function bytesOf(Key: string): Promise<Buffer> {
  const { Body } = await session.clients.s3.send(
    new GetObjectCommand({ Bucket: session.outputs.BucketName, Key }),
  );
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function ingestedIds(): Promise<string[]> {
  const pages = await Promise.all((await keysBelow(datasets.raw_tweets.prefix)).map(bytesOf));
  return pages
    .flatMap((page) => gunzipSync(page).toString('utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => z.looseObject({ id: z.string() }).parse(JSON.parse(line)).id);
}

const ask = async (sql: string) => records(await runSql(workspace, session, sql));
const statesEntered = (run: Run, name: string): number =>
  run.events.filter(({ type, state }) => type.endsWith('StateEntered') && state === name).length;
/** How a run ended, with its reason: a status alone would not say why a test failed. */
const endOf = ({ status, timeline }: Run) => ({ status, failure: timeline.failure });
const championKey = `${prefixes.models}champion.json`;
const reportOf = async (run: Run): Promise<RunReport> => {
  const { output } = await session.clients.sfn.send(
    new DescribeExecutionCommand({ executionArn: run.arn }),
  );
  return RunReport.parse(JSON.parse(output ?? ''));
};

const cloudWatch = () => ({
  url: `http://127.0.0.1:${workspace.port}`,
  credentials: { accessKeyId: account, secretAccessKey: rootSecretOf(workspace.home) },
});

/** What is seen at last: as soon as it is `done`, or after a minute. */
async function eventually<Seen>(
  see: () => Promise<Seen>,
  done: (seen: Seen) => boolean,
): Promise<Seen> {
  let seen = await see();
  for (let look = 0; !done(seen) && look < 240; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    seen = await see();
  }
  return seen;
}

/** Waits for an alarm in ALARM that has told the topic of it, as whom the topic and its key let it. */
async function wentOff(alarm: AlarmName): Promise<void> {
  const name = lakeName('local', alarm);
  const asked = cloudWatch();
  const seen = async () => ({
    state: (await alarmStates(asked, [name])).get(name),
    actions: (await actionsOf(asked, name)).slice(0, 1),
  });
  const wanted = {
    state: 'ALARM',
    actions: [expect.stringMatching(/^Successfully executed action \S+:SentimentLake-local-\S+$/)],
  };
  const found = await eventually(seen, ({ actions }) => actions.length > 0);
  expect({ name, ...found }).toEqual({ name, ...wanted });
}

beforeAll(async () => {
  const env = { ...process.env, LAKE_RECORD_CALLS: noted };
  workspace = { root: process.cwd(), home, port: await freePort(), env, signal: stop.signal };
  session = await openSession(workspace, {
    command: 'start',
    mayShareRun: false,
    asItIs: false,
    say: (line) => said.push(line),
    progress: () => undefined,
  });
  await openKeyToRoot(`http://127.0.0.1:${workspace.port}`, rootSecretOf(workspace.home), {
    s3: session.clients.s3,
    bucket: session.outputs.BucketName,
  });
}, 240_000);

afterAll(async () => {
  await session?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

test('wrong input ends the execution at its first state with an error that names the field', async () => {
  // Past the command line's own check, as the console would.
  const { executionArn } = await session.clients.sfn.send(
    new StartExecutionCommand({
      stateMachineArn: session.outputs.StateMachineArn,
      name: 'wrong-input',
      input: '{"mode":"nightlyy"}',
    }),
  );

  let execution = await session.clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
  for (let look = 0; execution.status === 'RUNNING' && look < 60; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    execution = await session.clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
  }

  expect(execution.status).toBe('FAILED');
  expect(execution.error).toBe('InvalidInput');
  expect(execution.cause).toContain('mode');
  expect(execution.cause).toContain('nightlyy');
  await wentOff('run-failed');
  // The archive's own line about it: its role may write the log, and the log makes a metric of it.
  const by = { Lake: lakeName('local'), Error: 'InvalidInput' };
  const counted = () => sums(cloudWatch(), metricNamespace, by, ['RunsFailed']);
  expect(await eventually(counted, ({ RunsFailed }) => RunsFailed !== null)).toEqual({
    RunsFailed: 1,
  });
}, 120_000);

test('a night without labels fails at the training, with its data published', async () => {
  firstNight = await startRun(workspace, session, screen, { maxTweets: TWEETS });

  expect(firstNight.status).toBe('FAILED');
  expect(firstNight.timeline.failure).toMatchObject({
    state: 'Train the model',
    error: 'NoLabels',
  });
  const [rows] = await ask('select count(*) as n from tweets');
  expect(Number(rows?.['n'])).toBe(TWEETS);
}, 180_000);

test('every ingested id is once in cleaned-data, and nothing of mentions, hashtags or URLs is left', async () => {
  const ingested = await ingestedIds();
  const cleaned = await ask('select tweet_id, clean_text from tweets');

  expect(cleaned.map((row) => row['tweet_id']).sort()).toEqual([...new Set(ingested)].sort());
  expect(
    cleaned
      .map((row) => row['clean_text'] ?? '')
      .filter((text) => /[@#]|https?|[A-Z]|[^\p{L}\p{N}\p{M} ]/u.test(text)),
  ).toEqual([]);
}, 60_000);

test('redriven with labels, it goes on at the training and promotes a model', async () => {
  await importBundledLabels(workspace, session, screen);

  redriven = await redriveRun(
    workspace,
    session,
    screen,
    await findExecution(session, firstNight.name),
  );

  expect(endOf(redriven)).toMatchObject({ status: 'SUCCEEDED' });
  // Two states entered once: what had succeeded was kept.
  expect(statesEntered(redriven, 'Plan the run')).toBe(1);
  expect(statesEntered(redriven, 'Publish the data')).toBe(1);
  expect(redriven.events.map(({ type }) => type)).toContain('ExecutionRedriven');
  expect((await reportOf(redriven)).outcome).toBe('PROMOTED');
}, 300_000);

test('the champion is in service, and every tweet has its verdict', async () => {
  const champion = Champion.parse(JSON.parse((await bytesOf(championKey)).toString('utf8')));
  const answer = await predict(session, ['I love this so much!', 'I hate this, it is awful.']);
  const [scored] = await ask('select count(distinct tweet_id) as n from scored');

  expect(answer.model_version).toBe(champion.modelVersion);
  expect(answer.predictions.map(({ label }) => label)).toEqual(['positive', 'negative']);
  expect(Number(scored?.['n'])).toBe(TWEETS);
}, 60_000);

test('the history of the run is complete, and archived', async () => {
  // The second end's archive: it comes after the first one's.
  const inTime = await archived(session, redriven);
  const keys = await keysBelow(`${prefixes.audit}executions/`);

  expect(inTime).toBe(true);
  // One archive for each of its ends, and one of the execution that was refused.
  expect(keys.map((key) => key.slice(key.lastIndexOf('/') + 1))).toEqual(
    expect.arrayContaining([
      `${firstNight.name}-0.json`,
      `${firstNight.name}-1.json`,
      'wrong-input-0.json',
    ]),
  );
}, 30_000);

test('Athena tells who started and redrove the run, and who made the champion of what', async () => {
  const origin = renderedCatalog().find(({ name }) => name === 'model_origin');
  if (origin === undefined) throw new Error('There is no question model_origin.');
  const lake = { s3: session.people.analyst.s3, bucket: session.outputs.BucketName };
  const champion = await readChampion(lake);
  const values = { model_version: champion?.value.modelVersion ?? '' };
  const asked = async () =>
    records(await runSql(workspace, session, origin.sql, executionParameters(origin, values)));

  // The row comes a moment after the history, and who redrove the run with the second end's.
  const rows = await eventually(asked, ([row]) => typeof row?.['redriven_by'] === 'string');

  const root = 'arn:aws:iam::000000000000:root';
  expect(rows).toEqual([
    expect.objectContaining({
      what: 'trained and put into service',
      execution: firstNight.name,
      started_by: root,
      started_by_source: 'CloudTrail',
      started_with: 'command line',
      redriven_by: root,
      training_tweets: String(TWEETS),
      git_commit: expect.stringMatching(/^[0-9a-f]{40}/),
      manifest_uri: champion?.value.manifestUri,
    }),
  ]);
  expect(rows[0]?.['claimed_by']).toMatch(/^.+@.+$/);
  expect(Number(rows[0]?.['label_rows'])).toBeGreaterThan(0);
}, 60_000);

test('a retrain compares with the champion on the same rows', async () => {
  const run = await startRun(workspace, session, screen, {
    mode: 'retrain',
    training: { epochs: 2, seed: 7 },
  });

  expect(endOf(run)).toMatchObject({ status: 'SUCCEEDED' });
  expect(statesEntered(run, 'Ingest tweets')).toBe(0);
  const report = await reportOf(run);
  expect(['PROMOTED', 'NOT_PROMOTED']).toContain(report.outcome);
  const evaluation = run.events.findLast(
    ({ state, type }) => state === 'Evaluate the candidate' && type.endsWith('Exited'),
  );
  expect(evaluation?.output).toContain('minusChampion');
  const judged = z.looseObject({
    train: z.looseObject({ jobName: z.string() }),
    evaluation: z.looseObject({ champion: z.looseObject({ version: z.string() }) }),
  });
  const { train, evaluation: decision } = judged.parse(JSON.parse(evaluation?.output ?? '{}'));
  expect(decision.champion.version).not.toBe('');
  retrained = train.jobName;
}, 240_000);

test('a candidate that fails a check is not published, and the cause shows the offending row', async () => {
  const [before] = await ask(
    'select dt, count(*) as n from tweets group by dt order by dt desc limit 1',
  );
  const day = before?.['dt'] ?? '';
  // The same id twice would be duplicates; a label of one kind needs many rows; so: a day that loses rows.
  const key = (await keysBelow(`${datasets.raw_tweets.prefix}dt=${day}/`))[0] ?? '';
  const page = await bytesOf(key);
  await session.clients.s3.send(
    new PutObjectCommand({
      Bucket: session.outputs.BucketName,
      Key: key,
      Body: gzipSync('{"id":"broken"}\n'),
    }),
  );

  const run = await startRun(workspace, session, screen, { maxTweets: 10 });

  expect(run.status).toBe('FAILED');
  expect(run.timeline.failure).toMatchObject({ state: 'Check the data', error: 'ChecksFailed' });
  expect(run.timeline.failure?.cause).toContain('shrunken_days');
  expect(run.timeline.failure?.cause).toContain(day);
  const [after] = await ask(`select count(*) as n from tweets where dt = '${day}'`);
  expect(after?.['n']).toBe(before?.['n']);
  // By a line that a function wrote, where the other alarms of a run are Step Functions' own.
  await wentOff('checks-failed');
  await session.clients.s3.send(
    new PutObjectCommand({ Bucket: session.outputs.BucketName, Key: key, Body: page }),
  );
}, 180_000);

test('once the data is whole again, the next night succeeds and duplicates nothing', async () => {
  const run = await startRun(workspace, session, screen, { maxTweets: 50 });

  expect(endOf(run)).toMatchObject({ status: 'SUCCEEDED' });
  const [rows] = await ask('select count(*) as n, count(distinct tweet_id) as ids from tweets');
  expect(rows?.['n']).toBe(rows?.['ids']);
  expect(Number(rows?.['n'])).toBe(new Set(await ingestedIds()).size);
}, 300_000);

test('a model is made again from its manifest, bit by bit, though its days have newer versions since', async () => {
  const { request } = Manifest.parse(
    JSON.parse((await bytesOf(`${prefixes.models}${retrained}/manifest.json`)).toString('utf8')),
  );
  expect(request.champion).not.toBeNull();

  const exitCode = await reproduce(workspace, session, screen, retrained);

  expect(said.slice(-1)).toEqual([
    `${retrained} was reproduced: rows and metrics are equal, and so is every bit of the network.`,
  ]);
  expect(exitCode).toBe(0);
}, 240_000);

test('a run with force and without a grant ends before it does anything, and a grant is good for one', async () => {
  const input = { mode: 'retrain', force: true, training: { epochs: 1 } };
  const refused = await startRun(workspace, session, screen, input);
  await grantForce(session, screen, 'the end-to-end test wants to see it');
  const forced = await startRun(workspace, session, screen, input);
  const again = await startRun(workspace, session, screen, input);

  expect(refused.timeline.failure).toMatchObject({
    state: 'Plan the run',
    error: 'ForceNotGranted',
  });
  expect(endOf(forced)).toMatchObject({ status: 'SUCCEEDED' });
  expect(again.timeline.failure).toMatchObject({ state: 'Plan the run', error: 'ForceNotGranted' });
}, 300_000);

test('the notebook runs from its first cell to its last', async () => {
  const env = {
    ...process.env,
    ...clientEnvironment(`http://127.0.0.1:${workspace.port}`, rootSecretOf(workspace.home)),
    TRAINING: '{"epochs":1,"learning_curve":0}',
  };
  const executed = join(home, 'executed.ipynb');
  const args = [
    '--output',
    executed,
    '--timeout',
    '240',
    join(workspace.root, 'ml/sagemaker_training.ipynb'),
  ];

  const { stderr } = await promisify(execFile)(
    join(workspace.root, '.venv/bin/jupyter-execute'),
    args,
    {
      env,
    },
  );

  expect(stderr).not.toContain('Error');
  const notebook = readFileSync(executed, 'utf8');
  expect(notebook).toContain('macro recall');
  expect(notebook).toContain('Golden tweets');
}, 300_000);

test('no role was refused, and the roles made exactly the calls that the tests of the policies know', () => {
  const calls = notedCalls(noted);
  if (process.env['RECORD_CALLS'] === 'anew') keepAsRecorded(calls);
  // Some declared calls depend on who is faster: a lock that its run has not given back yet is asked about.
  const isDeclared = ({ role, action }: RecordedCall) =>
    declaredCalls.some((call) => call.role === role && call.action === action);
  const known = lines(recordedCalls());

  expect(calls.filter(({ denied }) => denied)).toEqual([]);
  // When they differ, and are meant to: npm run record:calls
  expect({
    unknown: lines(calls.filter((call) => !isDeclared(call))).filter(
      (call) => !known.includes(call),
    ),
    gone: known.filter((call) => !lines(calls).includes(call)),
  }).toEqual({ unknown: [], gone: [] });
});

test('what services asked KMS for a role is what the policies are simulated with, and was never refused', () => {
  const uses = notedKeyUses(noted);
  const declared = keyUsesOf(declaredCalls);

  expect(uses).not.toEqual([]);
  expect(uses.filter((use) => !declared.includes(use))).toEqual([]);
});
