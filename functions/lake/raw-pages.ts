import { gunzipSync, gzipSync } from 'node:zlib';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { datasets } from '../../workflows/datasets';
import { byAge, newestOf, oldestOf, padId } from '../x/ids';
import { getBytes } from './objects';
import type { Lake } from './objects';

/**
 * Where a page's tweets of one day lie. The key begins with the ids of its oldest and newest tweet, so that
 * a listing alone says which objects may hold an id.
 */
export function rawPageKey(day: string, ids: readonly string[], name: string): string {
  const range = `${padId(oldestOf(ids) ?? '')}-${padId(newestOf(ids) ?? '')}`;
  return `${rawFolder(day)}${range}-${name}.ndjson.gz`;
}

export const rawFolder = (day: string): string => `${datasets.raw_tweets.prefix}dt=${day}/`;

/** Rows as an object's bytes. */
export const packRows = (rows: readonly object[]): Buffer =>
  gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

/** The records of an object, whatever they are. Throws where a line is not JSON. */
export const unpackRows = (bytes: Uint8Array): unknown[] =>
  gunzipSync(bytes)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

const RANGE = /\/(\d{20})-(\d{20})-[^/]*$/;
const HasId = z.object({ id: z.string() });

interface Page {
  key: string;
  oldest: string;
  newest: string;
}

// A day of more pages is listed anew for each question: slower, in the same memory.
const MAX_PAGES_KEPT = 10_000;
const MAX_DAYS_KEPT = 4;
const MAX_OBJECTS_KEPT = 32;

/**
 * Tells which tweets the lake holds already, with memory that does not grow with the lake. Good for as long
 * as nobody else writes raw data: whoever holds the ingest's lease makes one.
 */
export class StoredTweets {
  private readonly days = new Map<string, Page[] | 'too many'>();
  private readonly objects = new Map<string, Set<string>>();

  constructor(private readonly lake: Lake) {}

  /** Those of the ids that an object of this day holds. */
  async among(day: string, ids: readonly string[]): Promise<Set<string>> {
    const sorted = [...ids].sort(byAge);
    const found = new Set<string>();
    for (const page of await this.pagesThatMayHold(day, sorted.map(padId))) {
      const held = await this.idsIn(page.key);
      for (const id of ids) {
        if (held.has(id)) found.add(id);
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
    for await (const key of keysOf(this.lake, rawFolder(day))) {
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
    const object = await getBytes(this.lake, key);
    const rows = object === null ? [] : unpackRows(object.bytes);
    const ids = new Set(rows.flatMap((row) => HasId.safeParse(row).data?.id ?? []));
    if (this.objects.size >= MAX_OBJECTS_KEPT) forgetFirst(this.objects);
    this.objects.set(key, ids);
    return ids;
  }
}

/** An object whose key names no range may hold any id. */
function pageOf(key: string): Page {
  const [, oldest = padId('0'), newest = '9'.repeat(20)] = RANGE.exec(key) ?? [];
  return { key, oldest, newest };
}

async function* keysOf(lake: Lake, prefix: string): AsyncGenerator<string> {
  let token: string | undefined;
  do {
    const page = await lake.s3.send(
      new ListObjectsV2Command({ Bucket: lake.bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key } of page.Contents ?? []) {
      if (Key !== undefined) yield Key;
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

const forgetFirst = (map: Map<string, unknown>): void => {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
};
