import { createHash } from 'node:crypto';
import { labels } from '../../workflows/evaluation';
import type { Label } from '../../workflows/evaluation';
import { allLabels } from '../lake/labels';
import type { LabelRow } from '../lake/labels';
import type { LakeBucket } from '../lake/objects';
import { Unreadables } from '../lake/set-aside';

/** As `ml/training/lstm/data.py` splits: test/fixtures/held-out.json holds both to it. */
const TEST_PERCENT = 20;

export interface HeldOut {
  rows: number;
  /** Of which texts these are and what they are labelled. */
  sha256: string;
}

/** The held-out rows that the labels in the lake give now, counted apart from the training job. */
export const heldOutNow = async (lake: LakeBucket): Promise<HeldOut> =>
  // The training job names what it leaves out, too: the report says it once.
  heldOutOf(await allLabels(lake, new Unreadables()));

/** Hash and label of each held-out text. */
export const heldOutLabels = (rows: readonly LabelRow[]): [string, Label][] =>
  [...byText(rows)]
    .filter(([, given]) => isHeldOut(firstHash(given)) && mayBeHeldOut(given))
    .map(([hash, given]) => [hash, winner(given)]);

export function heldOutOf(rows: readonly LabelRow[]): HeldOut {
  const lines = heldOutLabels(rows)
    .map(([hash, label]) => `${hash} ${label}\n`)
    .sort();
  return {
    rows: lines.length,
    sha256: createHash('sha256').update(lines.join('')).digest('hex'),
  };
}

/**
 * The label of each text that counts, by the text's hash. The rule is in docs/labels.md;
 * test/fixtures/labels-that-count.json holds Spark, the training job, the gate and the command line to it.
 */
export const decidedLabels = (rows: readonly LabelRow[]): Map<string, Label> =>
  new Map([...byText(rows)].map(([hash, given]) => [hash, winner(given)]));

function byText(rows: readonly LabelRow[]): Map<string, LabelRow[]> {
  const ofText = new Map<string, LabelRow[]>();
  for (const row of rows) {
    const same = ofText.get(row.text_hash);
    if (same) same.push(row);
    else ofText.set(row.text_hash, [row]);
  }
  return ofText;
}

/** Whether a text is on the held-out side, by what its oldest label is stored under. */
export const isHeldOut = (hash: string): boolean =>
  parseInt(hash.slice(0, 8), 16) % 100 < TEST_PERCENT;

/**
 * What the text's oldest label is stored under decides its side: a text never changes sides when a release reads texts
 * anew.
 */
const firstHash = (given: readonly LabelRow[]): string =>
  given
    .map(({ imported_at, stored_hash }) => ({ imported_at, stored_hash }))
    .reduce((a, b) =>
      a.imported_at < b.imported_at ||
      (a.imported_at === b.imported_at && a.stored_hash <= b.stored_hash)
        ? a
        : b,
    ).stored_hash;

/** A text that was only ever labelled because a model was unsure of it says nothing of texts as they come. */
const mayBeHeldOut = (given: readonly LabelRow[]): boolean =>
  given.some(({ sampling }) => sampling !== 'uncertain');

function winner(given: readonly LabelRow[]): Label {
  const newest = given.map((row) => row.imported_at).reduce((a, b) => (a > b ? a : b));
  const votes = given.filter((row) => row.imported_at === newest);
  const count = (label: Label) => votes.filter((row) => row.label === label).length;
  return labels.reduce((best, label) => (count(label) > count(best) ? label : best));
}
