import { z } from 'zod';
import { statusOf, type LakeBucket } from '../functions/lake/objects';
import { forEachOf, UnreadableError } from './scrub';
import { readVersion, versionsBelow, type Version } from '../functions/lake/versions';

/** Objects of one kind, and how to see whether a content of theirs holds something that is to be forgotten. */
export interface Place {
  prefix: string;
  holds: (bytes: Uint8Array, key: string) => boolean | Promise<boolean>;
  /** Objects that are not read: by their names they can hold nothing of it. */
  leavesOut?: (key: string) => boolean;
}

/** How far a place was looked through, so that another call goes on from there. */
export const Covered = z.strictObject({
  /** Every object up to this key was looked at; null before the first. Keys come in order. */
  upTo: z.string().nullable(),
  isWhole: z.boolean(),
  /** Objects that hold something, or that could not be read. */
  holding: z.array(z.string()),
});
export type Covered = z.infer<typeof Covered>;

export const nothingCovered = (): Covered => ({ upTo: null, isWhole: false, holding: [] });

export interface Looking {
  lake: LakeBucket;
  /** S3's own time when the survey began: versions from then on are looked at again. */
  since: Date;
  /** Called after each object: how many were looked at, and what tells how far that is. */
  report: (objects: number, soFar: () => Covered) => void;
  mustGoOn: () => void;
}

/**
 * Looks at every version that no look before has covered: those of objects behind `covered.upTo`, those of objects
 * that hold something, and those written since the survey began. A version never changes, so one look is enough.
 * Reads only; the lake need not be held.
 */
export async function lookThrough(
  { lake, since, report, mustGoOn }: Looking,
  place: Place,
  covered: Covered,
): Promise<Covered> {
  const held = new Set(covered.holding);
  const holding = new Set<string>();
  const isBehind = (key: string) =>
    !covered.isWhole && (covered.upTo === null || key > covered.upTo);
  const progress = new Watermark(covered.upTo);
  let objects = 0;
  const soFar = (): Covered => ({
    upTo: progress.reached,
    isWhole: covered.isWhole,
    // What held something before counts until it has been looked at again.
    holding: [...new Set([...holding, ...held])].sort(),
  });
  await forEachOf(versionsBelow(lake, place.prefix), async ({ key, versions }) => {
    mustGoOn();
    if (place.leavesOut?.(key)) return;
    const isOpen = isBehind(key) || held.has(key);
    const unseen = versions.filter(
      ({ isMarker, modified }) => !isMarker && (isOpen || modified >= since),
    );
    if (unseen.length === 0) return;
    const end = progress.begin(key);
    if (await anyHolds(lake, place, key, unseen)) holding.add(key);
    else held.delete(key);
    end();
    objects += 1;
    report(objects, soFar);
  });
  const whole = { upTo: progress.reached, isWhole: true, holding: [...holding].sort() };
  report(objects, () => whole);
  return whole;
}

async function anyHolds(
  lake: LakeBucket,
  { holds }: Place,
  key: string,
  versions: readonly Version[],
): Promise<boolean> {
  let found = false;
  for (const { id } of versions) {
    try {
      // Each is read: what stands in it of the tweets is noted on the way.
      found = (await holds(await readVersion(lake, key, id), key)) || found;
    } catch (error) {
      if (error instanceof UnreadableError || error instanceof SyntaxError) found = true;
      // The bucket's lifecycle or a run has deleted it meanwhile.
      else if (statusOf(error) !== 404) throw error;
    }
  }
  return found;
}

/** Up to which key all is done, where several are under way at once: they begin in order and end in any. */
class Watermark {
  private readonly begun: { key: string; isDone: boolean }[] = [];

  constructor(public reached: string | null) {}

  /** Answers what ends the key. */
  begin(key: string): () => void {
    const one = { key, isDone: false };
    this.begun.push(one);
    return () => {
      one.isDone = true;
      while (this.begun[0]?.isDone) {
        const [{ key: first }] = this.begun;
        this.begun.shift();
        if (this.reached === null || first > this.reached) this.reached = first;
      }
    };
  }
}
