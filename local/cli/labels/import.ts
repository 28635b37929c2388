import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import { listObjects } from '../../../functions/lake/objects';
import type { Label } from '../../../workflows/evaluation';
import { datasets } from '../../../workflows/datasets';
import { textHash } from '../../../workflows/text-key';
import type { Session } from '../../cloud/session';
import { UserError } from '../../cloud/user-error';
import { corpusSource, labelOfRating, type RatedText } from '../../corpus/read-corpus';
import { MAX_LABEL_FILE_BYTES, readText } from '../read-text';
import { labelsInLake, putLabels } from './in-lake';
import {
  parseLabels,
  usualColumns,
  type Columns,
  type LabelledText,
  type Parsed,
  type Rejected,
} from './parse';
import { isTweetEval, readTweetEval } from './tweeteval';

export interface ImportReport {
  key: string;
  /** False when the lake had these very labels already. */
  written: boolean;
  labels: number;
  /** Rows that say again what another row said. */
  doubles: number;
  /** Texts whose rows did not agree, and a majority settled it. */
  settled: number;
  /** Texts the lake had under another label, at most a few of them. The newest counts. */
  changed: { count: number; examples: Changed[] };
  rejected: Rejected[];
}

interface Changed {
  line: number;
  from: Label;
  to: Label;
}

const shownChanges = 5;

interface Distinct {
  labels: Map<string, LabelledText>;
  doubles: number;
  settled: number;
  rejected: Rejected[];
}

/**
 * One label per normalised text. Where rows of one text disagree the label most of them give counts;
 * without a majority none of them does, and the first row is reported.
 */
export function distinctLabels(rows: readonly LabelledText[]): Distinct {
  const byText = new Map<string, LabelledText[]>();
  for (const row of rows) {
    const hash = textHash(row.text);
    byText.set(hash, [...(byText.get(hash) ?? []), row]);
  }
  const labels = new Map<string, LabelledText>();
  const rejected: Rejected[] = [];
  let doubles = 0;
  let settled = 0;
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
      doubles += same.length - 1;
      if (second) settled += 1;
    }
  }
  return { labels, doubles, settled, rejected };
}

export const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

async function exists({ people, outputs }: Session, Key: string): Promise<boolean> {
  try {
    await people.labeller.s3.send(new HeadObjectCommand({ Bucket: outputs.BucketName, Key }));
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFound') return false;
    throw error;
  }
}

/** Writes labels as one object whose key is a hash of what they say: the same labels change nothing. */
async function store(
  session: Session,
  source: string,
  rows: readonly LabelledText[],
  rejected: Rejected[],
  /** The object that holds these labels, where an older release may have named it otherwise. */
  written: string | null = null,
): Promise<ImportReport> {
  const distinct = distinctLabels(rows);
  const entries = [...distinct.labels].sort(([a], [b]) => (a < b ? -1 : 1));
  const said = entries.map(([hash, { text, label }]) => [hash, text, label]);
  const hash = createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16);
  const key = written ?? `${datasets.labels.prefix}${source}-${hash}.ndjson`;
  const report = {
    key,
    labels: entries.length,
    doubles: distinct.doubles,
    settled: distinct.settled,
    rejected: [...rejected, ...distinct.rejected].sort((a, b) => a.line - b.line),
  };
  if (entries.length === 0)
    throw new UserError('No label is left to import: every row was refused.');
  if (await exists(session, key))
    return { ...report, changed: { count: 0, examples: [] }, written: false };
  const known = await labelsInLake(session);
  const changed = entries.flatMap(([hash, { line, label }]) => {
    const from = known.get(hash);
    return from === undefined || from === label ? [] : [{ line, from, to: label }];
  });

  const imported_at = new Date().toISOString();
  const records = entries.map(([text_hash, { text, label }]) => ({
    text_hash,
    text,
    label,
    source,
    imported_at,
    sampling: 'import' as const,
  }));
  await putLabels(session, key, records);
  return {
    ...report,
    changed: { count: changed.length, examples: changed.slice(0, shownChanges) },
    written: true,
  };
}

/**
 * Imports the ratings of the bundled corpus, once for all releases: its labels anew would be the newest, and win over
 * what people have corrected since.
 */
export async function importCorpus(
  session: Session,
  corpus: readonly RatedText[],
): Promise<ImportReport> {
  const rows = corpus.map(({ row, text, rating }) => ({
    line: row,
    text,
    label: labelOfRating(rating),
  }));
  const { people, outputs } = session;
  const lake = { s3: people.labeller.s3, bucket: outputs.BucketName };
  const [before] = await listObjects(lake, `${datasets.labels.prefix}${corpusSource}-`);
  return store(session, corpusSource, rows, [], before?.key);
}

/** What an import may be told of a file. */
export interface ImportOptions {
  /** Names where the labels come from. @default the file's name */
  source: string | null;
  columns: Columns;
}

/** Imports a person's own labels, from a table, JSON Lines, or TweetEval's layout. */
export async function importFile(
  session: Session,
  path: string,
  { source, columns }: ImportOptions = { source: null, columns: usualColumns },
): Promise<ImportReport> {
  const { rows, rejected } = isTweetEval(path)
    ? readTweetEval(path, columns.map)
    : readFile(path, columns);
  const name = slug(source ?? basename(path, extname(path)));
  if (name === '')
    throw new UserError(
      `"${source ?? path}" gives no name for the source: --source needs letters or digits.`,
    );
  return store(session, name, rows, rejected);
}

function readFile(path: string, columns: Columns): Parsed {
  return parseLabels(path, readText(path, MAX_LABEL_FILE_BYTES), columns);
}
