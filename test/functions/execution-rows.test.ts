import { archiveExecution } from '../../functions/archive-execution';
import { hasSucceeded, rowsOf, startQuery } from '../../functions/lake/athena';
import type { AthenaContext } from '../../functions/lake/athena';
import { getText, uriOf } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { systemClock } from '../../functions/shared/clock';
import { parseQuery, renderedCatalog } from '../../queries/catalog';
import type { QueryValues } from '../../queries/query';
import { datasets } from '../../workflows/datasets';
import { ExecutionRow, executionRowKey } from '../../workflows/executions';
import type { RunState } from '../../workflows/payloads';
import { TestClock } from './support/clock';
import { eachWithLake } from './support/each-with-lake';
import { Emitted } from './support/emitted';
import { put, putJsonObject } from './support/launcher';
import { FakeSageMaker } from './support/sagemaker';
import { FakeCloudTrail, FakeExecutions, FakeTopic } from './support/services';
import { CLEANED, EXECUTION, INGESTED, TRAINED, stepInput } from './support/state';

const ADA = 'arn:aws:sts::111122223333:assumed-role/Admin/ada';
const SCHEDULE = 'arn:aws:sts::111122223333:assumed-role/Starter/0a1b';
const STARTED_AT = new Date(EXECUTION.startTime);

let lake: LakeBucket;
let athena: AthenaContext;
let executions: FakeExecutions;
let trail: FakeCloudTrail;
let clock: TestClock;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  athena = await launcher.warehouse(lake, await launcher.catalog(lake));
  executions = new FakeExecutions();
  trail = new FakeCloudTrail();
  clock = new TestClock();
});

interface Ended {
  name?: string;
  status?: string;
  input?: object;
  output?: object;
  redriveCount?: number;
  startDate?: Date;
  error?: string;
  cause?: string;
  events?: object[];
}

const arnOf = (name: string) => EXECUTION.arn.replace(EXECUTION.name, name);

/** An execution ends, and is archived as its event says. */
async function ends({
  name = EXECUTION.name,
  status = 'SUCCEEDED',
  input = {},
  output,
  startDate = STARTED_AT,
  events = [],
  ...more
}: Ended) {
  executions.execution = {
    executionArn: arnOf(name),
    name,
    status,
    startDate,
    stopDate: new Date(Number(startDate) + 90_000),
    redriveCount: 0,
    input: JSON.stringify(input),
    ...(output && { output: JSON.stringify(output) }),
    ...more,
  };
  executions.pages = [events];
  const archive = archiveExecution({
    lake,
    sfn: executions.client,
    sns: new FakeTopic().client,
    sageMaker: new FakeSageMaker().client,
    cloudTrail: trail.client,
    topicArn: 'arn:topic',
    emit: new Emitted().emit,
    clock,
  });
  return archive({ detail: { executionArn: arnOf(name), name, status } });
}

async function rowOf(name = EXECUTION.name, startedAt = STARTED_AT): Promise<ExecutionRow> {
  const found = await getText(lake, executionRowKey(name, startedAt));
  return ExecutionRow.parse(JSON.parse(found?.text ?? 'null'));
}

async function query(sql: string): Promise<Record<string, string | null>[]> {
  const asked = parseQuery('ad_hoc', 'question', `-- Ad hoc?\n${sql}`);
  const id = await startQuery(athena, asked, {}, [sql, Math.random()]);
  while (!(await hasSucceeded(athena, id))) await systemClock.sleep(50);
  return rowsOf(athena, id, 100);
}

async function question(
  name: string,
  values: QueryValues,
): Promise<Record<string, string | null>[]> {
  const asked = renderedCatalog().find((one) => one.name === name);
  if (asked === undefined) throw new Error(`There is no question ${name}.`);
  const id = await startQuery(athena, asked, values, [name, Math.random()]);
  while (!(await hasSucceeded(athena, id))) await systemClock.sleep(50);
  return rowsOf(athena, id, 100);
}

const FIGURES = {
  macro_recall: 0.774,
  accuracy: 0.8,
  macro_f1: 0.77,
  recall: { negative: 0.7, neutral: 0.8, positive: 0.8 },
};
const ACCEPTED: Extract<RunState['evaluation'], { promote: boolean }> = {
  promote: true,
  forced: false,
  inService: null,
  reasons: ['passed: Held-out rows: 800 (at least 200 are needed)'],
  heldOutRows: 800,
  candidate: FIGURES,
  champion: null,
  lexicon: { ...FIGURES, name: 'VADER' },
  minusChampion: null,
  minusLexicon: null,
};
const PROMOTED: RunState['promote'] = {
  modelVersion: TRAINED.jobName,
  previous: null,
  promotedAt: '2026-11-24T02:16:20.000Z',
};
const exits = (id: number, changes: Partial<RunState>) => ({
  id,
  type: 'TaskStateExited',
  timestamp: new Date(Number(STARTED_AT) + id * 1000),
  stateExitedEventDetails: { name: 'x', output: JSON.stringify(stepInput(changes).state) },
});
const manifestUri = () => uriOf(lake, `model-outputs/${TRAINED.jobName}/manifest.json`);
const wholeRun = () => ({
  ingest: INGESTED,
  clean: CLEANED,
  train: { ...TRAINED, manifestUri: manifestUri() },
  evaluation: ACCEPTED,
  promote: PROMOTED,
});
const putManifest = (dirty = false) =>
  putJsonObject(lake, `model-outputs/${TRAINED.jobName}/manifest.json`, {
    request: {
      git: { commit: 'c0ffee', dirty },
      cleaned_data: [
        { date: '2026-11-23', rows: 30 },
        { date: '2026-11-21', rows: 12 },
      ],
      labels: [{ uri: 's3://lake/a' }, { uri: 's3://lake/b' }],
    },
    rows: { train: { rows: 70 }, validation: { rows: 10 }, test: { rows: 20 }, weak: { rows: 9 } },
  });
const report = () => ({
  runId: 'r',
  mode: 'nightly',
  date: '2026-11-24',
  outcome: 'PROMOTED',
  summary: 'All went well.',
  modelInService: TRAINED.jobName,
  spendUsd: 1,
  reportUri: uriOf(lake, 'processed-data/audit/reports/r.json'),
});

describe('the row of an execution', () => {
  test('says when, by whom, with which data, model, commit and result, and Athena reads it', async () => {
    await putManifest();
    trail.started(EXECUTION.arn, SCHEDULE, { invokedBy: 'events.amazonaws.com' });

    await ends({
      input: { mode: 'nightly', scheduledFor: '2026-11-24T02:15:00Z' },
      output: report(),
      events: [exits(1, { ingest: INGESTED }), exits(2, wholeRun())],
    });

    expect(await rowOf()).toEqual({
      schema_version: 1,
      name: 'night-1',
      arn: EXECUTION.arn,
      mode: 'nightly',
      status: 'SUCCEEDED',
      started_at: '2026-11-24T02:15:00.000Z',
      ended_at: '2026-11-24T02:16:30.000Z',
      seconds: 90,
      redrives: 0,
      started_by: SCHEDULE,
      started_by_source: 'CloudTrail',
      started_with: 'schedule',
      claimed_by: 'EventBridge',
      redriven_by: null,
      received: 4000,
      written: 3980,
      duplicates: 12,
      quarantined: 8,
      days: ['2026-11-23'],
      rows_published: 3,
      data_version: '20261124-021500-0a1b2c3d-0',
      model_trained: TRAINED.jobName,
      training_fingerprint: 'seen',
      git_commit: 'c0ffee',
      training_from: '2026-11-21',
      training_to: '2026-11-23',
      training_tweets: 42,
      label_objects: 2,
      label_rows: 100,
      decision: 'promoted',
      macro_recall: 0.774,
      model_promoted: TRAINED.jobName,
      model_in_service: TRAINED.jobName,
      error: null,
      cause: null,
      summary: 'All went well.',
      history_uri: uriOf(lake, 'processed-data/audit/executions/night-1-0.json'),
      report_uri: uriOf(lake, 'processed-data/audit/reports/r.json'),
      manifest_uri: manifestUri(),
    });
    expect(
      await query(
        'select dt, name, seconds, received, cardinality(days) as days, macro_recall, git_commit from executions',
      ),
    ).toEqual([
      {
        dt: '2026-11-24',
        name: 'night-1',
        seconds: '90.0',
        received: '4000',
        days: '1',
        macro_recall: '0.774',
        git_commit: 'c0ffee',
      },
    ]);
  });

  test('answers who made a model, of what: the questions executions and model_origin', async () => {
    await putManifest();
    trail.started(EXECUTION.arn, ADA);
    await ends({ input: { mode: 'ingest' }, events: [exits(1, wholeRun())] });

    expect(await question('model_origin', { model_version: TRAINED.jobName })).toEqual([
      expect.objectContaining({
        what: 'trained and put into service',
        execution: EXECUTION.name,
        started_by: ADA,
        git_commit: 'c0ffee',
        training_tweets: '42',
        label_rows: '100',
      }),
    ]);
    expect(await question('model_origin', { model_version: 'sl-20261225-aaaaaaaaaaaa' })).toEqual(
      [],
    );
    expect(await question('executions', { from_day: '2026-11-24', to_day: '2026-11-24' })).toEqual([
      expect.objectContaining({ name: EXECUTION.name, decision: 'promoted' }),
    ]);
  });

  test('has the columns of the catalog, no more and no less', async () => {
    await ends({});

    expect(Object.keys(await rowOf())).toEqual([
      'schema_version',
      ...datasets.executions.columns.map(({ name }) => name),
    ]);
  });

  test('is one, however often the execution ends or is archived', async () => {
    const failed = { status: 'FAILED', error: 'ChecksFailed', input: { mode: 'ingest' } };
    await ends(failed);
    await ends(failed);
    expect(await rowOf()).toMatchObject({ status: 'FAILED', redrives: 0 });

    await ends({ redriveCount: 1, input: { mode: 'ingest' } });

    expect(
      await query('select count(*) as rows, max(redrives) as redrives from executions'),
    ).toEqual([{ rows: '1', redrives: '1' }]);
    expect(await rowOf()).toMatchObject({ status: 'SUCCEEDED', error: null });
  });

  const rollback = {
    version: 'sl-old',
    modelUri: 's3://lake/m',
    evaluationUri: 's3://lake/e',
    manifestUri: 's3://lake/f',
    fingerprint: 'f',
  };
  const decisions: [string | null, Partial<RunState>][] = [
    ['refused', { evaluation: { ...ACCEPTED, promote: false } }],
    ['accepted', { evaluation: ACCEPTED }],
    ['promoted', { evaluation: ACCEPTED, promote: PROMOTED }],
    ['rolled back', { evaluation: { ...ACCEPTED, candidate: null, rollback }, promote: PROMOTED }],
    [null, {}],
  ];
  test.each(decisions)('says of the decision: %s', async (decision, changes) => {
    await ends({ events: [exits(1, changes)] });

    expect((await rowOf()).decision).toBe(decision);
  });

  test('marks a commit with other changes', async () => {
    await putManifest(true);

    await ends({ events: [exits(1, wholeRun())] });

    expect((await rowOf()).git_commit).toBe('c0ffee-dirty');
  });

  test('finds the state behind a note that it repeats an earlier one', async () => {
    const filled = { ingest: { ...INGESTED, note: 'x'.repeat(600) } };
    await ends({ events: [exits(1, filled), exits(2, filled), exits(3, filled)] });

    expect(await rowOf()).toMatchObject({ mode: 'nightly', received: 4000 });
  });

  test('holds no ids of tweets or people, and the history does', async () => {
    const cause =
      'sample [{"tweet_id": "2126432269890486288", "author_id": "77"}] in raw-data/tweets/dt=2026-11-20/' +
      '02126432269890486288-02126432269890486299.ndjson.gz of sl-20261124-123456789012, 3 of 1,234 rows';

    await ends({ status: 'FAILED', error: 'ChecksFailed', cause });

    expect((await rowOf()).cause).toBe(
      'sample [{"tweet_id": "…", "author_id": "…"}] in raw-data/tweets/dt=2026-11-20/' +
        '…-….ndjson.gz of sl-20261124-123456789012, 3 of 1,234 rows',
    );
    const history = await getText(lake, 'processed-data/audit/executions/night-1-0.json');
    expect(history?.text).toContain('2126432269890486288');
  });

  test('of an input that no run accepts has what the input says, and no mode', async () => {
    await ends({ status: 'FAILED', error: 'InvalidInput', input: { mode: 'dance' } });

    expect(await rowOf()).toMatchObject({ mode: null, error: 'InvalidInput', received: null });
  });
});

describe('who started it', () => {
  const who = async () => {
    const { started_by, started_by_source, started_with, claimed_by, redriven_by } = await rowOf();
    return [started_by, started_by_source, started_with, claimed_by, redriven_by];
  };
  const claim = { startedBy: { who: 'ada@laptop', with: 'command line' } };
  const retrain = { mode: 'retrain', ...claim };

  test('CloudTrail is believed before the input, which stays visible', async () => {
    trail.started(EXECUTION.arn, ADA);
    trail.started(arnOf('other'), 'arn:somebody-else');

    await ends({ input: retrain });

    expect(await who()).toEqual([ADA, 'CloudTrail', 'command line', 'ada@laptop', null]);
  });

  test('without CloudTrail it is the input that says so', async () => {
    await ends({ input: retrain });

    expect(await who()).toEqual(['ada@laptop', 'input', 'command line', 'ada@laptop', null]);
  });

  test('without either it is unknown', async () => {
    await ends({ input: { mode: 'retrain' } });

    expect(await who()).toEqual([null, 'unknown', 'other', null, null]);
  });

  test('a start that pretends to be the schedule is of who made it', async () => {
    trail.started(EXECUTION.arn, ADA);

    await ends({ input: { mode: 'ingest', scheduledFor: '2026-11-24T02:15:00Z' } });

    expect(await who()).toEqual([ADA, 'CloudTrail', 'other', 'EventBridge', null]);
  });

  test.each([
    ['no text', { who: 7, with: 'console' }],
    ['control characters', { who: 'ada\u001b[31m', with: 'console' }],
    ['far too long', { who: 'a'.repeat(300), with: 'console' }],
  ])('a claim of %s is none', async (_, startedBy) => {
    await ends({ input: { mode: 'retrain', startedBy } });

    expect(await who()).toEqual([null, 'unknown', 'other', null, null]);
  });

  test('a start that failed is not who started it', async () => {
    trail.started(EXECUTION.arn, ADA);
    trail.records = trail.records.map((record) => ({ ...record, errorCode: 'AccessDenied' }));

    await ends({ input: retrain });

    expect((await who())[1]).toBe('input');
  });

  test('a lookup that is refused costs no archive', async () => {
    trail.refusal = new Error('not authorized to perform: cloudtrail:LookupEvents');

    await expect(ends({ input: retrain })).resolves.toMatchObject({ events: 0 });

    expect((await who())[1]).toBe('input');
  });

  test('who redrove it last is known of a redrive', async () => {
    trail.started(EXECUTION.arn, SCHEDULE, { invokedBy: 'events.amazonaws.com' });
    trail.redriven(EXECUTION.arn, 'arn:first', '2026-11-24T02:16:00Z');
    trail.redriven(EXECUTION.arn, ADA, '2026-11-24T02:18:00Z');

    await ends({ input: { mode: 'ingest' }, redriveCount: 2 });

    expect(await who()).toEqual([SCHEDULE, 'CloudTrail', 'schedule', null, ADA]);
  });

  test('what CloudTrail said once stays, also if a redrive is archived when it does not answer', async () => {
    trail.started(EXECUTION.arn, ADA);
    await ends({ status: 'FAILED', input: retrain });
    trail.refusal = new Error('ThrottlingException');

    await ends({ redriveCount: 1, input: retrain });

    expect((await who()).slice(0, 2)).toEqual([ADA, 'CloudTrail']);
  });

  test('looks at two minutes of the account’s starts only', async () => {
    await ends({ input: retrain });

    expect(trail.lookups).toEqual([
      expect.objectContaining({
        StartTime: new Date('2026-11-24T02:14:00Z'),
        EndTime: new Date('2026-11-24T02:16:00Z'),
      }),
    ]);
  });
});

describe('after a nightly run', () => {
  const nightly = () =>
    ends({ name: 'nightly-2', startDate: clock.now(), input: { mode: 'nightly' } });

  test('starts that CloudTrail showed too late are confirmed', async () => {
    await ends({ input: { mode: 'ingest', startedBy: { who: 'ada', with: 'console' } } });
    expect(await rowOf()).toMatchObject({ started_by_source: 'input' });
    trail.started(EXECUTION.arn, ADA);

    await nightly();

    expect(await rowOf()).toMatchObject({
      started_by: ADA,
      started_by_source: 'CloudTrail',
      started_with: 'console',
      claimed_by: 'ada',
    });
  });

  test('they are found behind many other starts of the account, at a request a second', async () => {
    await ends({ input: { mode: 'ingest' } });
    for (let other = 0; other < 120; other += 1)
      trail.started(arnOf(`other-${other}`), 'arn:other');
    trail.started(EXECUTION.arn, ADA);

    await nightly();

    expect((await rowOf()).started_by).toBe(ADA);
    expect(clock.pauses.every((pause) => pause === 1000)).toBe(true);
  });

  test('after three days they are left as they are', async () => {
    await ends({ input: { mode: 'ingest' } });
    trail.started(EXECUTION.arn, ADA);
    clock.advance(5 * 86_400_000);

    await nightly();

    expect((await rowOf()).started_by_source).toBe('unknown');
  });

  const old = (name: string, redriveCount = 0) => ({
    execution: {
      executionArn: arnOf(name),
      name,
      status: 'SUCCEEDED',
      startDate: '2026-10-01T02:15:00.000Z',
      stopDate: '2026-10-01T02:16:00.000Z',
      redriveCount,
      input: '{}',
    },
    events: [{ ...exits(1, { ingest: INGESTED }) }],
  });
  const archived = (key: string, value: object) =>
    putJsonObject(lake, `processed-data/audit/executions/${key}.json`, value);

  test('executions that were archived by an older release get their row, of their last end', async () => {
    await archived('old-0', old('old'));
    await archived('old-1', old('old', 1));

    await nightly();

    const row = await rowOf('old', new Date('2026-10-01T02:15:00Z'));
    expect(row).toMatchObject({
      redrives: 1,
      received: 4000,
      started_by_source: 'unknown',
      history_uri: uriOf(lake, 'processed-data/audit/executions/old-1.json'),
    });
    expect(await query('select name from executions order by name')).toEqual([
      { name: 'nightly-2' },
      { name: 'old' },
    ]);
  });

  test('a history that is damaged keeps no other from its row', async () => {
    await put(lake, 'processed-data/audit/executions/broken-0.json', '{"execution": {');
    await archived('old-0', old('old'));

    await nightly();

    expect(await query('select name from executions order by name')).toEqual([
      { name: 'nightly-2' },
      { name: 'old' },
    ]);
  });

  test('there are 25 a night at most, and the next one goes on', async () => {
    for (let n = 0; n < 30; n += 1) await archived(`old${n}-0`, old(`old${n}`));
    const rows = () => query("select count(*) as rows from executions where name like 'old%'");

    await nightly();
    expect(await rows()).toEqual([{ rows: '25' }]);

    await nightly();
    expect(await rows()).toEqual([{ rows: '30' }]);
  });

  test('another mode looks for nothing', async () => {
    await archived('old-0', old('old'));

    await ends({ input: { mode: 'ingest' } });

    expect(await query('select name from executions')).toEqual([{ name: 'night-1' }]);
  });
});
