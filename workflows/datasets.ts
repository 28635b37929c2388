import { z } from 'zod';
import catalog from './datasets.json';

/**
 * The catalog of data sets: name, prefix, table and columns. The Glue tables, Spark's schemas and the checks are made
 * from it.
 */
const Column = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]*$/),
  type: z.enum(['string', 'bigint', 'double', 'timestamp', 'array<string>']),
  comment: z.string().min(1),
  required: z.boolean().default(false),
});
export type Column = z.infer<typeof Column>;

const Prefix = z
  .string()
  .regex(/^(raw-data|cleaned-data|processed-data|model-outputs)\/.*$/)
  .endsWith('/');

const Dataset = z.strictObject({
  prefix: Prefix,
  format: z.enum(['ndjson', 'ndjson.gz', 'parquet']),
  partitions: z.array(Column),
  comment: z.string().min(1),
  columns: z.array(Column).min(1),
});
export type Dataset = z.infer<typeof Dataset>;

const Catalog = z.strictObject({
  database: z.string(),
  datasets: z.strictObject({
    raw_tweets: Dataset,
    labels: Dataset,
    quarantine: Dataset,
    tweets: Dataset,
    scored: Dataset,
    executions: Dataset,
  }),
  candidates: z.strictObject({
    table: z.string(),
    of: z.literal('tweets'),
    partitions: z.array(Column),
  }),
  prefixes: z.strictObject({
    plans: Prefix,
    imports: Prefix,
    queued: Prefix,
    corpora: Prefix,
    cleaningSummaries: Prefix,
    audit: Prefix,
    queryResults: Prefix,
    models: Prefix,
  }),
});

export const { database, datasets, candidates, prefixes } = Catalog.parse(catalog);

/** Objects that hold the leases: one run at a time changes days and models, one ingest at a time changes raw data. */
export const leaseKeys = {
  run: `${prefixes.plans}lock.json`,
  ingest: `${prefixes.plans}ingest-lease.json`,
};

/**
 * Prefixes of Athena's results, and of what is made from them for a while. Results of a run and results of people lie
 * apart, so that people with query rights cannot write what a run reads.
 */
export const resultPrefixes = {
  runs: `${prefixes.queryResults}runs/`,
  analysts: `${prefixes.queryResults}analysts/`,
  /** Input and output of the transform jobs that score tweets, until their scores are published. */
  scoring: `${prefixes.queryResults}scoring/`,
};

/**
 * Where Lambda writes the batches that the stream scorer could not score: `<mapping>/<shard>/YYYY/MM/DD/…`. Lambda
 * chooses these keys, and no prefix can be put before them.
 */
export const failedBatches = 'aws/lambda/';

/** The last record that the stream scorer took of each shard: `<shard>.json`. */
export const streamPositions = 'processed-data/stream/';

/** The data set behind a table; the candidates table shares the columns of `tweets`. */
export const tables = {
  ...datasets,
  [candidates.table]: { ...datasets.tweets, partitions: candidates.partitions },
};

/** `s3://bucket/prefix` of a data set or of one of its days. */
export const s3Uri = (bucket: string, key: string): string => `s3://${bucket}/${key}`;

/** Days. S3 applies lifecycle rules about once a day, so objects may live this much longer. */
const LATE_DELETION_DAYS = 2;

/** Before the first release: no lake holds an older day. */
const FIRST_DAY = '2026-01-01';

const firstDay = (days: number | null): string =>
  days === null ? FIRST_DAY : `NOW-${days + LATE_DELETION_DAYS}DAYS`;

/**
 * Table parameters for partition projection: Athena then reads every day in range, and no partition must be
 * registered. `days` is how long the objects are kept, null for ever. The ingest and the cleaning job write rejected
 * records under the current day, and an execution's row lies under the day of its start, so no older day holds any;
 * tomorrow is included because clocks differ.
 */
export const dayProjection = (
  { partitions }: Dataset,
  days: number | null,
): Record<string, string> =>
  Object.fromEntries([
    ['projection.enabled', 'true'],
    ...partitions.flatMap(({ name }) => [
      [`projection.${name}.type`, 'date'],
      [`projection.${name}.format`, 'yyyy-MM-dd'],
      [`projection.${name}.range`, `${firstDay(days)},NOW+1DAYS`],
      [`projection.${name}.interval`, '1'],
      [`projection.${name}.interval.unit`, 'DAYS'],
    ]),
  ]);
