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

/** Days with a folder of raw tweets, oldest first. */
export const rawDays = (lake: LakeBucket): Promise<string[]> =>
  daysBelow(lake, datasets.raw_tweets.prefix);

/** Days with a folder below a prefix, oldest first; other folders are ignored. */
export async function daysBelow(lake: LakeBucket, prefix: string): Promise<string[]> {
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

/** The records of a raw object, as `eachRecord` reads them. */
export async function readRaw(
  lake: LakeBucket,
  key: string,
  unreadables: Unreadables,
): Promise<RawObject> {
  const records: unknown[] = [];
  const broken = await eachRecord(lake, key, unreadables, (record) => records.push(record));
  return { records, broken };
}

/**
 * Passes each record of a raw object to `take`; returns the number of lines that are not JSON. Unreadable parts are
 * skipped and reported in `unreadables`, because one bad object must not fail every later run. As in Spark, only names
 * that end in `.gz` are unpacked.
 */
async function eachRecord(
  lake: LakeBucket,
  key: string,
  unreadables: Unreadables,
  take: (record: unknown) => void,
): Promise<number> {
  const object = await getBytes(lake, key);
  if (object === null) return 0;
  let text: string;
  try {
    text = (key.endsWith('.gz') ? gunzip(object.bytes) : Buffer.from(object.bytes)).toString(
      'utf8',
    );
  } catch (error) {
    if (!(error instanceof UnreadableBytes)) throw error;
    unreadables.add(key, error.message);
    return 0;
  }
  let [lines, broken] = [0, 0];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end === -1 ? text.length : end);
    start += line.length + 1;
    if (line.trim() === '') continue;
    lines += 1;
    const record = jsonOf(line);
    if (record === undefined) broken += 1;
    else take(record);
  }
  if (broken > 0) unreadables.add(key, `holds ${broken} lines of ${lines} that are not JSON`);
  return broken;
}

export const RANGE = /\/(\d{20})-(\d{20})-([^/]*)$/;
const HasId = z.object({ id: z.string() });

interface Page {
  key: string;
  oldest: string;
  newest: string;
}

// Of all days together, 200 bytes each. A day that has more alone, 30 million tweets at a hundred a page, is listed
// again for each lookup: slower, but within the same memory.
const MAX_PAGES_KEPT = 300_000;
const MAX_DAYS_KEPT = 1000;
// Of all objects together, about 100 bytes each. A merged object of a closed day has tens of thousands.
const MAX_IDS_KEPT = 300_000;

/**
 * Tells which tweets the lake already holds, in bounded memory. Valid only while nobody else writes raw data, so only
 * the holder of the ingest lease may create one.
 */
export class StoredTweets {
  private readonly days = new Map<string, Page[]>();
  private readonly objects = new Map<string, Set<string>>();
  private idsKept = 0;

  constructor(
    private readonly lake: LakeBucket,
    private readonly unreadables: Unreadables,
    private readonly mostPages = MAX_PAGES_KEPT,
    private readonly mostIds = MAX_IDS_KEPT,
  ) {}

  /**
   * Those of the ids that an object of this day holds, or of its neighbours: a server whose clock jumps dates
   * a tweet otherwise the second time.
   */
  async among(day: string, ids: readonly string[]): Promise<Set<string>> {
    const padded = ids.map(padId).sort();
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
    if (pages === undefined || pages.some((page) => page.key === key)) return;
    pages.push(pageOf(key));
    this.keep(day, pages);
  }

  private async pagesThatMayHold(day: string, sorted: readonly string[]): Promise<Page[]> {
    const mayHold = ({ oldest, newest }: Page) => {
      const first = sorted[firstFrom(sorted, oldest)];
      return first !== undefined && first <= newest;
    };
    const kept = this.days.get(day);
    if (kept !== undefined) return kept.filter(mayHold);
    const all: Page[] = [];
    const holding: Page[] = [];
    for await (const { key } of objectsBelow(this.lake, rawFolder(day))) {
      const page = pageOf(key);
      if (all.length <= this.mostPages) all.push(page);
      if (mayHold(page)) holding.push(page);
    }
    this.keep(day, all);
    return holding;
  }

  /** Keeps a day's pages, and drops other days' if there are too many. */
  private keep(day: string, pages: Page[]): void {
    this.days.delete(day);
    if (pages.length > this.mostPages) return;
    let total = pages.length;
    for (const others of this.days.values()) total += others.length;
    for (const [other, others] of this.days) {
      if (total <= this.mostPages && this.days.size < MAX_DAYS_KEPT) break;
      this.days.delete(other);
      total -= others.length;
    }
    this.days.set(day, pages);
  }

  private async idsIn(key: string): Promise<Set<string>> {
    const kept = this.objects.get(key);
    if (kept) return kept;
    const ids = new Set<string>();
    await eachRecord(this.lake, key, this.unreadables, (record) => {
      const id = HasId.safeParse(record).data?.id;
      if (id !== undefined) ids.add(id);
    });
    this.idsKept += ids.size;
    for (const [other, { size }] of this.objects) {
      if (this.idsKept <= this.mostIds) break;
      this.objects.delete(other);
      this.idsKept -= size;
    }
    this.objects.set(key, ids);
    return ids;
  }
}

const dayBeside = (day: string, days: number): string =>
  utcDay(new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS));

/** Index of the first of the sorted ids that is not before `id`; their number if there is none. */
function firstFrom(sorted: readonly string[], id: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An object whose key has no id range may hold any id. */
function pageOf(key: string): Page {
  const [, oldest = padId('0'), newest = '9'.repeat(20)] = RANGE.exec(key) ?? [];
  return { key, oldest, newest };
}
