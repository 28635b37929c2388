import { BatchDeletePartitionCommand } from '@aws-sdk/client-glue';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { candidates, datasets } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import { DAY_MS, utcDay } from '../shared/clock';
import { listPartitions } from './catalog';
import type { Catalog } from './catalog';
import { removeObjects, uriOf } from './objects';
import type { LakeBucket } from './objects';
import { TWEETS_TABLE, publishedDays } from './published';
import type { PublishedDay } from './published';
import { rawFolder } from './raw-pages';

/** In days. */
export interface KeepDays {
  /** Raw pages and the days made from them. */
  tweets: number;
  /** Snapshots of a day that another has replaced, or that were never published. */
  replacedSnapshots: number;
}

/** What reached its end. */
export interface Ended {
  days: string[];
  snapshots: number;
  candidates: number;
}

/** BatchDeletePartition takes so many at a time. */
const MAX_PARTITIONS = 25;
/** Days whose raw pages are listed at the same time. */
const AT_ONCE = 16;

/** The tables that are partitioned by the tweets' day first. */
const TABLES_BY_DAY = [
  'raw_tweets',
  TWEETS_TABLE,
  'scored',
] as const satisfies readonly (keyof typeof datasets)[];

/**
 * Deletes expired data that the bucket's lifecycle rules cannot handle, because the age of the objects is not the age
 * of the data:
 *
 * - a published day expires with its first raw page, which the lifecycle deletes. So a day never outlives its sources
 *   and can always be rebuilt without an erased tweet;
 * - a replaced snapshot stays for `replacedSnapshots` days. No later model was trained on it, so every model can be
 *   reproduced for at least that long;
 * - the candidates table drops partitions that are published or deleted.
 *
 * Partitions are dropped first, so readers see a day completely or not at all. Idempotent: after a kill the next call
 * continues.
 */
export async function endWhatIsOld(
  {
    lake,
    catalog,
    now,
    isLate,
  }: { lake: LakeBucket; catalog: Catalog; now: Date; isLate: () => boolean },
  keepDays: KeepDays,
): Promise<Ended> {
  const published = await publishedDays(catalog);
  const expired = await expiredDays(
    lake,
    published.map(({ date }) => date),
    now,
    keepDays,
  );
  const ended = new Set(expired);
  for (const table of TABLES_BY_DAY) {
    const partitions = await listPartitions(catalog, table);
    await dropPartitions(
      catalog,
      table,
      partitions.map(({ values }) => values).filter(([day = '']) => ended.has(day)),
    );
  }

  const versions = new Map(
    published.filter(({ date }) => !ended.has(date)).map((day) => [day.date, day]),
  );
  const before = new Date(now.valueOf() - keepDays.replacedSnapshots * DAY_MS);
  const snapshots = await snapshotsBelow(lake);
  const gone = [];
  for (const snapshot of snapshots) {
    const isOver =
      ended.has(snapshot.date) || isReplaced(snapshot, versions.get(snapshot.date), before);
    if (!isOver || isLate()) continue;
    await deleteObjects(lake, snapshot.keys);
    gone.push(snapshot);
  }
  return {
    days: expired,
    snapshots: gone.length,
    candidates: await dropCandidates(catalog, versions, snapshots, gone),
  };
}

/** The days that have expired: their first raw page is old, or they have none left. */
export async function expiredDays(
  lake: LakeBucket,
  days: readonly string[],
  now: Date,
  { tweets }: Pick<KeepDays, 'tweets'>,
): Promise<string[]> {
  const before = new Date(now.valueOf() - tweets * DAY_MS);
  // A page cannot be older than its tweets.
  const old = days.filter((date) => date < utcDay(before));
  const expired: string[] = [];
  for (let start = 0; start < old.length; start += AT_ONCE) {
    const some = old.slice(start, start + AT_ONCE);
    const oldest = await Promise.all(some.map((day) => oldestBelow(lake, rawFolder(day))));
    expired.push(...some.filter((_, index) => (oldest[index] ?? before) <= before));
  }
  return expired;
}

async function oldestBelow(lake: LakeBucket, prefix: string): Promise<Date | null> {
  let oldest: Date | null = null;
  for await (const { modified } of objectsBelow(lake, prefix)) {
    if (oldest === null || modified < oldest) oldest = modified;
  }
  return oldest;
}

interface Snapshot {
  date: string;
  version: string;
  keys: string[];
  modified: Date;
}

const FOLDER = /\/dt=(\d{4}-\d{2}-\d{2})\/run=([^/]+)\//;

async function snapshotsBelow(lake: LakeBucket): Promise<Snapshot[]> {
  const snapshots = new Map<string, Snapshot>();
  for await (const { key, modified } of objectsBelow(lake, datasets.tweets.prefix)) {
    const [folder, date, version] = FOLDER.exec(key) ?? [];
    if (folder === undefined || date === undefined || version === undefined) continue;
    const known = snapshots.get(folder) ?? { date, version, keys: [], modified };
    known.keys.push(key);
    if (modified > known.modified) known.modified = modified;
    snapshots.set(folder, known);
  }
  return [...snapshots.values()];
}

/** Whether a snapshot was replaced long enough ago, or was written long ago and never published. */
function isReplaced(
  { version, modified }: Snapshot,
  published: PublishedDay | undefined,
  before: Date,
): boolean {
  if (published?.version === version) return false;
  if (published === undefined) return modified <= before;
  // Published by a release that did not record the time: keep its snapshots until the day is published again.
  if (published.publishedAt === null) return false;
  return Math.max(modified.valueOf(), Date.parse(published.publishedAt)) <= before.valueOf();
}

/** Drops candidate partitions that are published or deleted. */
async function dropCandidates(
  catalog: Catalog,
  published: ReadonlyMap<string, PublishedDay>,
  snapshots: readonly Snapshot[],
  gone: readonly Snapshot[],
): Promise<number> {
  const nameOf = (date: string, version: string) => `${date} ${version}`;
  const there = new Set(snapshots.map(({ date, version }) => nameOf(date, version)));
  for (const { date, version } of gone) there.delete(nameOf(date, version));
  const values = (await listPartitions(catalog, candidates.table))
    .map((partition) => partition.values)
    .filter(
      ([date = '', version = '']) =>
        !there.has(nameOf(date, version)) || published.get(date)?.version === version,
    );
  await dropPartitions(catalog, candidates.table, values);
  return values.length;
}

async function dropPartitions(
  { glue, database }: Catalog,
  table: string,
  partitions: readonly string[][],
): Promise<void> {
  for (let start = 0; start < partitions.length; start += MAX_PARTITIONS) {
    const { Errors = [] } = await glue.send(
      new BatchDeletePartitionCommand({
        DatabaseName: database,
        TableName: table,
        PartitionsToDelete: partitions
          .slice(start, start + MAX_PARTITIONS)
          .map((Values) => ({ Values })),
      }),
    );
    const [failed] = Errors.filter(
      ({ ErrorDetail }) => ErrorDetail?.ErrorCode !== 'EntityNotFoundException',
    );
    if (failed) {
      throw new StepError(
        'PublishFailed',
        `Partition ${failed.PartitionValues?.join('/')} of ${database}.${table} has expired and could not be dropped: ` +
          `${failed.ErrorDetail?.ErrorCode}: ${failed.ErrorDetail?.ErrorMessage}`,
      );
    }
  }
}

async function deleteObjects(lake: LakeBucket, keys: readonly string[]): Promise<void> {
  const failed = await removeObjects(lake, keys);
  if (failed) {
    throw new StepError(
      'PublishFailed',
      `${uriOf(lake, failed.key)} has expired and could not be deleted: ${failed.problem}`,
    );
  }
}

async function* objectsBelow(
  lake: LakeBucket,
  prefix: string,
): AsyncGenerator<{ key: string; modified: Date }> {
  let token: string | undefined;
  do {
    const page = await lake.s3.send(
      new ListObjectsV2Command({ Bucket: lake.bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key, LastModified } of page.Contents ?? []) {
      if (Key !== undefined) yield { key: Key, modified: LastModified ?? new Date() };
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
}
