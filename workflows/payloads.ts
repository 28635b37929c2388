import { z } from 'zod';
import { Difference, Label, Scores } from './evaluation';

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

export const RunMode = z.enum(['nightly', 'retrain', 'ingest']);

export const TrainingOptions = z.strictObject({
  epochs: z.number().int().min(1).max(50).optional(),
  batch_size: z.number().int().min(8).max(1024).optional(),
  learning_rate: z.number().gt(0).lt(1).optional(),
  hidden_size: z.number().int().min(8).max(1024).optional(),
  seed: z.number().int().nonnegative().optional(),
  /** 1 also trains on 200 and 1,000 labels, for the evaluation's report. */
  learning_curve: z.number().int().min(0).max(1).optional(),
});

/** The execution's input: `{}` runs the nightly, `{"mode":"retrain"}` retrains on what the lake holds. */
export const RunRequest = z.strictObject({
  mode: RunMode.default('nightly'),
  date: Day.optional(),
  keywords: z.array(z.string().trim().min(1)).min(1).optional(),
  /** X gives at least ten tweets a page, and each costs. */
  maxTweets: z.number().int().min(10).optional(),
  /** Promotes what the gate refuses; only with a grant, which is a permission of its own. */
  force: z.boolean().default(false),
  training: TrainingOptions.default({}),
  /** Set by the nightly rule: the event's own time, so that a second delivery is recognised. */
  scheduledFor: Instant.optional(),
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
  queries: z.array(z.strictObject({ name: z.string(), query: z.string().max(512) })).min(1),
  maxTweets: z.number().int().positive(),
  /** Null unless the input asked for it and a grant was there. */
  force: ForceGrant.nullable(),
  training: TrainingOptions,
  /** Seconds between two looks at a job of each stage. */
  poll: z.strictObject({
    crawl: z.number().int().positive(),
    clean: z.number().int().positive(),
    check: z.number().int().positive(),
    train: z.number().int().positive(),
    endpoint: z.number().int().positive(),
    refresh: z.number().int().positive(),
  }),
});
export type RunPlan = z.infer<typeof PlanRunOutput>;

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

const Ingested = { ...IngestCounts.shape, days: z.array(Day), spendUsd: z.number().nonnegative() };

export const IngestTweetsOutput = z.discriminatedUnion('status', [
  /** More pages wait; called again at once. */
  z.strictObject({ status: z.literal('MORE'), ...Ingested }),
  /** The rate window is used up; called again at `resumeAt`. */
  z.strictObject({ status: z.literal('RATE_LIMITED'), resumeAt: Instant, ...Ingested }),
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
});
export type CleanedDay = z.infer<typeof CleanedDay>;

/** What the Spark job leaves at its `--summary_uri`. */
export const CleaningSummary = z.strictObject({
  version: Version,
  days: z.array(z.strictObject({ date: Day, rows: Count })),
  read: Count,
  written: Count,
  doubles: Count,
  quarantined: Count,
  human_labels: Count,
  lexicon_labels: Count,
  seconds: z.number().nonnegative(),
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
});
export type PublishDataOutput = z.infer<typeof PublishDataOutput>;

// ---- Train the model ----------------------------------------------------------------------------

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
  }),
]);
export type TrainModelOutput = z.infer<typeof TrainModelOutput>;

// ---- Better than the champion? ------------------------------------------------------------------

export const JudgeModelOutput = z.strictObject({
  promote: z.boolean(),
  forced: z.boolean(),
  /** Every rule, kept or broken, as a sentence. */
  reasons: z.array(z.string()).min(1),
  /** The champion when it was decided; its place is all that a promotion may take. */
  inService: z.string().nullable(),
  // All null where the evaluation could not be trusted.
  heldOutRows: Count.nullable(),
  candidate: Scores.nullable(),
  /** Null also where there is none, or where it could not be scored. */
  champion: Scores.extend({ version: z.string() }).nullable(),
  lexicon: Scores.extend({ name: z.string() }).nullable(),
  minusChampion: Difference.nullable(),
  minusLexicon: Difference.nullable(),
});
export type JudgeModelOutput = z.infer<typeof JudgeModelOutput>;

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
export const Champion = z.strictObject({
  modelVersion: z.string(),
  modelUri: S3Uri,
  evaluationUri: S3Uri,
  manifestUri: S3Uri,
  configName: z.string(),
  fingerprint: z.string(),
  /** On the held-out rows of the run that promoted it; unknown of models promoted before this was kept. */
  macroRecall: z.number().min(0).max(1).optional(),
  promotedAt: Instant,
  promotedBy: z.string(),
  forced: z.boolean(),
  /** Of a forced one: the grant's reason. */
  forcedBecause: z.string().optional(),
  previous: z.string().nullable(),
});
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
  outcome: z.enum(['PROMOTED', 'NOT_PROMOTED', 'NOTHING_NEW', 'INGESTED', 'SKIPPED']),
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
  gate: pendingOr(JudgeModelOutput),
  endpoint: pendingOr(UpdateEndpointOutput),
  smoke: pendingOr(SmokeTestEndpointOutput),
  promote: pendingOr(PromoteModelOutput),
  refresh: pendingOr(RefreshAnalyticsOutput),
});
export type RunState = z.infer<typeof RunState>;

/** The keys that start as PENDING, in running order. */
export const progressKeys = RunState.omit({ plan: true }).keyof().options;

/** What every step but the first receives. */
export const StepInput = z.strictObject({ execution: Execution, attempt: Count, state: RunState });
export type StepInput = z.infer<typeof StepInput>;
