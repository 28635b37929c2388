import { datasets } from '../../workflows/datasets';
import { listPartitions } from './catalog';
import type { Catalog } from './catalog';

/** A published day: the snapshot that its partition points at, and the fingerprint of its sources. */
export interface PublishedDay {
  date: string;
  version: string;
  location: string;
  rows: number;
  fingerprint: string;
  /** The version this one replaced, or null. */
  replaced: string | null;
  /** When this snapshot was published; null for one that was published by a release that did not record it. */
  publishedAt: string | null;
  /** Number of its rows that were erased since: the next snapshot may have this many fewer. */
  forgotten: number;
}

/** Partition parameter set by `lake -- forget`; a new snapshot does not have it. */
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
