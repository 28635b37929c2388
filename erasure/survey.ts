import { z } from 'zod';
import { statusOf, type LakeBucket } from '../functions/lake/objects';
import { forEachOf, UnreadableError } from './scrub';
import { readVersion, versionsBelow, type Version } from '../functions/lake/versions';

/** A kind of objects, and a function that tells whether an object's content holds something to erase. */
export interface Place {
  prefix: string;
  holds: (bytes: Uint8Array, key: string) => boolean | Promise<boolean>;
  /** Whether an object is skipped, because its key shows that it can hold nothing to erase. */
  leavesOut?: (key: string) => boolean;
}

/** How far a place was surveyed, so that another call can continue from there. */
export const Covered = z.strictObject({
  /** Every object up to this key was read; null before the first. Keys come in order. */
  upTo: z.string().nullable(),
  isWhole: z.boolean(),
  /** Keys of objects that hold something to erase or could not be read. */
  holding: z.array(z.string()),
});
export type Covered = z.infer<typeof Covered>;

export const nothingCovered = (): Covered => ({ upTo: null, isWhole: false, holding: [] });

export interface Looking {
  lake: LakeBucket;
  /** S3's time when the survey began: versions written from then on are read again. */
  since: Date;
  /** Called after each object with the number of objects read and a function that returns the progress. */
  report: (objects: number, soFar: () => Covered) => void;
  mustGoOn: () => void;
}

/**
 * Reads every object version that an earlier survey did not cover: versions of objects after `covered.upTo`, versions
 * of objects that hold something to erase, and versions written since the survey began. A version never changes, so
 * reading it once is enough. Writes nothing; needs no hold on the lake.
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
    // An object that held something counts until it has been read again.
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
  const complete = { upTo: progress.reached, isWhole: true, holding: [...holding].sort() };
  report(objects, () => complete);
  return complete;
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
      // Read every version, even after a hit: `holds` also collects the ids and texts in it.
      found = (await holds(await readVersion(lake, key, id), key)) || found;
    } catch (error) {
      if (error instanceof UnreadableError || error instanceof SyntaxError) found = true;
      // Otherwise the bucket's lifecycle or a run deleted the version in the meantime.
      else if (statusOf(error) !== 404) throw error;
    }
  }
  return found;
}

/** Tracks the key up to which all objects are done. Objects begin in order but end in any order. */
class Watermark {
  private readonly begun: { key: string; isDone: boolean }[] = [];

  constructor(public reached: string | null) {}

  /** Marks the key as begun; the returned function marks it as done. */
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
