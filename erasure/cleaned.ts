import {
  GetPartitionsCommand,
  UpdatePartitionCommand,
  type GlueClient,
  type Partition,
} from '@aws-sdk/client-glue';
import { z } from 'zod';
import type { LakeBucket } from '../functions/lake/objects';
import { FORGOTTEN_PARAMETER, TWEETS_TABLE } from '../functions/lake/published';
import type { Finder } from './rewrites';
import { parquetRows, rowsAs } from './rewrites';
import { forEachOf, nothing, UnreadableError, type Scrubbing, type Tally } from './scrub';
import {
  deleteAllVersions,
  readVersion,
  versionsBelow,
  versionsOf,
} from '../functions/lake/versions';

/** A snapshot of a day (a `run=` folder) that holds tweets to erase. */
export interface HoldingVersion {
  date: string;
  version: string;
  folder: string;
  rows: number;
}

export interface Catalog {
  glue: GlueClient;
  database: string;
}

const FOLDER = /^(.*\/dt=(\d{4}-\d{2}-\d{2})\/run=([^/]+)\/)/;
const Row = z.object({ tweet_id: z.string(), author_id: z.string(), text_hash: z.string() });

/**
 * The snapshots with tweets to erase, published or not, among those that `keys` belong to; `unreadable` lists the keys
 * that could not be checked.
 */
export async function versionsThatHold(
  lake: LakeBucket,
  finder: Finder,
  keys: Iterable<string>,
): Promise<{ versions: HoldingVersion[]; unreadable: string[] }> {
  const folders = new Map<string, HoldingVersion>();
  const unreadable: string[] = [];
  await forEachOf(keys, async (key) => {
    const [, folder = '', date = '', version = ''] = FOLDER.exec(key) ?? [];
    if (folder === '' || !key.endsWith('.parquet')) return;
    for (const { id, isMarker, isCurrent, bytes } of (await versionsOf(lake, key)).versions) {
      if (isMarker || bytes === 0) continue;
      try {
        const rows = await forgottenRows(await readVersion(lake, key, id), finder);
        if (rows === 0) continue;
        const before = folders.get(folder)?.rows ?? 0;
        folders.set(folder, { date, version, folder, rows: before + (isCurrent ? rows : 0) });
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error;
        unreadable.push(key);
      }
    }
  });
  return {
    versions: [...folders.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1)),
    unreadable,
  };
}

/** Counts the rows of a Parquet file that must be erased. Throws UnreadableError when it is not Parquet of tweets. */
export async function forgottenRows(bytes: Uint8Array, finder: Finder): Promise<number> {
  const rows = rowsAs(Row, await parquetRows(bytes, Object.keys(Row.shape)));
  const holding = rows.filter(({ tweet_id, author_id }) =>
    finder.isForgotten({ id: tweet_id, author_id }),
  );
  for (const { text_hash } of holding) finder.found.texts.add(text_hash);
  return holding.length;
}

/** Deletes snapshots of days, including the old versions of their objects. */
export async function removeVersions(
  { lake, mustHold }: Scrubbing,
  versions: readonly HoldingVersion[],
): Promise<Tally> {
  const tally = nothing();
  for (const { folder, rows } of versions) {
    for await (const object of versionsBelow(lake, folder)) {
      mustHold();
      tally.versions += (await deleteAllVersions(lake, object)) - 1;
      tally.objects += 1;
    }
    tally.rows += rows;
  }
  return tally;
}

/** The partition of every published day, keyed by day. */
export async function publishedPartitions({
  glue,
  database,
}: Catalog): Promise<Map<string, Partition>> {
  const days = new Map<string, Partition>();
  let NextToken: string | undefined;
  do {
    const page = await glue.send(
      new GetPartitionsCommand({ DatabaseName: database, TableName: TWEETS_TABLE, NextToken }),
    );
    for (const partition of page.Partitions ?? []) days.set(partition.Values?.[0] ?? '', partition);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return days;
}

/** The published ones among the snapshots: those that queries read. */
export const thatReadersSee = (
  versions: readonly HoldingVersion[],
  published: ReadonlyMap<string, Partition>,
): HoldingVersion[] =>
  versions.filter(({ date, folder }) =>
    published.get(date)?.StorageDescriptor?.Location?.endsWith(`/${folder}`),
  );

/**
 * Stores in a published day's partition how many of its rows will be erased. The quality check lets the day's next
 * snapshot shrink by at most this number. The next snapshot's partition does not carry the number on.
 */
export async function allowToShrink(
  { glue, database }: Catalog,
  partition: Partition,
  rows: number,
): Promise<void> {
  await glue.send(
    new UpdatePartitionCommand({
      DatabaseName: database,
      TableName: TWEETS_TABLE,
      PartitionValueList: partition.Values,
      PartitionInput: {
        Values: partition.Values,
        StorageDescriptor: partition.StorageDescriptor,
        Parameters: { ...partition.Parameters, [FORGOTTEN_PARAMETER]: String(rows) },
      },
    }),
  );
}
