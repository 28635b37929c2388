import { z } from 'zod';
import { Label } from '../../workflows/evaluation';
import { latestImport, NO_TEXT_HASH, Sampling } from '../../workflows/labels';
import { explain } from '../explain';
import { inParallel } from '../in-parallel';
import { labelObjects } from './fingerprints';
import { getBytes } from './objects';
import type { Lake } from './objects';
import type { Unreadables } from './set-aside';
import { jsonOf, unpackText, UnreadableBytes } from './unpack';

const LabelRow = z.object({
  text_hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')
    .refine((hash) => hash !== NO_TEXT_HASH, 'is that of no text'),
  text: z.string(),
  label: Label,
  source: z.string(),
  imported_at: z.string().refine((at) => at <= latestImport(new Date()), 'lies in the future'),
  sampling: Sampling.nullish(),
});
/** A label is flat: what nests is something else, and may overflow the stack of who walks through it. */
const Flat = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/** A label as it counts. */
export type LabelRow = Omit<z.infer<typeof LabelRow>, 'text' | 'source'>;

// S3 answers one small GET in some 20 ms: 10,000 objects take a quarter of a minute at 16 at a time.
const READ_AT_A_TIME = 16;

/**
 * The labels in the lake that `isWanted` keeps; the rest take no memory. What is no label is left out, and its object
 * named in `unreadables`.
 */
export async function allLabels(
  lake: Lake,
  unreadables: Unreadables,
  isWanted: (label: LabelRow) => boolean = () => true,
): Promise<LabelRow[]> {
  const rows = await inParallel(READ_AT_A_TIME, await labelObjects(lake), async ({ key }) =>
    (await labelsOf(lake, key, unreadables)).filter(isWanted),
  );
  return rows.flat();
}

async function labelsOf(lake: Lake, key: string, unreadables: Unreadables): Promise<LabelRow[]> {
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
    const row = Flat.safeParse(value).success ? LabelRow.safeParse(value) : null;
    if (row?.success) rows.push(row.data);
    else
      first ??= `line ${index + 1}: ${row ? explain(row.error, value) : 'not a flat JSON object'}`;
  }
  const refused = lines - rows.length;
  return {
    rows,
    problem:
      first && `holds ${refused} lines of ${lines} that are no labels, the first is ${first}`,
  };
}
