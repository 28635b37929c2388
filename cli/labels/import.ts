import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { labels, type Label } from '../../workflows/evaluation';
import { datasets } from '../../workflows/datasets';
import { textHash } from '../../workflows/text-key';
import { UserError } from '../../session/user-error';
import { MAX_LABEL_FILE_BYTES, readText, type Encoding } from '../read-text';
import { labelsInLake, putLabels, type LabelRecord, type LabelSession } from './in-lake';
import { parseLabels } from './parse';
import { usualColumns, type Columns, type LabelledText, type Parsed, type Rejected } from './rows';
import { isTweetEval, readTweetEval } from './tweeteval';

export interface ImportReport {
  key: string;
  /** False when the lake already had exactly these labels. */
  written: boolean;
  labels: number;
  /** Rows that repeat another row. */
  duplicates: number;
  /** Texts whose rows disagreed, decided by majority. */
  outvoted: number;
  /** Texts with another label in the lake, at most a few of them. The newest label counts. */
  changed: { count: number; examples: Changed[] };
  rejected: Rejected[];
}

/** What an import would write, with notes for the person. */
export interface ImportPlan extends ImportReport {
  records: readonly Omit<LabelRecord, 'imported_at'>[];
  byClass: Map<Label, LabelledText[]>;
  /** Numbers of rows that --map skips, by their label. */
  skipped: Map<string, number>;
  notes: string[];
}

interface Changed {
  line: number;
  from: Label;
  to: Label;
}

const shownChanges = 5;

interface Distinct {
  labels: Map<string, LabelledText>;
  duplicates: number;
  outvoted: number;
  rejected: Rejected[];
}

/**
 * Reduces to one label per normalised text. If rows of one text disagree, the majority counts; without a majority, the
 * text is rejected and its first row reported.
 */
export function distinctLabels(rows: readonly LabelledText[]): Distinct {
  const byText = new Map<string, LabelledText[]>();
  for (const row of rows) {
    const hash = textHash(row.text);
    byText.set(hash, [...(byText.get(hash) ?? []), row]);
  }
  const labels = new Map<string, LabelledText>();
  const rejected: Rejected[] = [];
  let duplicates = 0;
  let outvoted = 0;
  for (const [hash, same] of byText) {
    const votes = new Map<Label, LabelledText[]>();
    for (const row of same) votes.set(row.label, [...(votes.get(row.label) ?? []), row]);
    const [most, second] = [...votes.values()].sort((a, b) => b.length - a.length);
    const [first] = most ?? [];
    if (!first || !most) continue;
    if (second && second.length === most.length) {
      const lines = same.map(({ line }) => line).join(', ');
      rejected.push({
        ...(first.file !== undefined && { file: first.file }),
        line: first.line,
        reason: `lines ${lines} label the same text differently`,
      });
    } else {
      labels.set(hash, first);
      duplicates += same.length - 1;
      if (second) outvoted += 1;
    }
  }
  return { labels, duplicates, outvoted, rejected };
}

export const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

async function exists({ people, outputs }: LabelSession, Key: string): Promise<boolean> {
  try {
    await people.labeller.s3.send(new HeadObjectCommand({ Bucket: outputs.BucketName, Key }));
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFound') return false;
    throw error;
  }
}

/** Labels from a file, not yet compared with the lake. */
export interface LabelFile {
  path: string;
  source: string;
  parsed: Parsed;
}

/**
 * What importing labels would change. They go into one object whose key is a hash of what they say, so the same labels
 * again change nothing (`written` is false); or into `key`, which an older release may have named otherwise. They are
 * compared with the lake's labels: `always`, or when `new`. Throws UserError if no label is left.
 */
export async function planImport(
  session: LabelSession,
  { source, parsed }: Pick<LabelFile, 'source' | 'parsed'>,
  { compare, key: before }: { compare: 'always' | 'new'; key?: string } = { compare: 'always' },
): Promise<ImportPlan> {
  const distinct = distinctLabels(parsed.rows);
  const entries = [...distinct.labels].sort(([a], [b]) => (a < b ? -1 : 1));
  const said = entries.map(([hash, { text, label }]) => [hash, text, label]);
  const hash = createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16);
  const key = before ?? `${datasets.labels.prefix}${source}-${hash}.ndjson`;
  const rejected = [...parsed.rejected, ...distinct.rejected].sort((a, b) => a.line - b.line);
  if (entries.length === 0) throw new UserError(nothingLeft(rejected));
  const written = !(await exists(session, key));
  const known =
    written || compare === 'always' ? await labelsInLake(session) : new Map<string, Label>();
  const changed = entries.flatMap(([hash, { line, label }]) => {
    const from = known.get(hash);
    return from === undefined || from === label ? [] : [{ line, from, to: label }];
  });
  const found = entries.map(([, found]) => found).sort((a, b) => a.line - b.line);
  return {
    key,
    written,
    labels: entries.length,
    duplicates: distinct.duplicates,
    outvoted: distinct.outvoted,
    rejected,
    changed: { count: changed.length, examples: changed.slice(0, shownChanges) },
    byClass: new Map(labels.map((label) => [label, found.filter((row) => row.label === label)])),
    skipped: parsed.skipped,
    notes: parsed.notes,
    records: entries.map(([text_hash, { text, label }]) => ({
      text_hash,
      text,
      label,
      source,
      sampling: 'import' as const,
    })),
  };
}

function nothingLeft([first, ...others]: readonly Rejected[]): string {
  if (!first) return 'No label is left to import: the file has no row with one.';
  const where = `${first.file === undefined ? '' : `${first.file}, `}line ${first.line}: ${first.reason}`;
  return (
    `No label is left to import: ${others.length === 0 ? 'its only row was' : `all ${others.length + 1} rows were`} rejected ` +
    `(${others.length === 0 ? '' : 'the first is '}${where}). Nothing was imported.`
  );
}

/** Writes what `planImport` planned, if the lake has not got it. */
export async function carryOut(session: LabelSession, plan: ImportPlan): Promise<ImportReport> {
  if (!plan.written) return plan;
  const imported_at = new Date().toISOString();
  await putLabels(
    session,
    plan.key,
    plan.records.map((record) => ({ ...record, imported_at })),
  );
  return plan;
}

/** What an import may be told of a file. */
export interface ImportOptions {
  /** Names where the labels come from. @default the file's name */
  source: string | null;
  columns: Columns;
  /** @default UTF-8, or what a byte order mark says */
  encoding: Encoding | null;
}

/** Reads a person's own labels, from a table, JSON Lines, or TweetEval's layout. Throws UserError. */
export function readLabelFile(
  path: string,
  { source, columns, encoding }: ImportOptions = {
    source: null,
    columns: usualColumns,
    encoding: null,
  },
): LabelFile {
  const stem = basename(path).replace(/\.gz$/i, '');
  const name = slug(source ?? basename(stem, extname(stem)));
  if (name === '')
    throw new UserError(
      `"${source ?? path}" gives no name for the source: --source needs letters or digits.`,
    );
  return { path, source: name, parsed: parseFile(path, columns, encoding) };
}

function parseFile(path: string, columns: Columns, encoding: Encoding | null): Parsed {
  const isTable = columns.delimiter !== null || !columns.header || columns.quote !== null;
  if (!isTweetEval(path) || (isTable && statSync(path).isFile()))
    return parseLabels(path, readText(path, MAX_LABEL_FILE_BYTES, encoding), columns);
  if (isTable)
    throw new UserError(
      `${path} is a folder: --no-header, --delimiter and --quote are for tables.`,
      2,
    );
  return readTweetEval(path, columns, encoding);
}
