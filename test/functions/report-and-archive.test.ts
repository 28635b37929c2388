import { CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { archiveExecution } from '../../functions/archive-execution';
import { keyOf } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { reportRun } from '../../functions/report-run';
import { outcomeOf, summaryOf } from '../../functions/report/run-summary';
import { runMetrics } from '../../functions/report/run-metrics';
import { settingsFor } from '../../infra/config';
import { renderedCatalog } from '../../queries/catalog';
import type { RunState } from '../../workflows/payloads';
import { eachWithLake } from './support/each-with-lake';
import { TestClock } from './support/clock';
import { Emitted } from './support/emitted';
import { putJsonObject, readJsonObject } from './support/launcher';
import { FakeSageMaker } from './support/sagemaker';
import { FakeCloudTrail, FakeExecutions, FakeTopic } from './support/services';
import { CLEANED, EXECUTION, INGESTED, PLAN, RUN_ID, TRAINED, stepInput } from './support/state';

let lake: LakeBucket;
let topic: FakeTopic;
let emitted: Emitted;
const clock = new TestClock();

let looks: Pick<Parameters<typeof reportRun>[0], 'drift' | 'stream'>;
const query = (wanted: string) => {
  const found = renderedCatalog().find(({ name }) => name === wanted);
  if (!found) throw new Error(`there is no ${wanted}`);
  return found;
};

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  const catalog = await launcher.catalog(lake);
  const kinesis = launcher.kinesis();
  await kinesis.send(new CreateStreamCommand({ StreamName: lake.bucket, ShardCount: 1 }));
  looks = {
    drift: {
      athena: await launcher.warehouse(lake, catalog),
      queries: { drift: query('drift'), risingWords: query('rising_words') },
      settings: settingsFor('prod').drift,
      languages: ['en'],
    },
    stream: { catalog, kinesis, stream: lake.bucket },
  };
  topic = new FakeTopic();
  emitted = new Emitted();
});

const figures = {
  macro_recall: 0.774,
  accuracy: 0.8,
  macro_f1: 0.77,
  recall: { negative: 0.7, neutral: 0.8, positive: 0.8 },
};
const GATE: Extract<RunState['evaluation'], { promote: boolean }> = {
  promote: true,
  forced: false,
  inService: null,
  reasons: ['passed: Held-out rows: 800 (at least 200 are needed)'],
  heldOutRows: 800,
  candidate: figures,
  champion: null,
  lexicon: { ...figures, name: 'VADER' },
  minusChampion: null,
  minusLexicon: { value: 0, low: 0, high: 0, level: 0.95, resamples: 1 },
};
const SCORED: RunState['refresh'] = { status: 'DONE', scored: 1234, modelVersion: TRAINED.jobName };
const PROMOTED = {
  ingest: INGESTED,
  clean: CLEANED,
  train: TRAINED,
  evaluation: GATE,
  refresh: SCORED,
};

describe('what a run says of itself', () => {
  const stateOf = (changes: Partial<RunState>) => stepInput(changes).state;
  const planned = (changes: Partial<RunState['plan']>) => ({ plan: { ...PLAN, ...changes } });

  test.each([
    ['PROMOTED', PROMOTED],
    ['NOT_PROMOTED', { ...PROMOTED, evaluation: { ...GATE, promote: false } }],
    [
      'NOTHING_NEW',
      {
        clean: { status: 'NOTHING_NEW' as const },
        train: { status: 'SKIPPED' as const, reason: 'same' },
      },
    ],
    ['INGESTED', { ...planned({ mode: 'ingest' }), ingest: INGESTED }],
    ['SKIPPED', planned({ skip: 'duplicate delivery' })],
  ])('%s', (outcome, changes) => {
    expect(outcomeOf(stateOf(changes))).toBe(outcome);
  });

  test('a promotion in one sentence, with its figures', () => {
    expect(summaryOf(stateOf(PROMOTED))).toBe(
      '4,000 tweets received (3,980 written, 12 duplicates, 8 quarantined); 3 rows published in 1 day; ' +
        'model sl-20261124-aaaaaaaaaaaa promoted, macro recall 77.4 % on 800 rows; 1,234 tweets scored.',
    );
  });

  test('a refusal names the rule that was broken', () => {
    const evaluation = {
      ...GATE,
      promote: false,
      inService: null,
      reasons: [...GATE.reasons, 'failed: Lexicon (VADER): too good'],
    };

    expect(summaryOf(stateOf({ ...PROMOTED, evaluation }))).toContain(
      'not promoted, macro recall 77.4 % on 800 rows, failed: Lexicon',
    );
  });

  test('a night without new tweets says why nothing was done', () => {
    const changes: Partial<RunState> = {
      ingest: {
        ...INGESTED,
        received: 0,
        written: 0,
        duplicates: 0,
        quarantined: 0,
        note: 'X has no newer tweet',
      },
      clean: { status: 'NOTHING_NEW' },
      train: { status: 'SKIPPED', reason: 'sl-1 was trained on the same' },
    };

    expect(summaryOf(stateOf(changes))).toBe(
      '0 tweets received (0 written, 0 duplicates, 0 quarantined), X has no newer tweet; ' +
        'no day had anything new to clean; no new training: sl-1 was trained on the same.',
    );
  });
});

describe('Report', () => {
  const report = (changes: Partial<RunState>) =>
    reportRun({
      lake,
      sns: topic.client,
      topicArn: 'arn:topic',
      emit: emitted.emit,
      clock,
      ...looks,
    })(stepInput(changes));

  test('answers the outcome, keeps the whole state beside it, and tells the topic once', async () => {
    const answer = await report(PROMOTED);

    expect(answer).toEqual({
      runId: RUN_ID,
      mode: 'nightly',
      date: '2026-11-24',
      outcome: 'PROMOTED',
      summary: expect.stringContaining('promoted'),
      modelInService: null,
      spendUsd: 20,
      reportUri: `s3://${lake.bucket}/processed-data/audit/reports/${RUN_ID}.json`,
      gate: GATE.reasons,
      drift: { status: 'NOT_COMPARED', reason: 'no model is in service yet' },
      stream: { records: 0, isMore: false, oldestSeconds: null, waitingForModel: 0 },
    });
    expect(await readJsonObject(lake, `processed-data/audit/reports/${RUN_ID}.json`)).toEqual({
      report: answer,
      execution: EXECUTION,
      state: stepInput(PROMOTED).state,
    });
    expect(topic.messages).toEqual([
      {
        TopicArn: 'arn:topic',
        Subject: 'sentiment-lake 2026-11-24: promoted',
        Message: expect.stringContaining(answer.summary),
      },
    ]);
  });

  test('report and mail name every rule of the gate, those that passed too', async () => {
    const reasons = [
      ...GATE.reasons,
      'failed: Lexicon (VADER): too good',
      'Digest of the model: aa',
    ];

    const answer = await report({ ...PROMOTED, evaluation: { ...GATE, promote: false, reasons } });

    expect(answer.gate).toEqual(reasons);
    expect(topic.messages[0]?.Message).toContain(
      `\n\nThe gate:\n- ${reasons.join('\n- ')}\n\nRun ${RUN_ID}, report `,
    );
  });

  test('a run without a candidate says nothing of the gate', async () => {
    const answer = await report({ train: { status: 'SKIPPED', reason: 'the same' } });

    expect(answer).not.toHaveProperty('gate');
    expect(topic.messages[0]?.Message).not.toContain('gate');
  });

  test('emits the figures of the run once', async () => {
    await report(PROMOTED);

    expect(emitted.lines).toEqual([
      {
        figures: {
          ...runMetrics(stepInput(PROMOTED).state, null, clock.now()),
          StreamBacklog: 0,
        },
      },
    ]);
  });

  test.each([
    ['an ingest', { plan: { ...PLAN, mode: 'ingest' as const }, ingest: INGESTED }],
    ['a second delivery', { plan: { ...PLAN, skip: 'duplicate delivery' } }],
  ])('%s tells the topic nothing', async (_, changes) => {
    await report(changes);

    expect(topic.messages).toEqual([]);
  });

  test('lets the next run begin', async () => {
    const lock = {
      executionArn: EXECUTION.arn,
      scheduledFor: null,
      takenAt: '2026-11-24T02:15:00Z',
      releasedAt: null,
    };
    await putJsonObject(lake, 'raw-data/plans/lock.json', lock);

    await report(PROMOTED);

    expect(await readJsonObject(lake, 'raw-data/plans/lock.json')).toEqual({
      ...lock,
      schemaVersion: 1,
      releasedAt: '2026-11-24T02:20:00.000Z',
    });
  });
});

describe('archive-execution', () => {
  const executions = new FakeExecutions();
  let sageMaker = new FakeSageMaker();
  const ENDED = { executionArn: EXECUTION.arn, startDate: new Date('2026-11-24T02:15:00Z') };
  const CAUSE = JSON.stringify({
    errorType: 'ChecksFailed',
    errorMessage: '1 of 6 checks found rows',
    trace: ['at …'],
  });

  const archive = (status: string) =>
    archiveExecution({
      lake,
      sfn: executions.client,
      sns: topic.client,
      sageMaker: sageMaker.client,
      cloudTrail: new FakeCloudTrail().client,
      topicArn: 'arn:topic',
      emit: emitted.emit,
      clock,
    })({
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      detail: {
        executionArn: EXECUTION.arn,
        name: EXECUTION.name,
        status,
        stateMachineArn: 'arn:machine',
      },
    });

  beforeEach(() => {
    sageMaker = new FakeSageMaker();
    executions.execution = {
      executionArn: EXECUTION.arn,
      status: 'FAILED',
      redriveCount: 1,
      startDate: new Date('2026-11-24T02:15:00Z'),
      error: 'ChecksFailed',
      cause: CAUSE,
    };
    executions.pages = [
      [{ id: 1, type: 'ExecutionStarted', timestamp: new Date('2026-11-24T02:15:00Z') }],
      [{ id: 2, type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'Check the data' } }],
      [{ id: 3, type: 'ExecutionFailed' }],
    ];
  });

  test('keeps every page of the history under the execution and its redrive', async () => {
    const answer = await archive('FAILED');

    const key = 'processed-data/audit/executions/night-1-1.json';
    expect(answer).toEqual({ archiveUri: `s3://${lake.bucket}/${key}`, events: 3 });
    expect(await readJsonObject(lake, key)).toEqual({
      execution: expect.objectContaining({
        executionArn: EXECUTION.arn,
        status: 'FAILED',
        startDate: '2026-11-24T02:15:00.000Z',
      }),
      events: [
        expect.objectContaining({ id: 1 }),
        expect.objectContaining({ id: 2 }),
        expect.objectContaining({ id: 3 }),
      ],
    });
  });

  test('a failure is reported with state, error, cause and the command that resumes', async () => {
    await archive('FAILED');

    expect(emitted.lines).toEqual([
      { figures: { RunsFailed: 1 }, dimensions: { Error: 'ChecksFailed' } },
    ]);
    expect(topic.messages).toHaveLength(1);
    expect(topic.messages[0]?.Subject).toBe('sentiment-lake failed: ChecksFailed');
    expect(topic.messages[0]?.Message?.split('\n\n')).toEqual([
      `The execution ${EXECUTION.arn} ended as FAILED in the state "Check the data".`,
      'Error: ChecksFailed',
      'Cause: 1 of 6 checks found rows',
      'When the cause is fixed, resume from that state:',
      `  aws stepfunctions redrive-execution --execution-arn ${EXECUTION.arn}`,
      `History: s3://${lake.bucket}/processed-data/audit/executions/night-1-1.json`,
    ]);
  });

  test.each(['TIMED_OUT', 'ABORTED'])(
    '%s is reported, too, without an error of its own',
    async (status) => {
      executions.execution = { ...ENDED, status };

      await archive(status);

      expect(topic.messages[0]?.Message).toContain(`ended as ${status}`);
      expect(emitted.lines).toEqual([
        { figures: { RunsFailed: 1 }, dimensions: { Error: status } },
      ]);
    },
  );

  test.each([
    ['ünïcödé-имя-実行', 'sentiment-lake aborted: unicode-?-?'],
    ['\u202eevil\nSubject: x', 'sentiment-lake aborted: ?evil Subject: x'],
    ['n'.repeat(80), `sentiment-lake aborted: ${'n'.repeat(75)}`],
  ])('an execution named %j is archived and reported', async (name, subject) => {
    const executionArn = EXECUTION.arn.replace(EXECUTION.name, name);
    executions.execution = { ...ENDED, executionArn, name, status: 'ABORTED' };

    const { archiveUri } = await archiveExecution({
      lake,
      sfn: executions.client,
      sns: topic.client,
      sageMaker: sageMaker.client,
      cloudTrail: new FakeCloudTrail().client,
      topicArn: 'arn:aws:sns:us-east-1:111122223333:topic',
      emit: emitted.emit,
      clock: new TestClock(),
    })({ detail: { executionArn, name, status: 'ABORTED' } });

    expect(topic.messages[0]?.Subject).toBe(subject);
    expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(await readJsonObject(lake, keyOf(lake, archiveUri))).toMatchObject({
      execution: { name },
    });
  });

  test('the seconds of each stage are emitted, whatever the end', async () => {
    const at = (second: number) => new Date(Date.UTC(2026, 10, 24, 2, 15, second));
    executions.pages = [
      [
        {
          id: 1,
          type: 'TaskStateEntered',
          timestamp: at(1),
          stateEnteredEventDetails: { name: 'Check the data' },
        },
        { id: 2, type: 'ExecutionSucceeded', timestamp: at(5) },
      ],
    ];

    await archive('SUCCEEDED');

    expect(emitted.lines).toEqual([
      { figures: { StageSeconds: 4 }, dimensions: { Stage: 'Check the data' } },
    ]);
  });

  test('a success is archived and not reported', async () => {
    await archive('SUCCEEDED');

    expect(topic.messages).toEqual([]);
  });

  test('whatever the end, the lake is free for the next run', async () => {
    const lock = {
      executionArn: EXECUTION.arn,
      scheduledFor: null,
      takenAt: '2026-11-24T02:15:00Z',
      releasedAt: null,
    };
    await putJsonObject(lake, 'raw-data/plans/lock.json', lock);

    await archive('ABORTED');

    expect(await readJsonObject(lake, 'raw-data/plans/lock.json')).toMatchObject({
      releasedAt: expect.any(String),
    });
  });

  test.each([
    ['ABORTED', ['StopTransformJob']],
    ['TIMED_OUT', ['StopTransformJob']],
    // Its redrive publishes the job.
    ['FAILED', []],
  ])('an execution that ended as %s: %j of the job it waited for', async (status, commands) => {
    const exited = (refresh: object, filling = '') => ({
      type: 'TaskStateExited',
      stateExitedEventDetails: { output: JSON.stringify({ refresh, filling }) },
    });
    const job = { name: 'sl-scores', modelVersion: 'sl-1', days: ['2026-11-23'] };
    const waits = () =>
      exited(
        { status: 'RUNNING', attempt: 0, job: { ...job, startedAt: '2026-11-24T03:00:00Z' } },
        'x'.repeat(600),
      );
    executions.pages = [
      [exited({ status: 'PENDING' }), exited({ status: 'RUNNING', attempt: 0, job })],
      // The second one is kept as a note that it repeats the first one.
      [waits(), waits(), { type: 'ExecutionAborted' }],
    ];

    await archive(status);

    expect(sageMaker.commands()).toEqual(commands);
    if (commands.length > 0)
      expect(sageMaker.inputOf('StopTransformJob')).toEqual({ TransformJobName: 'sl-scores' });
  });

  test('an execution whose job was published stops nothing', async () => {
    const output = JSON.stringify({ refresh: { status: 'DONE', scored: 3, modelVersion: 'sl-1' } });
    executions.pages = [[{ type: 'TaskStateExited', stateExitedEventDetails: { output } }]];

    await archive('ABORTED');

    expect(sageMaker.commands()).toEqual([]);
  });

  test('an event that is not the end of an execution is refused by name', async () => {
    await expect(archive('RUNNING')).rejects.toThrow(
      'detail.status: must be one of SUCCEEDED, FAILED, TIMED_OUT, ABORTED',
    );
  });
});
