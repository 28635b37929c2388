import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { Label, labels } from '../../workflows/evaluation';
import { Sampling } from '../../workflows/labels';
import { inParallel } from '../in-parallel';
import { labelObjects } from '../lake/fingerprints';
import { getBytes } from '../lake/objects';
import type { Lake } from '../lake/objects';

/** As `ml/training/lstm/data.py` splits: test/fixtures/held-out.json holds both to it. */
const TEST_PERCENT = 20;

const LabelRow = z.object({
  text_hash: z.string().regex(/^[0-9a-f]{64}$/),
  label: Label,
  imported_at: z.string(),
  sampling: Sampling.nullish(),
});
export type LabelRow = z.infer<typeof LabelRow>;

export interface HeldOut {
  rows: number;
  /** Of which texts these are and what they are labelled. */
  sha256: string;
}

// S3 answers one small GET in some 20 ms: 10,000 objects take a quarter of a minute at 16 at a time.
const READ_AT_A_TIME = 16;

/** The held-out rows that the labels in the lake give now, counted apart from the training job. */
export async function heldOutNow(lake: Lake): Promise<HeldOut> {
  const rows = await inParallel(READ_AT_A_TIME, await labelObjects(lake), async ({ key }) => {
    const found = await getBytes(lake, key);
    return found === null ? [] : testRows(Buffer.from(found.bytes));
  });
  return heldOutOf(rows.flat());
}

/** Rows of other splits are not kept: they are most. Nor are those that do not fit: the training fails on them. */
function testRows(bytes: Buffer): LabelRow[] {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = (isGzip ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.split('\n').flatMap((line) => {
    const row = LabelRow.safeParse(jsonOrNull(line));
    return row.success && isTest(row.data.text_hash) ? [row.data] : [];
  });
}

function jsonOrNull(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return value;
  } catch {
    return null;
  }
}

export function heldOutOf(rows: readonly LabelRow[]): HeldOut {
  const ofText = new Map<string, LabelRow[]>();
  for (const row of rows) {
    const same = ofText.get(row.text_hash);
    if (same) same.push(row);
    else ofText.set(row.text_hash, [row]);
  }
  const lines = [...ofText]
    .filter(([hash, given]) => isTest(hash) && mayBeHeldOut(given))
    .map(([hash, given]) => `${hash} ${winner(given)}\n`)
    .sort();
  return {
    rows: lines.length,
    sha256: createHash('sha256').update(lines.join('')).digest('hex'),
  };
}

const isTest = (hash: string): boolean => parseInt(hash.slice(0, 8), 16) % 100 < TEST_PERCENT;

/** A text that was only ever labelled because a model was unsure of it says nothing of texts as they come. */
const mayBeHeldOut = (given: readonly LabelRow[]): boolean =>
  given.some(({ sampling }) => sampling !== 'uncertain');

/** The newest label; among several the commonest; among those the first of the labels. */
function winner(given: readonly LabelRow[]): Label {
  const newest = given.map((row) => row.imported_at).reduce((a, b) => (a > b ? a : b));
  const votes = given.filter((row) => row.imported_at === newest);
  const count = (label: Label) => votes.filter((row) => row.label === label).length;
  return labels.reduce((best, label) => (count(label) > count(best) ? label : best));
}
