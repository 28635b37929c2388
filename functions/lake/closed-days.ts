import { DAY_MS, utcDay } from '../shared/clock';
import { LOOKBACK_DAYS } from './fingerprints';
import type { LakeBucket } from './objects';
import { daysBelow } from './raw-pages';

/**
 * Age of a closed day: X no longer returns its tweets, and the cleaning no longer looks at its fingerprint, which a
 * merge changes. So a merged day is not cleaned again.
 */
export const CLOSED_AFTER_DAYS = LOOKBACK_DAYS + 1;
/** Lifecycle rules end data by the age of their object, so a merge keeps what it merges by as many days longer. */
const MAX_AGE_DAYS = 30;
/** A closed day may keep so many small objects beside its merged ones. */
export const LEFT_ALONE = 4;
export const DAYS_LISTED_AT_ONCE = 16;

/** What a merge of closed days did. */
export interface Compacted {
  days: number;
  /** Merged objects written. */
  objects: number;
  /** Small objects that a merged one holds: deleted, or to be deleted by the next run. */
  sources: number;
}

export interface Compacting {
  lake: LakeBucket;
  now: Date;
  /** S3's time. Dates of objects are compared with it alone: our clock may differ by any amount. */
  storageTime: Date;
  isLate: () => boolean;
}

/** The closed days below a prefix, newest first. */
export async function closedDays(lake: LakeBucket, prefix: string, now: Date): Promise<string[]> {
  const open = utcDay(new Date(now.valueOf() - CLOSED_AFTER_DAYS * DAY_MS));
  return (await daysBelow(lake, prefix)).filter((day) => day < open).reverse();
}

/** Objects written before stay as they are. */
export const oldestToMerge = (storageTime: Date): Date =>
  new Date(storageTime.valueOf() - MAX_AGE_DAYS * DAY_MS);
