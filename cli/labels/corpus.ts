import { createHash } from 'node:crypto';
import { corpusSource, labelOfRating, type RatedText } from '../../embedded/corpus/read-corpus';
import { allLabels } from '../../functions/lake/labels';
import { listObjects } from '../../functions/lake/objects';
import { Unreadables } from '../../functions/lake/set-aside';
import { isHeldOut } from '../../functions/model/held-out';
import { datasets } from '../../workflows/datasets';
import { textHash } from '../../workflows/text-key';
import { carryOut, distinctLabels, planImport, type ImportReport } from './import';
import { labelsInLake, type LabelSession } from './in-lake';
import type { LabelledText } from './rows';

/**
 * Number of parts in which the demonstration's labels come. Lakes remember parts by their number: another number of
 * parts needs other names of their objects.
 */
export const PARTS = 6;

const prefix = `${datasets.labels.prefix}${corpusSource}-`;
const nameOf = (part: number): string => `${corpusSource}-part-${part}-of-${PARTS}`;
const keyOf = (part: number): string => `${datasets.labels.prefix}${nameOf(part)}.ndjson`;
const isPart = (key: string): boolean => key.startsWith(`${prefix}part-`);

/**
 * The part that brings a text's label, from 1. All held-out texts are in the first part: every model is then evaluated
 * on the same rows, which are enough for the gate from the first run on, and no model trains on fewer rows than the
 * one before. A hash of the text chooses the part of the others, other bits than those that choose the split.
 */
export function partOf(text_hash: string): number {
  if (isHeldOut(text_hash)) return 1;
  const hash = createHash('sha256').update(`part ${text_hash}`).digest();
  return 1 + (hash.readUInt32BE(0) % PARTS);
}

const rowsOf = (corpus: readonly RatedText[]): LabelledText[] =>
  corpus.map(({ row, text, rating }) => ({ line: row, text, label: labelOfRating(rating) }));

const parsed = (rows: LabelledText[]) => ({
  rows,
  rejected: [],
  skipped: new Map<string, number>(),
  notes: [],
});

/** Keys of the objects that hold labels of the corpus. */
async function corpusKeys({ people, outputs }: LabelSession): Promise<string[]> {
  const lake = { s3: people.labeller.s3, bucket: outputs.BucketName };
  return (await listObjects(lake, prefix)).map(({ key }) => key);
}

/**
 * Imports all ratings of the bundled corpus, once for all releases: its labels anew would be the newest, and win over
 * what people have corrected since. Of a lake that has some parts, the texts that have no label yet.
 */
export async function importCorpus(
  session: LabelSession,
  corpus: readonly RatedText[],
): Promise<ImportReport> {
  const rows = rowsOf(corpus);
  const keys = await corpusKeys(session);
  const [complete] = keys.filter((key) => !isPart(key));
  const known =
    complete === undefined && keys.length > 0 ? await labelsInLake(session) : new Map<string, 0>();
  const missing = rows.filter(({ text }) => !known.has(textHash(text)));
  const plan = await planImport(
    session,
    { source: corpusSource, parsed: parsed(missing.length === 0 ? rows : missing) },
    { compare: 'new', key: complete ?? (missing.length === 0 ? keys[0] : undefined) },
  );
  return carryOut(session, plan);
}

/** What a part brought. */
export interface Part {
  part: number;
  parts: number;
  /** Labels that the part brought. */
  labels: number;
  /** Those of them that are held out from training. */
  heldOut: number;
  /** Texts of the corpus that have a label now. */
  rated: number;
  /** Texts of the corpus. */
  of: number;
}

/**
 * Brings the next part of the corpus' ratings: docs in `bringLabels`. A text that has a label keeps it: a part's label
 * would be newer, and win over what a person said of the text meanwhile. Null if there was nothing to bring; OWN_LABELS
 * if the lake has imported labels of other texts.
 */
export async function bringPart(
  session: LabelSession,
  corpus: readonly RatedText[],
  which: 'first' | 'next' | 'following',
): Promise<Part | 'OWN_LABELS' | null> {
  const { labels: ofCorpus } = distinctLabels(rowsOf(corpus));
  const lake = { s3: session.people.labeller.s3, bucket: session.outputs.BucketName };
  const inLake = await allLabels(lake, new Unreadables());
  const isOwn = ({ text_hash, sampling }: (typeof inLake)[number]) =>
    (sampling ?? 'import') === 'import' && !ofCorpus.has(text_hash);
  if (inLake.some(isOwn)) return 'OWN_LABELS';
  const keys = new Set(await corpusKeys(session));
  const isComplete = [...keys].some((key) => !isPart(key));
  const hasBegun = keys.size > 0;
  if (isComplete || (which === 'first' && hasBegun) || (which === 'following' && !hasBegun))
    return null;
  const known = new Set(inLake.map(({ text_hash }) => text_hash));
  for (let part = 1; part <= PARTS; part += 1) {
    const rows = [...ofCorpus].flatMap(([hash, row]) =>
      partOf(hash) === part && !known.has(hash) ? [{ hash, row }] : [],
    );
    if (keys.has(keyOf(part)) || rows.length === 0) continue;
    const plan = await planImport(
      session,
      { source: corpusSource, parsed: parsed(rows.map(({ row }) => row)) },
      { compare: 'new', key: keyOf(part) },
    );
    await carryOut(session, plan);
    for (const { hash } of rows) known.add(hash);
    return {
      part,
      parts: PARTS,
      labels: rows.length,
      heldOut: rows.filter(({ hash }) => isHeldOut(hash)).length,
      rated: [...ofCorpus.keys()].filter((hash) => known.has(hash)).length,
      of: ofCorpus.size,
    };
  }
  return null;
}
