import { gzipSync } from 'node:zlib';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { datasets } from '../../workflows/datasets';
import { Day } from '../../workflows/payloads';
import { DAY_MS, utcDay } from '../shared/clock';
import { newestOf, oldestOf, padId } from '../x/ids';
import { getBytes, objectsBelow } from './objects';
import type { LakeBucket } from './objects';
import type { Unreadables } from './set-aside';
import { gunzip, jsonOf, UnreadableBytes } from './unpack';

/**
 * Key of a page's tweets of one day. It starts with the ids of the oldest and newest tweet, so that a listing alone
 * tells which objects may hold an id.
 */
export function rawPageKey(day: string, ids: readonly string[], name: string): string {
  const range = `${padId(oldestOf(ids) ?? '')}-${padId(newestOf(ids) ?? '')}`;
  return `${rawFolder(day)}${range}-${name}.ndjson.gz`;
}

export const rawFolder = (day: string): string => `${datasets.raw_tweets.prefix}dt=${day}/`;

/** Day of X's first post; an older date cannot be right. */
const FIRST_DAY = '2006-03-21';

/** Days with a folder of raw tweets, oldest first; other folders are ignored. */
export async function rawDays(lake: LakeBucket): Promise<string[]> {
  const { prefix } = datasets.raw_tweets;
  const days: string[] = [];
  let token: string | undefined;
  do {
    const page = await lake.s3.send(
      new ListObjectsV2Command({
        Bucket: lake.bucket,
        Prefix: prefix,
        Delimiter: '/',
        ContinuationToken: token,
      }),
    );
    for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
      const day = Day.safeParse(/dt=(.*)\/$/.exec(Prefix.slice(prefix.length))?.[1]).data;
      if (day !== undefined && day >= FIRST_DAY) days.push(day);
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return days;
}

/** Rows as an object's bytes. */
export const packRows = (rows: readonly object[]): Buffer =>
  gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

export interface RawObject {
  /** Records of all lines that are JSON, not yet validated. */
  records: unknown[];
  /** Lines that are not JSON. */
  broken: number;
}

/**
 * The records of a raw object. Unreadable parts are skipped and reported in `unreadables`, because one bad object must
 * not fail every later run. As in Spark, only names that end in `.gz` are unpacked.
 */
export async function readRaw(
  lake: LakeBucket,
  key: string,
  unreadables: Unreadables,
): Promise<RawObject> {
  const object = await getBytes(lake, key);
  if (object === null) return { records: [], broken: 0 };
  let text: string;
  try {
    text = (key.endsWith('.gz') ? gunzip(object.bytes) : Buffer.from(object.bytes)).toString(
      'utf8',
    );
  } catch (error) {
    if (!(error instanceof UnreadableBytes)) throw error;
    unreadables.add(key, error.message);
    return { records: [], broken: 0 };
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const records = lines.map(jsonOf).filter((record) => record !== undefined);
  const broken = lines.length - records.length;
  if (broken > 0)
    unreadables.add(key, `holds ${broken} lines of ${lines.length} that are not JSON`);
  return { records, broken };
}

const RANGE = /\/(\d{20})-(\d{20})-[^/]*$/;
const HasId = z.object({ id: z.string() });

interface Page {
  key: string;
  oldest: string;
  newest: string;
}

// A day with more pages is listed again for each lookup: slower, but within the same memory.
const MAX_PAGES_KEPT = 10_000;
const MAX_DAYS_KEPT = 12;
const MAX_OBJECTS_KEPT = 32;

/**
 * Tells which tweets the lake already holds, in bounded memory. Valid only while nobody else writes raw data, so only
 * the holder of the ingest lease may create one.
 */
export class StoredTweets {
  private readonly days = new Map<string, Page[] | 'too many'>();
  private readonly objects = new Map<string, Set<string>>();

  constructor(
    private readonly lake: LakeBucket,
    private readonly unreadables: Unreadables,
  ) {}

  /**
   * Those of the ids that an object of this day holds, or of its neighbours: a server whose clock jumps dates
   * a tweet otherwise the second time.
   */
  async among(day: string, ids: readonly string[]): Promise<Set<string>> {
    const padded = ids.map(padId);
    const found = new Set<string>();
    for (const near of [-1, 0, 1].map((days) => dayBeside(day, days))) {
      for (const page of await this.pagesThatMayHold(near, padded)) {
        const held = await this.idsIn(page.key);
        for (const id of ids) {
          if (held.has(id)) found.add(id);
        }
      }
    }
    return found;
  }

  /** Remembers an object that was just written. */
  wrote(day: string, key: string): void {
    const pages = this.days.get(day);
    if (pages === undefined || pages === 'too many') return;
    if (pages.length >= MAX_PAGES_KEPT) {
      this.days.set(day, 'too many');
    } else if (!pages.some((page) => page.key === key)) {
      pages.push(pageOf(key));
    }
  }

  private async pagesThatMayHold(day: string, padded: readonly string[]): Promise<Page[]> {
    const mayHold = ({ oldest, newest }: Page) => padded.some((id) => id >= oldest && id <= newest);
    const kept = this.days.get(day);
    if (kept !== undefined && kept !== 'too many') return kept.filter(mayHold);
    const all: Page[] = [];
    const holding: Page[] = [];
    let count = 0;
    for await (const { key } of objectsBelow(this.lake, rawFolder(day))) {
      const page = pageOf(key);
      count += 1;
      if (count <= MAX_PAGES_KEPT) all.push(page);
      if (mayHold(page)) holding.push(page);
    }
    if (!this.days.has(day) && this.days.size >= MAX_DAYS_KEPT) forgetFirst(this.days);
    this.days.set(day, count <= MAX_PAGES_KEPT ? all : 'too many');
    return holding;
  }

  private async idsIn(key: string): Promise<Set<string>> {
    const kept = this.objects.get(key);
    if (kept) return kept;
    const { records } = await readRaw(this.lake, key, this.unreadables);
    const ids = new Set(records.flatMap((record) => HasId.safeParse(record).data?.id ?? []));
    if (this.objects.size >= MAX_OBJECTS_KEPT) forgetFirst(this.objects);
    this.objects.set(key, ids);
    return ids;
  }
}

const dayBeside = (day: string, days: number): string =>
  utcDay(new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS));

/** An object whose key has no id range may hold any id. */
function pageOf(key: string): Page {
  const [, oldest = padId('0'), newest = '9'.repeat(20)] = RANGE.exec(key) ?? [];
  return { key, oldest, newest };
}

const forgetFirst = (map: Map<string, unknown>): void => {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
};
