import { z } from 'zod';
import catalog from './datasets.json';

/**
 * The one catalog of data sets: name, prefix, table and columns.
 * The Glue tables, Spark's declared schemas, the data dictionary and the checks come from it.
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
  }),
  candidates: z.strictObject({
    table: z.string(),
    of: z.literal('tweets'),
    partitions: z.array(Column),
  }),
  prefixes: z.strictObject({
    plans: Prefix,
    imports: Prefix,
    parked: Prefix,
    corpora: Prefix,
    cleaningSummaries: Prefix,
    audit: Prefix,
    queryResults: Prefix,
    models: Prefix,
  }),
});

export const { database, datasets, candidates, prefixes } = Catalog.parse(catalog);

/** Who works on the lake: one run at a time on its days and models, one ingest at a time on its raw data. */
export const leaseKeys = {
  run: `${prefixes.plans}lock.json`,
  ingest: `${prefixes.plans}ingest-lease.json`,
};

/**
 * Where Athena leaves results: those of a run's checks and of scoring apart from those of people's questions, so that
 * who may ask cannot write what a run reads.
 */
export const resultPrefixes = {
  runs: `${prefixes.queryResults}runs/`,
  analysts: `${prefixes.queryResults}analysts/`,
};

/** The data set behind a table; the candidates table shares the columns of `tweets`. */
export const tables = {
  ...datasets,
  [candidates.table]: { ...datasets.tweets, partitions: candidates.partitions },
};

/** `s3://bucket/prefix` of a data set or of one of its days. */
export const s3Uri = (bucket: string, key: string): string => `s3://${bucket}/${key}`;

/** The bucket's lifecycle deletes once a day what is old enough, and not on the minute. */
const LATE_DELETION_DAYS = 2;

/**
 * What makes Athena read a table's days wherever objects lie, without a partition in the catalog: parameters of a table
 * of which nobody registers the days. `days`: how long its objects are kept. The ingest and the cleaning job file what
 * they refuse under the day they do so, so no day is older, or later than tomorrow where clocks differ.
 */
export const dayProjection = ({ partitions }: Dataset, days: number): Record<string, string> =>
  Object.fromEntries([
    ['projection.enabled', 'true'],
    ...partitions.flatMap(({ name }) => [
      [`projection.${name}.type`, 'date'],
      [`projection.${name}.format`, 'yyyy-MM-dd'],
      [`projection.${name}.range`, `NOW-${days + LATE_DELETION_DAYS}DAYS,NOW+1DAYS`],
      [`projection.${name}.interval`, '1'],
      [`projection.${name}.interval.unit`, 'DAYS'],
    ]),
  ]);
