import { z } from 'zod';
import { datasets } from './datasets';
import { durable } from './durable';

const Text = z.string().nullable();
const Whole = z.number().int().nullable();
const Real = z.number().nullable();

/** One row of the table `executions`, as its object in the lake holds it. `datasets.json` says what the columns mean. */
export const ExecutionRow = durable(
  'A row of the table executions',
  z.object({
    schema_version: z.literal(1),
    name: z.string(),
    arn: z.string(),
    mode: Text,
    status: z.string(),
    started_at: z.iso.datetime(),
    ended_at: Text,
    seconds: Real,
    redrives: z.number().int(),
    started_by: Text,
    started_by_source: z.enum(['CloudTrail', 'input', 'unknown']),
    started_with: z.enum(['schedule', 'command line', 'console', 'other']),
    claimed_by: Text,
    redriven_by: Text,
    received: Whole,
    written: Whole,
    duplicates: Whole,
    quarantined: Whole,
    days: z.array(z.string()).nullable(),
    rows_published: Whole,
    data_version: Text,
    model_trained: Text,
    training_fingerprint: Text,
    git_commit: Text,
    training_from: Text,
    training_to: Text,
    training_tweets: Whole,
    label_objects: Whole,
    label_rows: Whole,
    decision: z.enum(['promoted', 'refused', 'rolled back', 'accepted']).nullable(),
    macro_recall: Real,
    model_promoted: Text,
    model_in_service: Text,
    error: Text,
    cause: Text,
    summary: Text,
    history_uri: z.string(),
    report_uri: Text,
    manifest_uri: Text,
  }),
);
export type ExecutionRow = z.infer<typeof ExecutionRow>;

/** Key of an execution's row. An execution's start never changes, so it has one row. */
export const executionRowKey = (name: string, startedAt: Date): string =>
  `${datasets.executions.prefix}dt=${startedAt.toISOString().slice(0, 10)}/${name}.json`;
