import { z } from 'zod';
import { durable } from './durable';
import { Difference, Label, Scores, Sha256 } from './evaluation';
import { perPollingKey } from './steps';

/**
 * Input and output of every step, in running order. Every schema is strict; every type is inferred.
 *
 * A step's Lambda receives `{ execution, attempt, state }`: the execution, the redrive count, and the execution's
 * complete state. The answer is written under the step's own key. Until then the key holds `{ "status": "PENDING" }`.
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

// ---- The execution's input ----------------------------------------------------------------------

/**
 * `nightly` runs every step. `retrain` trains on the data in the lake. `ingest` only fetches new tweets. The others
 * update days without training: `backfill` fetches a time span of the last seven days, `import` reads tweets from
 * `raw-data/imports/`, and `replay` streams and cleans days again. `rollback` puts an earlier model into service.
 */
export const RunMode = z.enum([
  'nightly',
  'retrain',
  'ingest',
  'backfill',
  'replay',
  'import',
  'rollback',
]);
export type RunMode = z.infer<typeof RunMode>;

/** A named search on X: keywords that are joined with OR, or a query in X's query language. */
export const NamedQuery = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be small letters, digits and dashes'),
    keywords: z.array(z.string()).min(1).optional(),
    /** Sent to X as it is. It must set language and retweets itself. */
    query: z.string().optional(),
    /** Default: the language of the settings. null searches all languages. */
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
  /** Initial weights. */
  start_from: z.enum(['encoder', 'champion', 'scratch']).optional(),
  serves: z.enum(['fp32', 'int8']).optional(),
  /** 1 also trains on 200 and 1,000 labels, for the evaluation's report. */
  learning_curve: z.number().int().min(0).max(1).optional(),
});

/** Largest input or output of a state, in bytes of JSON ("Step Functions service quotas"). */
export const MAX_STATE_BYTES = 262_144;

/**
 * Most days that one run may replay, clean and publish. The state names a day in three places, in 13 bytes each;
 * everything else about it lies in the bucket (`DayList`). 1,000 days and the largest possible rest stay well below
 * `MAX_STATE_BYTES` (test/workflows/largest-run.test.ts).
 */
export const MAX_DAYS_A_RUN = 1000;

/** A list of days in an object of the bucket, which the state names instead of holding it. */
export const DayList = z.strictObject({ count: z.number().int().positive(), uri: S3Uri });
export type DayList = z.infer<typeof DayList>;

/** Number of days in a list; states of older releases hold the days themselves. */
export const countOf = (days: DayList | readonly unknown[]): number =>
  'uri' in days ? days.count : days.length;

/**
 * Who starts an execution, and with what, as the starter says. Anyone who may start an execution can write anything
 * here, so it is a claim: CloudTrail has the proof.
 */
export const StartedBy = z.strictObject({
  who: z.string().regex(/^[\x20-\x7e]{1,256}$/, 'must be 1 to 256 printable ASCII characters'),
  with: z.enum(['command line', 'console']),
});
export type StartedBy = z.infer<typeof StartedBy>;

/**
 * The execution's input.
 *
 * @example {} starts a nightly run
 * @example { "mode": "retrain" } trains on the data in the lake
 */
export const RunRequest = z
  .strictObject({
    mode: RunMode.default('nightly'),
    date: Day.optional(),
    /** Words and phrases of one query that replaces the configured ones. */
    keywords: z.array(z.string()).min(1).optional(),
    queries: z.array(NamedQuery).min(1).optional(),
    /** At least ten, X's smallest page: each tweet of a page is billed. */
    maxTweets: z.number().int().min(10).optional(),
    /** Promotes the candidate even if a rule of the gate failed. Needs a grant (docs/runbook.md). */
    force: z.boolean().default(false),
    training: TrainingOptions.default({}),
    /** First and last day, both included. A backfill also accepts instants. */
    from: z.union([Day, Instant]).optional(),
    to: z.union([Day, Instant]).optional(),
    /** Replay only: single days, instead of `from` and `to`. */
    days: z.array(Day).min(1).max(MAX_DAYS_A_RUN).optional(),
    /** Replay only: whether the tweets are also sent to Kinesis again. */
    stream: z.boolean().default(true),
    import: ImportName.optional(),
    /** Rollback only: the version to serve again. Without it, the one that was in service before. */
    model: z.string().min(1).max(63).optional(),
    /** Set by the nightly rule: the event's time. A second delivery of the same event has the same time. */
    scheduledFor: Instant.optional(),
    /** Set by the command line and the console. */
    startedBy: StartedBy.optional(),
  })
  .superRefine(({ mode, from, to, days, import: name, keywords, queries, model }, context) => {
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
      model === undefined || mode === 'rollback',
      'model',
      `belongs to rollback, not to ${mode}`,
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

/** Only the first step receives the raw input. */
export const PlanRunInput = z.strictObject({
  execution: Execution,
  attempt: Count,
  input: z.unknown(),
});
export type PlanRunInput = z.infer<typeof PlanRunInput>;

/** The grant that let this execution promote a candidate that the gate refused. */
export const ForceGrant = z.strictObject({
  /** Version of the secret that holds the grant. CloudTrail shows who wrote it. */
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
  /** Why the run ends after its plan; null if it goes on. */
  skip: z.string().nullable(),
  /** Source of the tweets. */
  source: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('news') }),
    z.strictObject({ kind: z.literal('backfill'), from: Instant, to: Instant }),
    z.strictObject({ kind: z.literal('import'), name: ImportName }),
    z.strictObject({ kind: z.literal('replay'), stream: z.boolean() }),
  ]),
  /** Searches on X; empty for other sources. */
  queries: z.array(z.strictObject({ name: z.string(), query: z.string().max(512) })),
  /** Most posts that this run may read from X, within the month's budget, and their highest cost. */
  maxTweets: z.number().int().nonnegative(),
  maxSpendUsd: z.number().nonnegative(),
  /** Days that are cleaned even if nothing changed. */
  reprocess: z.array(Day),
  /** null unless the input has `force` and a grant exists. */
  force: ForceGrant.nullable(),
  training: TrainingOptions,
  /** Of a rollback: the version to serve again, or null for the one before. Other modes have none. */
  rollbackTo: z.string().nullable().optional(),
  /** Seconds between two polls of each stage's job. */
  poll: z.strictObject(perPollingKey(() => z.number().int().positive())),
});
export type RunPlan = z.infer<typeof PlanRunOutput>;

/** Objects of the lake that a step could not read, completely or in part, and skipped. */
export const SetAside = z.strictObject({
  count: z.number().int().positive(),
  /** The first 20: key, and the problem as a sentence without its subject. */
  objects: z.array(z.strictObject({ key: z.string(), problem: z.string() })).max(20),
});
export type SetAside = z.infer<typeof SetAside>;

// ---- Ingest tweets ------------------------------------------------------------------------------

export const IngestCounts = z.strictObject({
  /** received = written + duplicates + quarantined, or the run fails. */
  received: Count,
  written: Count,
  duplicates: Count,
  quarantined: Count,
  pages: Count,
});
export type IngestCounts = z.infer<typeof IngestCounts>;

/** A time span whose tweets X no longer returns. */
export const Gap = z.strictObject({
  query: z.string(),
  /** null if nothing was fetched before: the start is unknown. */
  from: Instant.nullable(),
  until: Instant,
  reason: z.string(),
  foundAt: Instant,
});
export type Gap = z.infer<typeof Gap>;

/** A window that the run leaves open: the tweets between its bounds are still to be fetched. */
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
  /** Per query, in the plan's order. */
  queries: z.array(
    z.strictObject({ name: z.string(), complete: z.boolean(), ...IngestCounts.shape }),
  ),
  /** Gaps found by this run. */
  gaps: z.array(Gap),
  open: z.array(OpenWindow),
  /** Records that Kinesis rejected; they wait in `raw-data/parked/`. */
  queued: Count,
  /** Records queued by earlier runs that Kinesis has now accepted. */
  resent: Count,
  /** Posts X may have billed although we lost the response (the process was killed). */
  unanswered: Count,
  /** Users that X may have billed with the posts, including those of lost responses. */
  users: Count.default(0),
  /** Upper bound in US dollars: X bills the same post or user once a day. */
  spendUsd: z.number().nonnegative(),
  /** Posts and users read from X in this month, and the limit of posts; null is no limit. */
  month: z.strictObject({
    month: z.string(),
    posts: Count,
    users: Count.default(0),
    limit: Count.nullable(),
  }),
  /** Unreadable raw objects, whose tweets may be written again; absent if there are none. */
  unreadable: SetAside.optional(),
};

export const IngestTweetsOutput = z.discriminatedUnion('status', [
  /** More pages wait: call again at once. `cursor` is where a replay continues. */
  z.strictObject({ status: z.literal('MORE'), cursor: z.string().nullable(), ...Ingested }),
  /** X's rate limit is reached: call again at `resumeAt`. */
  z.strictObject({ status: z.literal('RATE_LIMITED'), resumeAt: Instant, ...Ingested }),
  /** Another execution is ingesting: call again at `resumeAt`. */
  z.strictObject({
    status: z.literal('BUSY'),
    resumeAt: Instant,
    holder: z.string(),
    since: Instant,
    ...Ingested,
  }),
  /** Every query's window is complete, or `note` says why not. */
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
  /** Hash of the raw and label objects that the day was made from. A day with the same hash is not cleaned again. */
  fingerprint: z.string(),
  /** Rows replaced by an edit that lies on another day; the day may shrink by as many. Absent if there are none. */
  moved: Count.optional(),
});
export type CleanedDay = z.infer<typeof CleanedDay>;

/** The Spark job's result, at its `--summary_uri`. */
export const CleaningSummary = z.strictObject({
  version: Version,
  days: z.array(z.strictObject({ date: Day, rows: Count, moved: Count.optional() })),
  /** Arguments that are no days; absent if there are none. */
  skipped_days: z.array(z.string()).optional(),
  read: Count,
  written: Count,
  duplicates: Count,
  quarantined: Count,
  human_labels: Count,
  lexicon_labels: Count,
  seconds: z.number().nonnegative(),
  /** Unreadable raw and label objects; absent if there are none. */
  unreadable: SetAside.optional(),
});
export type CleaningSummary = z.infer<typeof CleaningSummary>;

/** A day that the Spark job is to clean. */
export const DueDay = z.strictObject({ date: Day, fingerprint: z.string() });
export type DueDay = z.infer<typeof DueDay>;

export const CleanTweetsOutput = z.discriminatedUnion('status', [
  Running({
    version: Version,
    jobRunId: z.string(),
    days: z.union([DayList, z.array(DueDay).min(1)]),
  }),
  /** Every published day is up to date with its raw data. */
  z.strictObject({ status: z.literal('NOTHING_NEW') }),
  z.strictObject({
    status: z.literal('DONE'),
    jobRunId: z.string(),
    days: z.union([DayList, z.array(CleanedDay).min(1)]),
    summary: CleaningSummary.omit({ days: true, version: true }),
  }),
]);
export type CleanTweetsOutput = z.infer<typeof CleanTweetsOutput>;

// ---- Check the data -----------------------------------------------------------------------------

export const CheckResult = z.strictObject({
  name: z.string(),
  /** Offending rows; 0 passes. */
  offending: Count,
  /** At most five offending rows, each as column name and Athena's text. */
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

/** States of older releases hold each day. */
const PublishedDays = z.array(
  z.strictObject({ date: Day, version: Version, rows: Count, replaced: Version.nullable() }),
);
/** Numbers of days, of their rows, and of days that had an older snapshot. The partitions of `tweets` have the rest. */
const Published = z.strictObject({ days: Count, rows: Count, replaced: Count });

export const PublishDataOutput = z.strictObject({
  status: z.literal('DONE'),
  published: z.union([Published, PublishedDays]),
  /** Deleted because of their age: published days, snapshots, and partitions of the candidates table. */
  ended: z.strictObject({ days: z.array(Day), snapshots: Count, candidates: Count }).optional(),
});
export type PublishDataOutput = z.infer<typeof PublishDataOutput>;

/** What was published, in numbers. */
export const publishedIn = ({ published }: PublishDataOutput): z.infer<typeof Published> =>
  Array.isArray(published)
    ? {
        days: published.length,
        rows: published.reduce((sum, { rows }) => sum + rows, 0),
        replaced: published.filter(({ replaced }) => replaced !== null).length,
      }
    : published;

// ---- Train the model ----------------------------------------------------------------------------

/** Kind of instance that a training runs on. AWS can reclaim a spot instance at any time. */
export const Capacity = z.enum(['spot', 'on-demand']);
export type Capacity = z.infer<typeof Capacity>;

export const TrainModelOutput = z.discriminatedUnion('status', [
  Running({ jobName: z.string(), fingerprint: z.string() }),
  /** The training data have not changed since the last training. */
  z.strictObject({
    status: z.literal('SKIPPED'),
    reason: z.string(),
    /** Of the job that found it out; absent if none was started. */
    seconds: z.number().nonnegative().optional(),
  }),
  z.strictObject({
    status: z.literal('DONE'),
    jobName: z.string(),
    /** Hash of the training's inputs. A training with the same hash would give the same model. */
    fingerprint: z.string(),
    modelUri: S3Uri,
    evaluationUri: S3Uri,
    manifestUri: S3Uri,
    epochs: z.number().int().positive(),
    seconds: z.number().nonnegative(),
    /** Unknown in histories of older releases. */
    capacity: Capacity.optional(),
    /** Unreadable label objects and corpora; absent if there are none. */
    unreadable: SetAside.optional(),
  }),
]);
export type TrainModelOutput = z.infer<typeof TrainModelOutput>;

// ---- Evaluate the candidate ----------------------------------------------------------------------

/** A model that is put into service. */
export const ServedModel = z.strictObject({
  version: z.string(),
  modelUri: S3Uri,
  evaluationUri: S3Uri,
  manifestUri: S3Uri,
  fingerprint: z.string(),
  /** On the held-out rows of the run that promoted it first. */
  macroRecall: z.number().min(0).max(1).optional(),
});
export type ServedModel = z.infer<typeof ServedModel>;

export const EvaluateCandidateOutput = z.strictObject({
  promote: z.boolean(),
  forced: z.boolean(),
  /** One sentence per rule, whether it passed or failed. */
  reasons: z.array(z.string()).min(1),
  /** The champion at the time of the decision. A promotion may replace only this one. */
  inService: z.string().nullable(),
  /** Digest of the evaluated model, which the endpoint must serve. Unknown for trainings of older releases. */
  digest: Sha256.optional(),
  /** Of a rollback: the model to serve again. */
  rollback: ServedModel.optional(),
  // All are null if the evaluation cannot be trusted, and in a rollback.
  heldOutRows: Count.nullable(),
  candidate: Scores.nullable(),
  /** Also null if there is no champion or it could not be scored. */
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

/** `model-outputs/champion.json`: the model in service, and since when. */
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
    /** Digest of the evaluated model; unknown for models of older releases. */
    digest: Sha256.optional(),
    /** On the held-out rows of the run that promoted it; unknown for models of older releases. */
    macroRecall: z.number().min(0).max(1).optional(),
    promotedAt: Instant,
    promotedBy: z.string(),
    forced: z.boolean(),
    /** The grant's reason, if the promotion was forced. */
    forcedBecause: z.string().optional(),
    /** Set if it came back by a rollback: the model that was in service until then. */
    rolledBackFrom: z.string().optional(),
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
  /** More days are to be looked through, or a transform job scores those that have many tweets. */
  Running({
    pending: z.array(Day),
    /** The query of the first pending day: it lists its tweets or, with `unloads`, writes them to the job's input. */
    query: z
      .strictObject({
        date: Day,
        queryExecutionId: z.string(),
        unloads: z.literal(true).optional(),
      })
      .nullable(),
    scored: Count,
    /** Tweets of `scored` that the endpoint scored. Older releases have no other. */
    byEndpoint: Count.optional(),
    /** The transform job, its model, and its days that are not published yet. `startedAt` once it was started. */
    job: z
      .strictObject({
        name: z.string(),
        modelVersion: z.string(),
        days: z.array(Day),
        startedAt: Instant.optional(),
      })
      .optional(),
  }),
  z.strictObject({
    status: z.literal('DONE'),
    scored: Count,
    modelVersion: z.string().nullable(),
    /** The transform job that scored the rest; absent if the endpoint scored all. */
    job: z
      .strictObject({ name: z.string(), scored: Count, seconds: z.number().nonnegative() })
      .optional(),
  }),
]);
export type RefreshAnalyticsOutput = z.infer<typeof RefreshAnalyticsOutput>;

// ---- Report -------------------------------------------------------------------------------------

/** How the tweets of the last days differ from those that the model in service was trained on. */
export const Drift = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('COMPARED'),
    modelVersion: z.string(),
    /** First and last day of the new tweets, and of those of the model's training that they are compared with. */
    days: z.strictObject({ from: Day, to: Day }),
    reference: z.strictObject({ from: Day, to: Day }),
    /** The days before the new ones, with which agreements are compared; absent in runs of older releases. */
    month: z.strictObject({ from: Day, to: Day }).optional(),
    measures: z.array(
      z.strictObject({
        name: z.string(),
        /** Beyond `limit` it is drift; null with too few tweets. */
        value: z.number().nonnegative().nullable(),
        limit: z.number().positive(),
        newTweets: Count,
        referenceTweets: Count,
        /** What changed most, or why there is no value. */
        change: z.string(),
      }),
    ),
  }),
  z.strictObject({ status: z.literal('NOT_COMPARED'), reason: z.string() }),
]);
export type Drift = z.infer<typeof Drift>;

/** What the stream scorer has not scored, at the end of the run. */
export const StreamBacklog = z.strictObject({
  /** Records on the stream that the scorer has not taken, and whether there are more than were counted. */
  records: Count,
  isMore: z.boolean(),
  /** Age of the oldest of these records; null if there is none. */
  oldestSeconds: z.number().nonnegative().nullable(),
  /** Tweets of the last eight days that wait for a first model; null once there is a model. */
  waitingForModel: Count.nullable(),
});
export type StreamBacklog = z.infer<typeof StreamBacklog>;

/** The execution's output, and `processed-data/audit/reports/<run>.json`. */
export const RunReport = z.strictObject({
  runId: z.string(),
  mode: RunMode,
  date: Day,
  /** PUBLISHED: days were updated, and no training was due. */
  outcome: z.enum([
    'PROMOTED',
    'NOT_PROMOTED',
    'PUBLISHED',
    'NOTHING_NEW',
    'INGESTED',
    'ROLLED_BACK',
    'SKIPPED',
  ]),
  summary: z.string(),
  modelInService: z.string().nullable(),
  spendUsd: z.number().nonnegative(),
  reportUri: S3Uri,
  /**
   * Every rule of the gate as a sentence, passed or failed, and what else the gate said. Absent if no candidate was
   * evaluated, and in runs of older releases.
   */
  gate: z.array(z.string()).optional(),
  /** Absent for ingests, skipped runs and runs of older releases. */
  drift: Drift.optional(),
  stream: StreamBacklog.optional(),
});
export type RunReport = z.infer<typeof RunReport>;

// ---- The state, and what each step reads of it --------------------------------------------------

const pendingOr = <Schema extends z.ZodType>(schema: Schema) => z.union([Pending, schema]);

/** The execution's state: one key per step, in running order. */
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

/** Input of every step except the first. */
export const StepInput = z.strictObject({ execution: Execution, attempt: Count, state: RunState });
export type StepInput = z.infer<typeof StepInput>;
