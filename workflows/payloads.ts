import { z } from 'zod';
import { durable } from './durable';
import { Difference, Label, Scores, Sha256 } from './evaluation';
import { perPollingKey } from './steps';

/**
 * Input and output of every step, in running order. Every schema is strict; every type is inferred.
 *
 * A step's Lambda receives `{ execution, attempt, state }`: who runs, the redrive count, and the
 * execution's whole state. Its answer is written under the step's own key. A key that its step has
 * not written yet holds `{ "status": "PENDING" }`.
 */
export const Day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a date like 2026-11-24')
  .refine((day) => {
    const instant = new Date(`${day}T00:00:00Z`);
    return !Number.isNaN(instant.valueOf()) && instant.toISOString().startsWith(day);
  }, 'is not a day of the calendar');
const Instant = z.iso.datetime();
const Count = z.number().int().nonnegative();
const S3Uri = z.string().regex(/^s3:\/\/[a-z0-9.-]+\/.+/);
/** `run=` folder of a cleaned day: run id, dash, attempt. */
const Version = z.string().regex(/^[a-z0-9-]+$/);

const Pending = z.strictObject({ status: z.literal('PENDING') });
const Running = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject({ status: z.literal('RUNNING'), attempt: Count, ...shape });

// ---- What a person or EventBridge types ---------------------------------------------------------

/**
 * `nightly` is the whole run; `retrain` trains on what the lake holds; `ingest` only fetches what is new.
 * The others bring days up to date without training: `backfill` fetches a stretch of the last seven days,
 * `import` takes tweets that lie in the lake's imports, `replay` streams and cleans days anew.
 */
export const RunMode = z.enum(['nightly', 'retrain', 'ingest', 'backfill', 'replay', 'import']);
export type RunMode = z.infer<typeof RunMode>;

/** A search at X under a name of its own: keywords to be joined, or a query in X's own language. */
export const NamedQuery = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be small letters, digits and dashes'),
    keywords: z.array(z.string()).min(1).optional(),
    /** As X reads it, operators included; language and retweets are then the query's own business. */
    query: z.string().optional(),
    /** Left out: what the settings say. null takes every language. */
    language: z.string().nullable().optional(),
    excludeRetweets: z.boolean().optional(),
  })
  .refine(({ keywords, query }) => (keywords === undefined) !== (query === undefined), {
    message: 'must hold either keywords or a query',
  });
export type NamedQuery = z.infer<typeof NamedQuery>;

/** Folder of an import below `raw-data/imports/`. */
const ImportName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,79}$/, 'must be small letters, digits and dashes');

export const TrainingOptions = z.strictObject({
  epochs: z.number().int().min(1).max(50).optional(),
  batch_size: z.number().int().min(8).max(1024).optional(),
  learning_rate: z.number().gt(0).lt(1).optional(),
  hidden_size: z.number().int().min(8).max(1024).optional(),
  seed: z.number().int().nonnegative().optional(),
  /** What the training begins with. */
  start_from: z.enum(['encoder', 'champion', 'scratch']).optional(),
  serves: z.enum(['fp32', 'int8']).optional(),
  /** 1 also trains on 200 and 1,000 labels, for the evaluation's report. */
  learning_curve: z.number().int().min(0).max(1).optional(),
});

/** Bytes of JSON that Step Functions passes to a state, or takes from one ("Step Functions service quotas"). */
export const MAX_STATE_BYTES = 262_144;

/**
 * Days that one run may replay, clean and publish. A day has up to 480 bytes in the execution's state: 400 of them, and
 * all else at its largest, stay below `MAX_STATE_BYTES` (test/workflows/largest-run.test.ts).
 */
export const MAX_DAYS_A_RUN = 400;

/** Days that a replay may name one by one: a day is a few hundred bytes of the execution's state. */
export const MAX_REPLAYED_DAYS = 100;

/** The execution's input: `{}` runs the nightly, `{"mode":"retrain"}` retrains on what the lake holds. */
export const RunRequest = z
  .strictObject({
    mode: RunMode.default('nightly'),
    date: Day.optional(),
    /** One query of these words and phrases, in place of the configured ones. */
    keywords: z.array(z.string()).min(1).optional(),
    queries: z.array(NamedQuery).min(1).optional(),
    /** X gives at least ten tweets a page, and each costs. */
    maxTweets: z.number().int().min(10).optional(),
    /** Promotes what the gate refuses; only with a grant, which is a permission of its own. */
    force: z.boolean().default(false),
    training: TrainingOptions.default({}),
    /** Of a backfill: days or instants; of a replay: days. Both ends belong to it. */
    from: z.union([Day, Instant]).optional(),
    to: z.union([Day, Instant]).optional(),
    /** Of a replay, in place of `from` and `to`: these days and none between them. */
    days: z.array(Day).min(1).max(MAX_REPLAYED_DAYS).optional(),
    /** Whether a replay sends the days' tweets to Kinesis again, or cleans them only. */
    stream: z.boolean().default(true),
    import: ImportName.optional(),
    /** Set by the nightly rule: the event's own time, so that a second delivery is recognised. */
    scheduledFor: Instant.optional(),
  })
  .superRefine(({ mode, from, to, days, import: name, keywords, queries }, context) => {
    const demand = (holds: boolean, path: string, message: string) => {
      if (!holds) context.addIssue({ code: 'custom', path: [path], message });
    };
    const spans = mode === 'backfill' || (mode === 'replay' && days === undefined);
    demand(
      days === undefined || (mode === 'replay' && from === undefined && to === undefined),
      'days',
      'belongs to replay, in place of from and to',
    );
    demand(!spans || from !== undefined, 'from', `is missing: a ${mode} needs its first day`);
    demand(!spans || to !== undefined, 'to', `is missing: a ${mode} needs its last day`);
    demand(
      spans || (from === undefined && to === undefined),
      'from',
      `belongs to backfill and replay, not to ${mode}`,
    );
    demand(
      (mode === 'import') === (name !== undefined),
      'import',
      'names what the mode import takes, and belongs to it alone',
    );
    demand(
      keywords === undefined || queries === undefined,
      'queries',
      'must not come with keywords: name the keywords inside a query',
    );
  });
export type RunRequest = z.infer<typeof RunRequest>;

// ---- Plan the run -------------------------------------------------------------------------------

export const Execution = z.strictObject({ arn: z.string(), name: z.string(), startTime: Instant });

/** The first step alone sees the raw input, whatever it is. */
export const PlanRunInput = z.strictObject({
  execution: Execution,
  attempt: Count,
  input: z.unknown(),
});
export type PlanRunInput = z.infer<typeof PlanRunInput>;

/** What let this one execution promote in spite of the gate. */
export const ForceGrant = z.strictObject({
  /** Version of the secret that holds the grant: CloudTrail says who wrote it. */
  grant: z.string(),
  reason: z.string(),
});
export type ForceGrant = z.infer<typeof ForceGrant>;

export const PlanRunOutput = z.strictObject({
  runId: z.string().regex(/^[a-z0-9-]{1,40}$/),
  mode: RunMode,
  /** UTC day of the run. */
  date: Day,
  startedAt: Instant,
  /** Why there is nothing to run; null runs. */
  skip: z.string().nullable(),
  /** Where the ingest takes its tweets from. */
  source: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('news') }),
    z.strictObject({ kind: z.literal('backfill'), from: Instant, to: Instant }),
    z.strictObject({ kind: z.literal('import'), name: ImportName }),
    z.strictObject({ kind: z.literal('replay'), stream: z.boolean() }),
  ]),
  /** Searches at X; none where the source is another. */
  queries: z.array(z.strictObject({ name: z.string(), query: z.string().max(512) })),
  /** Posts that this run may read at X at most, the month's budget included, and what they may cost. */
  maxTweets: z.number().int().nonnegative(),
  maxSpendUsd: z.number().nonnegative(),
  /** Days that are cleaned whether or not anything changed. */
  reprocess: z.array(Day),
  /** Null unless the input asked for it and a grant was there. */
  force: ForceGrant.nullable(),
  training: TrainingOptions,
  /** Seconds between two looks at a job of each stage. */
  poll: z.strictObject(perPollingKey(() => z.number().int().positive())),
});
export type RunPlan = z.infer<typeof PlanRunOutput>;

/** Objects of the lake that a step could not read, wholly or in part, and went on without. */
export const SetAside = z.strictObject({
  count: z.number().int().positive(),
  /** The first of them: key, and what is wrong as a sentence without its subject. */
  objects: z.array(z.strictObject({ key: z.string(), problem: z.string() })).max(20),
});
export type SetAside = z.infer<typeof SetAside>;

// ---- Ingest tweets ------------------------------------------------------------------------------

export const IngestCounts = z.strictObject({
  /** received = written + doubles + quarantined, or the run fails. */
  received: Count,
  written: Count,
  doubles: Count,
  quarantined: Count,
  pages: Count,
});
export type IngestCounts = z.infer<typeof IngestCounts>;

/** A stretch of time whose tweets a query can no longer get. */
export const Gap = z.strictObject({
  query: z.string(),
  /** null: nothing was fetched before, so nobody knows. */
  from: Instant.nullable(),
  until: Instant,
  reason: z.string(),
  foundAt: Instant,
});
export type Gap = z.infer<typeof Gap>;

/** A window that the run leaves open: what lies between its bounds is still to be fetched. */
export const OpenWindow = z.strictObject({
  query: z.string(),
  from: Instant.nullable(),
  until: Instant.nullable(),
  reason: z.string(),
});
export type OpenWindow = z.infer<typeof OpenWindow>;

const Ingested = {
  ...IngestCounts.shape,
  days: z.array(Day),
  /** By query, in the order of the plan. */
  queries: z.array(z.strictObject({ name: z.string(), whole: z.boolean(), ...IngestCounts.shape })),
  /** Found by this run. */
  gaps: z.array(Gap),
  open: z.array(OpenWindow),
  /** Records that Kinesis refused for now and that wait in the lake; and those of earlier runs it took since. */
  parked: Count,
  unparked: Count,
  /** Posts that were asked for and may have been charged, although no answer to it was kept: a kill in between. */
  unanswered: Count,
  /** Users that X sent beside the posts, each of which it may charge for; those of lost answers included. */
  users: Count.default(0),
  /** At most: X charges once a day for the same post or user. */
  spendUsd: z.number().nonnegative(),
  /** Posts read at X in the month so far, and how many it may be (null sets no limit); and users that came with them. */
  month: z.strictObject({
    month: z.string(),
    posts: Count,
    users: Count.default(0),
    limit: Count.nullable(),
  }),
  /** Their tweets may be written again; left out where there are none. */
  unreadable: SetAside.optional(),
};

export const IngestTweetsOutput = z.discriminatedUnion('status', [
  /** More pages wait; called again at once. `cursor` is where a replay goes on. */
  z.strictObject({ status: z.literal('MORE'), cursor: z.string().nullable(), ...Ingested }),
  /** The rate window is used up; called again at `resumeAt`. */
  z.strictObject({ status: z.literal('RATE_LIMITED'), resumeAt: Instant, ...Ingested }),
  /** Another execution ingests; asked again at `resumeAt`. */
  z.strictObject({
    status: z.literal('BUSY'),
    resumeAt: Instant,
    holder: z.string(),
    since: Instant,
    ...Ingested,
  }),
  /** Every query's window is whole, or `note` says why it is not. */
  z.strictObject({
    status: z.literal('DONE'),
    complete: z.boolean(),
    note: z.string().nullable(),
    ...Ingested,
  }),
]);
export type IngestTweetsOutput = z.infer<typeof IngestTweetsOutput>;

// ---- Crawl raw data -----------------------------------------------------------------------------

export const CrawlRawDataOutput = z.discriminatedUnion('status', [
  Running({ requestedAt: Instant }),
  z.strictObject({
    status: z.literal('DONE'),
    seconds: z.number().nonnegative(),
    partitions: Count,
  }),
]);
export type CrawlRawDataOutput = z.infer<typeof CrawlRawDataOutput>;

// ---- Clean tweets -------------------------------------------------------------------------------

export const CleanedDay = z.strictObject({
  date: Day,
  version: Version,
  rows: Count,
  location: S3Uri,
  /** Hash of the raw and label objects the day was made from: an equal one needs no cleaning. */
  fingerprint: z.string(),
  /** Rows that an edit of another day replaces: by so many the day may shrink. Left out where there are none. */
  moved: Count.optional(),
});
export type CleanedDay = z.infer<typeof CleanedDay>;

/** What the Spark job leaves at its `--summary_uri`. */
export const CleaningSummary = z.strictObject({
  version: Version,
  days: z.array(z.strictObject({ date: Day, rows: Count, moved: Count.optional() })),
  /** What the job was given as days and could not read as such; left out where there are none. */
  skipped_days: z.array(z.string()).optional(),
  read: Count,
  written: Count,
  doubles: Count,
  quarantined: Count,
  human_labels: Count,
  lexicon_labels: Count,
  seconds: z.number().nonnegative(),
  /** Raw and label objects; left out where there are none. */
  unreadable: SetAside.optional(),
});
export type CleaningSummary = z.infer<typeof CleaningSummary>;

export const CleanTweetsOutput = z.discriminatedUnion('status', [
  Running({
    version: Version,
    jobRunId: z.string(),
    days: z.array(z.strictObject({ date: Day, fingerprint: z.string() })).min(1),
  }),
  /** No day has raw data that its published version was not made from. */
  z.strictObject({ status: z.literal('NOTHING_NEW') }),
  z.strictObject({
    status: z.literal('DONE'),
    jobRunId: z.string(),
    days: z.array(CleanedDay).min(1),
    summary: CleaningSummary.omit({ days: true, version: true }),
  }),
]);
export type CleanTweetsOutput = z.infer<typeof CleanTweetsOutput>;

// ---- Check the data -----------------------------------------------------------------------------

export const CheckResult = z.strictObject({
  name: z.string(),
  /** Offending rows; 0 passes. */
  offending: Count,
  /** At most five offending rows, column by column, as Athena printed them. */
  sample: z.array(z.record(z.string(), z.string().nullable())).max(5),
  queryExecutionId: z.string(),
});
export type CheckResult = z.infer<typeof CheckResult>;

export const CheckDataOutput = z.discriminatedUnion('status', [
  Running({ queries: z.array(z.strictObject({ name: z.string(), queryExecutionId: z.string() })) }),
  z.strictObject({ status: z.literal('DONE'), checks: z.array(CheckResult).min(1) }),
]);
export type CheckDataOutput = z.infer<typeof CheckDataOutput>;

// ---- Publish the data ---------------------------------------------------------------------------

export const PublishDataOutput = z.strictObject({
  status: z.literal('DONE'),
  published: z.array(
    z.strictObject({ date: Day, version: Version, rows: Count, replaced: Version.nullable() }),
  ),
  /** What was kept long enough: days that readers see no more, snapshots, partitions of the candidates table. */
  ended: z.strictObject({ days: z.array(Day), snapshots: Count, candidates: Count }).optional(),
});
export type PublishDataOutput = z.infer<typeof PublishDataOutput>;

// ---- Train the model ----------------------------------------------------------------------------

/** What a training runs on: spare machines that AWS may take back, at a lower price, or its own. */
export const Capacity = z.enum(['spot', 'on-demand']);
export type Capacity = z.infer<typeof Capacity>;

export const TrainModelOutput = z.discriminatedUnion('status', [
  Running({ jobName: z.string(), fingerprint: z.string() }),
  /** Nothing to learn from that the last training had not seen. */
  z.strictObject({ status: z.literal('SKIPPED'), reason: z.string() }),
  z.strictObject({
    status: z.literal('DONE'),
    jobName: z.string(),
    /** Hash of all that the training saw; an equal one would teach nothing new. */
    fingerprint: z.string(),
    modelUri: S3Uri,
    evaluationUri: S3Uri,
    manifestUri: S3Uri,
    epochs: z.number().int().positive(),
    seconds: z.number().nonnegative(),
    /** Histories of older versions do not say it. */
    capacity: Capacity.optional(),
    /** Label objects and corpora; left out where there are none. */
    unreadable: SetAside.optional(),
  }),
]);
export type TrainModelOutput = z.infer<typeof TrainModelOutput>;

// ---- Evaluate the candidate ----------------------------------------------------------------------

export const EvaluateCandidateOutput = z.strictObject({
  promote: z.boolean(),
  forced: z.boolean(),
  /** Every rule, kept or broken, as a sentence. */
  reasons: z.array(z.string()).min(1),
  /** The champion when it was decided; its place is all that a promotion may take. */
  inService: z.string().nullable(),
  /** Of the model that was evaluated: what the endpoint has to serve. Unknown of a training by an older version. */
  digest: Sha256.optional(),
  // All null where the evaluation could not be trusted.
  heldOutRows: Count.nullable(),
  candidate: Scores.nullable(),
  /** Null also where there is none, or where it could not be scored. */
  champion: Scores.extend({ version: z.string() }).nullable(),
  lexicon: Scores.extend({ name: z.string() }).nullable(),
  minusChampion: Difference.nullable(),
  minusLexicon: Difference.nullable(),
});
export type EvaluateCandidateOutput = z.infer<typeof EvaluateCandidateOutput>;

// ---- Update, smoke-test, promote ----------------------------------------------------------------

export const UpdateEndpointOutput = z.discriminatedUnion('status', [
  Running({ endpointName: z.string(), configName: z.string() }),
  z.strictObject({ status: z.literal('DONE'), endpointName: z.string(), configName: z.string() }),
]);
export type UpdateEndpointOutput = z.infer<typeof UpdateEndpointOutput>;

export const SmokeTestEndpointOutput = z.strictObject({
  modelVersion: z.string(),
  answers: z.array(
    z.strictObject({
      text: z.string(),
      expected: Label,
      label: Label,
      probability: z.number().min(0).max(1),
    }),
  ),
});
export type SmokeTestEndpointOutput = z.infer<typeof SmokeTestEndpointOutput>;

/** `model-outputs/champion.json`: which model is in service, and since when. */
export const Champion = durable(
  'The record of the model in service',
  z.object({
    schemaVersion: z.literal(1),
    modelVersion: z.string(),
    modelUri: S3Uri,
    evaluationUri: S3Uri,
    manifestUri: S3Uri,
    configName: z.string(),
    fingerprint: z.string(),
    /** Of the model as it was evaluated; unknown of models promoted before this was kept. */
    digest: Sha256.optional(),
    /** On the held-out rows of the run that promoted it; unknown of models promoted before this was kept. */
    macroRecall: z.number().min(0).max(1).optional(),
    promotedAt: Instant,
    promotedBy: z.string(),
    forced: z.boolean(),
    /** Of a forced one: the grant's reason. */
    forcedBecause: z.string().optional(),
    previous: z.string().nullable(),
  }),
);
export type Champion = z.infer<typeof Champion>;

export const PromoteModelOutput = z.strictObject({
  modelVersion: z.string(),
  previous: z.string().nullable(),
  promotedAt: Instant,
});
export type PromoteModelOutput = z.infer<typeof PromoteModelOutput>;

// ---- Refresh analytics --------------------------------------------------------------------------

export const RefreshAnalyticsOutput = z.discriminatedUnion('status', [
  /** More days wait to be scored, or the query that lists a day's tweets still runs. */
  Running({
    pending: z.array(Day),
    query: z.strictObject({ date: Day, queryExecutionId: z.string() }).nullable(),
    scored: Count,
  }),
  z.strictObject({ status: z.literal('DONE'), scored: Count, modelVersion: z.string().nullable() }),
]);
export type RefreshAnalyticsOutput = z.infer<typeof RefreshAnalyticsOutput>;

// ---- Report -------------------------------------------------------------------------------------

/** The execution's output, and `processed-data/audit/reports/<run>.json`. */
export const RunReport = z.strictObject({
  runId: z.string(),
  mode: RunMode,
  date: Day,
  /** PUBLISHED: days were brought up to date, and nothing was to be trained. */
  outcome: z.enum(['PROMOTED', 'NOT_PROMOTED', 'PUBLISHED', 'NOTHING_NEW', 'INGESTED', 'SKIPPED']),
  summary: z.string(),
  modelInService: z.string().nullable(),
  spendUsd: z.number().nonnegative(),
  reportUri: S3Uri,
});
export type RunReport = z.infer<typeof RunReport>;

// ---- The state, and what each step reads of it --------------------------------------------------

const pendingOr = <Schema extends z.ZodType>(schema: Schema) => z.union([Pending, schema]);

/** The execution's state: every step's key, in running order. */
export const RunState = z.strictObject({
  plan: PlanRunOutput,
  ingest: pendingOr(IngestTweetsOutput),
  crawl: pendingOr(CrawlRawDataOutput),
  clean: pendingOr(CleanTweetsOutput),
  check: pendingOr(CheckDataOutput),
  publish: pendingOr(PublishDataOutput),
  train: pendingOr(TrainModelOutput),
  evaluation: pendingOr(EvaluateCandidateOutput),
  update: pendingOr(UpdateEndpointOutput),
  smokeTest: pendingOr(SmokeTestEndpointOutput),
  promote: pendingOr(PromoteModelOutput),
  refresh: pendingOr(RefreshAnalyticsOutput),
});
export type RunState = z.infer<typeof RunState>;

/** The keys that start as PENDING, in running order. */
export const progressKeys = RunState.omit({ plan: true }).keyof().options;

/** What every step but the first receives. */
export const StepInput = z.strictObject({ execution: Execution, attempt: Count, state: RunState });
export type StepInput = z.infer<typeof StepInput>;
