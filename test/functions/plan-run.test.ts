import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { executionRuns } from '../../functions/lake/lease';
import { releaseLock } from '../../functions/lake/lock';
import type { LakeBucket } from '../../functions/lake/objects';
import { planRun } from '../../functions/plan-run';
import { highestPrice } from '../../functions/x/price';
import { settingsFor } from '../../infra/config';
import { mockedClient } from '../support/checked-calls';
import { TestClock } from './support/clock';
import { Emitted } from './support/emitted';
import { Launcher, readJsonObject } from './support/launcher';
import { EXECUTION } from './support/state';

const OTHER = 'arn:aws:states:us-east-1:000000000000:execution:sentiment-lake-test:other';

let launcher: Launcher;
let lake: LakeBucket;
let forceGrant: string;
const clock = new TestClock();
// Executions of a state machine that this test has no need to deploy.
const executions = mockedClient(SFNClient);

beforeAll(async () => {
  launcher = await Launcher.start();
  const created = await launcher
    .secrets()
    .send(new CreateSecretCommand({ Name: 'force', SecretString: 'random' }));
  forceGrant = created.ARN ?? '';
});

afterAll(() => launcher.stop());

beforeEach(async () => {
  jest.spyOn(console, 'info').mockReturnValue();
  executions.reset();
  emitted = new Emitted();
  lake = await launcher.lake();
});

let emitted = new Emitted();

const { x, poll, evaluation } = settingsFor('dev');
const settings = {
  x: { ...x, queries: [{ name: 'keywords', keywords: ['tea', 'green tea'] }] },
  poll,
  evaluation,
};

const plan = (input: unknown, execution = EXECUTION) =>
  planRun({
    lake,
    isRunning: executionRuns(new SFNClient({})),
    emit: emitted.emit,
    clock,
    secrets: launcher.secrets(),
    forceGrantSecretArn: forceGrant,
    settings,
  })({
    execution,
    attempt: 0,
    input,
  });

const holder = () => readJsonObject(lake, 'raw-data/plans/lock.json');

test.each([{}, null])(
  'plans the nightly run from %j with the settings of the environment',
  async (input) => {
    const answer = await plan(input);

    expect(answer).toEqual({
      runId: expect.stringMatching(/^20261124-021500-[0-9a-f]{8}$/),
      mode: 'nightly',
      date: '2026-11-24',
      startedAt: EXECUTION.startTime,
      skip: null,
      source: { kind: 'news' },
      queries: [{ name: 'keywords', query: '(tea OR "green tea") lang:en -is:retweet' }],
      maxTweets: x.maxTweetsPerRun,
      maxSpendUsd: highestPrice(x, x.maxTweetsPerRun),
      reprocess: [],
      force: null,
      training: {},
      poll,
    });
  },
);

test('takes what the input asks for instead', async () => {
  const answer = await plan({
    mode: 'nightly',
    date: '2026-11-20',
    keywords: ['cocoa'],
    maxTweets: 50,
    training: { epochs: 2 },
  });

  expect(answer).toMatchObject({
    mode: 'nightly',
    date: '2026-11-20',
    queries: [{ query: '(cocoa) lang:en -is:retweet' }],
    maxTweets: 50,
    training: { epochs: 2 },
  });
});

test('a replay takes the days between two, or just those that are named', async () => {
  const replay = { mode: 'replay', stream: false };

  expect((await plan({ ...replay, from: '2026-11-20', to: '2026-11-22' })).reprocess).toEqual([
    '2026-11-20',
    '2026-11-21',
    '2026-11-22',
  ]);
  expect(
    (await plan({ ...replay, days: ['2026-11-22', '2025-11-22', '2026-11-22'] })).reprocess,
  ).toEqual(['2025-11-22', '2026-11-22']);
});

test('force is planned with the grant that it takes, and not without', async () => {
  await expect(plan({ mode: 'retrain', force: true })).rejects.toMatchObject({
    name: 'ForceNotGranted',
    message: expect.stringContaining('npm run lake -- grant-force'),
  });
  const SecretString = '{"reason":"the champion reads Dutch only"}';
  await launcher.secrets().send(new PutSecretValueCommand({ SecretId: forceGrant, SecretString }));

  expect((await plan({ mode: 'retrain', force: true })).force).toEqual({
    grant: expect.any(String),
    reason: 'the champion reads Dutch only',
  });
});

test.each([
  [
    { mode: 'nightlyy' },
    'mode: must be one of nightly, retrain, ingest, backfill, replay, import, rollback (got "nightlyy")',
  ],
  [{ date: '2026-02-30' }, 'date: is not a day of the calendar (got "2026-02-30")'],
  [{ date: 'yesterday' }, 'date: must be a date like 2026-11-24 (got "yesterday")'],
  [{ date: '2026-11-25' }, 'date: must not be after today, 2026-11-24 (got "2026-11-25")'],
  [{ keywords: 'tea' }, 'keywords: must be a list (got "tea")'],
  [{ keywords: [] }, 'keywords: must not be empty (got [])'],
  [{ keywords: ['tea', ''] }, 'keywords.1: must not be empty (got "")'],
  [{ maxTweets: 5 }, 'maxTweets: must be at least 10 (got 5)'],
  [{ maxTweets: x.maxTweetsPerRun + 1 }, 'maxTweets: must not be above x.maxTweetsPerRun, 500'],
  [
    { mode: 'ingest', maxTweets: 1_000_000 },
    'maxTweets: must not be above x.maxTweetsPerRun, 500 posts ($2.50) (got 1000000)',
  ],
  [
    { mode: 'backfill', from: '2026-11-22', to: '2026-11-23', maxTweets: 501 },
    'maxTweets: must not be above x.maxTweetsPerRun',
  ],
  [{ maxTweets: '100' }, 'maxTweets: must be a number (got "100")'],
  [{ mode: 'replay', days: ['2026-11-25'] }, 'days: must not be after today, 2026-11-24'],
  [{ mode: 'replay', days: [] }, 'days: must not be empty'],
  [
    { mode: 'replay', days: ['2026-11-20'], from: '2026-11-20' },
    'days: belongs to replay, in place',
  ],
  [{ mode: 'nightly', days: ['2026-11-20'] }, 'days: belongs to replay'],
  [{ mode: 'replay' }, 'from: is missing'],
  [{ force: 'yes' }, 'force: must be true or false (got "yes")'],
  [{ training: { epochs: 0 } }, 'training.epochs: must be at least 1 (got 0)'],
  [{ training: { lr: 1 } }, 'training: unknown field "lr"'],
  [{ training: { teachers: 4 } }, 'training: unknown field "teachers"'],
  [{ keyword: ['tea'], modus: 1 }, 'input: unknown field "keyword", "modus"'],
  ['nightly', 'input: must be a JSON object (got "nightly")'],
  [['nightly'], 'input: must be a JSON object (got ["nightly"])'],
  [7, 'input: must be a JSON object (got 7)'],
])('refuses %j and names what is wrong', async (input, message) => {
  await expect(plan(input)).rejects.toMatchObject({
    name: 'InvalidInput',
    message: expect.stringContaining(message),
  });
});

test('counts a night that the schedule started, and no run of a person', async () => {
  await plan({});
  expect(emitted.lines).toEqual([]);

  await plan({ mode: 'nightly', scheduledFor: '2026-11-24T02:15:00Z' });
  expect(emitted.lines).toEqual([{ figures: { ScheduledRunsStarted: 1 } }]);
});

test('a run that is refused leaves no lock behind', async () => {
  await expect(plan({ mode: 'x' })).rejects.toThrow();

  await expect(holder()).rejects.toThrow('there is no raw-data/plans/lock.json');
});

describe('the lock of the lake', () => {
  const other = { ...EXECUTION, arn: OTHER, name: 'other' };

  test('is held by the execution that planned', async () => {
    await plan({ scheduledFor: '2026-11-24T02:15:00Z' });

    expect(await holder()).toEqual({
      schemaVersion: 1,
      executionArn: EXECUTION.arn,
      scheduledFor: '2026-11-24T02:15:00Z',
      takenAt: '2026-11-24T02:20:00.000Z',
      releasedAt: null,
    });
  });

  test('refuses a second execution while the first runs, and names it', async () => {
    executions
      .on(DescribeExecutionCommand, { executionArn: OTHER })
      .resolves({ status: 'RUNNING' });
    await plan({}, other);

    await expect(plan({})).rejects.toMatchObject({
      name: 'RunInProgress',
      message: expect.stringContaining(OTHER),
    });
  });

  test.each(['FAILED', 'TIMED_OUT', 'ABORTED', 'SUCCEEDED'] as const)(
    'is taken over from one that %s',
    async (status) => {
      executions.on(DescribeExecutionCommand).resolves({ status });
      await plan({}, other);

      await plan({});

      expect(await holder()).toMatchObject({ executionArn: EXECUTION.arn });
    },
  );

  test('is taken over from an execution that is gone', async () => {
    const gone = Object.assign(new Error('gone'), { name: 'ExecutionDoesNotExist' });
    executions.on(DescribeExecutionCommand).rejects(gone);
    await plan({}, other);

    expect(await plan({})).toMatchObject({ skip: null });
  });

  test('stays with the execution that holds it when its plan is made again', async () => {
    await plan({});

    expect(await plan({})).toMatchObject({ skip: null });
    expect(executions.commandCalls(DescribeExecutionCommand)).toHaveLength(0);
  });

  test('a second delivery of the same scheduled start is skipped, even after the first has ended', async () => {
    const input = { scheduledFor: '2026-11-24T02:15:00Z' };
    await plan(input, other);
    const during = await plan(input);
    await releaseLock(lake, OTHER, clock.now());
    const after = await plan(input);

    expect(during.skip).toContain('duplicate delivery');
    expect(after.skip).toContain(OTHER);
    expect(executions.commandCalls(DescribeExecutionCommand)).toHaveLength(0);
  });

  test('once released, it is free for the next', async () => {
    await plan({}, other);
    await releaseLock(lake, OTHER, clock.now());

    expect(await plan({})).toMatchObject({ skip: null });
    expect(await holder()).toMatchObject({ executionArn: EXECUTION.arn, releasedAt: null });
  });

  test('is not released by an execution that does not hold it', async () => {
    await plan({}, other);

    await releaseLock(lake, EXECUTION.arn, clock.now());

    expect(await holder()).toMatchObject({ executionArn: OTHER, releasedAt: null });
  });

  test('of ten executions at once, exactly one gets it', async () => {
    executions.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
    const starts = Array.from({ length: 10 }, (_, index) =>
      plan({}, { ...EXECUTION, arn: `${OTHER}-${index}` }),
    );

    const ends = await Promise.allSettled(starts);

    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.name] : []));
    expect(new Set(reasons)).toEqual(new Set(['RunInProgress']));
  });
});
