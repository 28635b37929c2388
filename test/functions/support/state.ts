import { RunState, progressKeys } from '../../../workflows/payloads';
import type { CleanedDay, StepInput } from '../../../workflows/payloads';
import { perPollingKey } from '../../../workflows/steps';

export const EXECUTION = {
  arn: 'arn:aws:states:us-east-1:000000000000:execution:sentiment-lake-test:night-1',
  name: 'night-1',
  startTime: '2026-11-24T02:15:00.000Z',
};

export const RUN_ID = '20261124-021500-0a1b2c3d';

export const PLAN: RunState['plan'] = {
  runId: RUN_ID,
  mode: 'nightly',
  date: '2026-11-24',
  startedAt: EXECUTION.startTime,
  skip: null,
  source: { kind: 'news' },
  queries: [{ name: 'keywords', query: '(coffee) lang:en -is:retweet' }],
  maxTweets: 1000,
  maxSpendUsd: 5,
  reprocess: [],
  force: null,
  training: {},
  poll: perPollingKey(() => 1),
};

/** A step's input: a run that has just been planned, with these keys changed. */
export function stepInput(changes: Partial<RunState> = {}, attempt = 0): StepInput {
  const pending = Object.fromEntries(progressKeys.map((key) => [key, { status: 'PENDING' }]));
  return {
    execution: EXECUTION,
    attempt,
    state: RunState.parse({ plan: PLAN, ...pending, ...changes }),
  };
}

export const INGESTED: Extract<RunState['ingest'], { status: 'DONE' }> = {
  status: 'DONE',
  complete: true,
  note: null,
  received: 4000,
  written: 3980,
  duplicates: 12,
  quarantined: 8,
  pages: 40,
  days: ['2026-11-23'],
  queries: [],
  gaps: [],
  open: [],
  queued: 0,
  resent: 0,
  unanswered: 0,
  users: 0,
  spendUsd: 20,
  month: { month: '2026-11', posts: 4000, users: 0, limit: null },
};

export const CLEANED_DAYS: CleanedDay[] = [
  {
    date: '2026-11-23',
    version: `${RUN_ID}-0`,
    rows: 3,
    location: `s3://lake/cleaned-data/tweets/dt=2026-11-23/run=${RUN_ID}-0/`,
    fingerprint: 'f1',
  },
];

export const CLEANED: Extract<RunState['clean'], { status: 'DONE' }> = {
  status: 'DONE',
  jobRunId: 'jr_1',
  days: CLEANED_DAYS,
  summary: {
    read: 4,
    written: 3,
    duplicates: 1,
    quarantined: 0,
    human_labels: 1,
    lexicon_labels: 2,
    seconds: 12,
  },
};

export const TRAINED: Extract<RunState['train'], { status: 'DONE' }> = {
  status: 'DONE',
  jobName: 'sl-20261124-aaaaaaaaaaaa',
  fingerprint: 'seen',
  modelUri: 's3://lake/model-outputs/sl-20261124-aaaaaaaaaaaa/output/model.tar.gz',
  evaluationUri: 's3://lake/model-outputs/sl-20261124-aaaaaaaaaaaa/evaluation.json',
  manifestUri: 's3://lake/model-outputs/sl-20261124-aaaaaaaaaaaa/manifest.json',
  epochs: 6,
  seconds: 21,
};
