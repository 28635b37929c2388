import { createHash } from 'node:crypto';
import { datasets } from '../../workflows/datasets';
import { listObjects } from './objects';
import type { Lake, Listed } from './objects';

/** The objects that hold human labels. */
export const labelObjects = (lake: Lake): Promise<Listed[]> =>
  listObjects(lake, datasets.labels.prefix);

/** The objects that hold a day's raw tweets. */
export const rawObjects = (lake: Lake, day: string): Promise<Listed[]> =>
  listObjects(lake, `${datasets.raw_tweets.prefix}dt=${day}/`);

/** Changes when an object comes, goes or changes. */
export function fingerprintOf(objects: readonly Listed[]): string {
  const lines = objects.map(({ key, etag }) => `${key} ${etag}`).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}
