import { datasets } from '../../workflows/datasets';
import { listPartitions } from './catalog';
import type { Catalog } from './catalog';

/** A day as readers see it: the version its partition points at, and what that was made from. */
export interface PublishedDay {
  date: string;
  version: string;
  location: string;
  rows: number;
  fingerprint: string;
  /** The version this one replaced, or null. */
  replaced: string | null;
  /** When readers first saw this version; null for one that was published before this was noted. */
  publishedAt: string | null;
  /** How many of its rows were forgotten since: the next version may have so many fewer. */
  forgotten: number;
}

/** Parameter that `lake -- forget` sets, and that no new version has. */
export const FORGOTTEN_PARAMETER = 'forgotten';

export const TWEETS_TABLE = 'tweets' satisfies keyof typeof datasets;

/** Every published day, oldest first. */
export async function publishedDays(catalog: Catalog): Promise<PublishedDay[]> {
  const partitions = await listPartitions(catalog, TWEETS_TABLE);
  return partitions
    .map(({ values, location, parameters }) => ({
      date: values[0] ?? '',
      location,
      version: parameters['version'] ?? '',
      rows: Number(parameters['rows'] ?? 0),
      fingerprint: parameters['fingerprint'] ?? '',
      replaced: parameters['replaced'] || null,
      publishedAt: parameters['published_at'] || null,
      forgotten: Number(parameters[FORGOTTEN_PARAMETER] ?? 0),
    }))
    .sort((a, b) => a.date.localeCompare(b.date));
}

/** The parameters of a day's partition. */
export const parametersOf = (
  day: Omit<PublishedDay, 'location' | 'date' | 'forgotten' | 'publishedAt'> &
    Partial<Pick<PublishedDay, 'publishedAt'>>,
): Record<string, string> => ({
  version: day.version,
  rows: String(day.rows),
  fingerprint: day.fingerprint,
  replaced: day.replaced ?? '',
  ...(day.publishedAt && { published_at: day.publishedAt }),
});
