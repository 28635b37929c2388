import { z } from 'zod';
import { Label } from '../../workflows/evaluation';
import { latestImport, NO_TEXT_HASH, Sampling } from '../../workflows/labels';
import { textHash } from '../../workflows/text-key';
import { explain } from '../shared/explain';
import { inParallel } from '../shared/in-parallel';
import { labelObjects } from './fingerprints';
import { getBytes } from './objects';
import type { LakeBucket } from './objects';
import type { Unreadables } from './set-aside';
import { jsonOf, unpackText, UnreadableBytes } from './unpack';

/** A line of a label object; a test holds it to datasets.json. */
export const LabelLine = z.object({
  text_hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
  text: z.string(),
  label: Label,
  source: z.string(),
  imported_at: z
    .string()
    // Spark, Python and JavaScript order other characters differently.
    .regex(/^\p{ASCII}*$/u, 'must be ASCII')
    .refine((at) => at <= latestImport(new Date()), 'lies in the future'),
  sampling: Sampling.nullish(),
});
/** A label is flat. Deeply nested JSON is not a label and could overflow the stack of its reader. */
const Flat = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/** A label as it counts. */
export interface LabelRow extends Omit<z.infer<typeof LabelLine>, 'text' | 'source'> {
  /** Of the label's text, by this release: an older one, or a person, may have written another. */
  text_hash: string;
  /** What it is stored under. */
  stored_hash: string;
}

// S3 answers one small GET in some 20 ms: 10,000 objects take a quarter of a minute at 16 at a time.
const READ_AT_A_TIME = 16;

/** The labels in the lake. What is no label is left out, and its object named in `unreadables`. */
export async function allLabels(lake: LakeBucket, unreadables: Unreadables): Promise<LabelRow[]> {
  const rows = await inParallel(READ_AT_A_TIME, await labelObjects(lake), ({ key }) =>
    labelsOf(lake, key, unreadables),
  );
  return rows.flat();
}

async function labelsOf(
  lake: LakeBucket,
  key: string,
  unreadables: Unreadables,
): Promise<LabelRow[]> {
  const object = await getBytes(lake, key);
  if (object === null) return [];
  try {
    const { rows, problem } = parseLabels(unpackText(object.bytes));
    if (problem !== null) unreadables.add(key, problem);
    return rows;
  } catch (error) {
    if (!(error instanceof UnreadableBytes)) throw error;
    unreadables.add(key, error.message);
    return [];
  }
}

/**
 * The labels of an object's text, line by line, and what is wrong with the rest. `ml/training/lstm/data.py` and
 * `etl/labels.py` read the same way: test/fixtures/label-lines.json holds all three to it.
 */
export function parseLabels(text: string): { rows: LabelRow[]; problem: string | null } {
  const rows: LabelRow[] = [];
  let lines = 0;
  let first: string | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    lines += 1;
    const value = jsonOf(line);
    const row = readLabel(value);
    if (typeof row !== 'string') rows.push(row);
    else first ??= `line ${index + 1}: ${row}`;
  }
  const refused = lines - rows.length;
  return {
    rows,
    problem:
      first && `holds ${refused} lines of ${lines} that are no labels, the first is ${first}`,
  };
}

/** A label as it counts; or what is wrong with it. */
function readLabel(value: unknown): LabelRow | string {
  if (!Flat.safeParse(value).success) return 'not a flat JSON object';
  const row = LabelLine.safeParse(value);
  if (!row.success) return explain(row.error, value);
  const { text, text_hash: stored_hash, label, imported_at, sampling } = row.data;
  const text_hash = textHash(text);
  if (text_hash === NO_TEXT_HASH) return 'text: nothing is left of it but mentions and links';
  return { text_hash, stored_hash, label, imported_at, sampling };
}
