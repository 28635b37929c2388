import { createHash } from 'node:crypto';
import { datasets } from '../../workflows/datasets';
import { listObjects } from './objects';
import type { LakeBucket, Listed } from './objects';

/** Spark and the training job ignore files and folders with these prefixes: leftovers of writers. */
const isHidden = (key: string): boolean =>
  key
    .slice(datasets.labels.prefix.length)
    .split('/')
    .some((part) => /^[._]/.test(part));

/** The objects that hold human labels. */
export const labelObjects = async (lake: LakeBucket): Promise<Listed[]> =>
  (await listObjects(lake, datasets.labels.prefix)).filter(({ key }) => !isHidden(key));

/** The objects that hold a day's raw tweets. */
export const rawObjects = (lake: LakeBucket, day: string): Promise<Listed[]> =>
  listObjects(lake, `${datasets.raw_tweets.prefix}dt=${day}/`);

/** A hash that changes when an object is added, removed or changed. */
export function fingerprintOf(objects: readonly Listed[]): string {
  const lines = objects.map(({ key, etag }) => `${key} ${etag}`).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

/**
 * Days before a run's that are cleaned again if their fingerprint changed, although the run's ingest did not touch them:
 * new labels change them, or a failed run left them. An older day that is published is looked at only if it got tweets.
 */
export const LOOKBACK_DAYS = 8;

/** Increase it when etl/ produces different rows from the same tweets: all days are then cleaned again. */
const CLEANING = '3';

/** A hash that changes when a day's raw tweets, the labels or the cleaning's version change. */
export const dayFingerprint = (raw: readonly Listed[], labels: readonly Listed[]): string =>
  createHash('sha256')
    .update(`${CLEANING} ${fingerprintOf([...raw, ...labels])}`)
    .digest('hex');
