import { gunzipSync, gzipSync } from 'node:zlib';
import { DeleteObjectCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { Finder, rawPage } from '../../erasure/rewrites';
import { scrubBelow } from '../../erasure/scrub';
import { MERGED_BYTES, compactClosedDays } from '../../functions/ingest/compaction';
import { LEFT_ALONE } from '../../functions/lake/closed-days';
import { Forgotten, emptyList, randomMarker, withIds } from '../../functions/lake/forgotten';
import { LOOKBACK_DAYS } from '../../functions/lake/fingerprints';
import { getBytes } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { StoredTweets, packRows, rawPageKey } from '../../functions/lake/raw-pages';
import { Unreadables } from '../../functions/lake/set-aside';
import { MAX_UNPACKED_BYTES } from '../../functions/lake/unpack';
import { readVersion, versionsBelow } from '../../functions/lake/versions';
import { DAY_MS, utcDay } from '../../functions/shared/clock';
import { eachWithLake } from './support/each-with-lake';
import { keysBelow, put, readText } from './support/launcher';

const NOW = new Date('2026-11-24T02:20:00.000Z');
const daysAgo = (days: number) => utcDay(new Date(NOW.valueOf() - days * DAY_MS));
const DAY = daysAgo(LOOKBACK_DAYS + 2);
const FIRST_ID = 10 ** 15;

let lake: LakeBucket;
/** Commands of the next calls, by name. */
let calls: string[];
/** Throws in place of a command, as if the process had been killed. */
let killAt: string | null;

eachWithLake((fresh) => {
  lake = fresh;
  calls = [];
  killAt = null;
  lake.s3.middlewareStack.add(
    (next, context) => (args) => {
      calls.push(context.commandName ?? '');
      if (context.commandName === killAt) throw new Error('killed');
      return next(args);
    },
    { step: 'initialize' },
  );
});

const compact = (changes: Partial<Parameters<typeof compactClosedDays>[0]> = {}) =>
  compactClosedDays({ lake, now: NOW, storageTime: new Date(), isLate: () => false, ...changes });

const tweet = (id: string, author_id = '1') => ({ id, author_id, text: `tweet ${id}` });

/** Page number `page` of a day, with ten tweets. */
async function putPage(day: string, page: number, name = 'q'): Promise<string> {
  const rows = Array.from({ length: 10 }, (_, row) => tweet(String(FIRST_ID + page * 10 + row)));
  const ids = rows.map(({ id }) => id);
  const key = rawPageKey(day, ids, `${name}-w00000-p${String(page).padStart(5, '0')}`);
  await put(lake, key, packRows(rows));
  return key;
}

async function putPages(day: string, count: number, from = 0): Promise<string[]> {
  const keys = [];
  for (let page = from; page < from + count; page += 1) keys.push(await putPage(day, page));
  return keys;
}

const keysOf = (day: string) => keysBelow(lake, `raw-data/tweets/dt=${day}/`);

async function linesOf(day: string): Promise<string[]> {
  const texts = await Promise.all((await keysOf(day)).map((key) => readText(lake, key)));
  return texts
    .flatMap((text) => text.split('\n'))
    .filter(Boolean)
    .sort();
}

test('a closed day has one object with the same lines, and its name tells which ids it may hold', async () => {
  await putPages(DAY, 7);
  const before = await linesOf(DAY);

  expect(await compact()).toEqual({ days: 1, objects: 1, sources: 7 });

  const [key = '', ...others] = await keysOf(DAY);
  expect(others).toEqual([]);
  const range = [FIRST_ID, FIRST_ID + 69].map((id) => String(id).padStart(20, '0')).join('-');
  expect(key).toMatch(new RegExp(`/dt=${DAY}/${range}-merged-[0-9a-f]{32}\\.ndjson\\.gz$`));
  expect(await linesOf(DAY)).toEqual(before);
});

test('a second call finds nothing to do, and reads no object', async () => {
  await putPages(DAY, 7);
  await compact();
  calls = [];

  expect(await compact()).toEqual({ days: 0, objects: 0, sources: 0 });

  expect(new Set(calls)).toEqual(new Set(['ListObjectsV2Command']));
});

test('a day that the cleaning still looks at is left alone: a merge would have it cleaned again', async () => {
  const open = daysAgo(LOOKBACK_DAYS);
  await putPages(open, 7);

  expect(await compact()).toMatchObject({ sources: 0 });

  expect(await keysOf(open)).toHaveLength(7);
});

test('a few pages stay, and so do old ones, which a merge would keep for longer', async () => {
  await putPages(DAY, LEFT_ALONE);
  await putPages(daysAgo(20), 7);
  const later = new Date(Date.now() + 31 * DAY_MS);

  expect(await compact({ storageTime: later })).toMatchObject({ sources: 0 });
  expect(await compact()).toMatchObject({ days: 1, sources: 7 });

  expect(await keysOf(DAY)).toHaveLength(LEFT_ALONE);
});

test.each(['GetObjectCommand', 'PutObjectCommand', 'DeleteObjectsCommand'])(
  'killed before %s, the next call leaves every line once',
  async (command) => {
    await putPages(DAY, 9);
    const before = await linesOf(DAY);
    killAt = command;
    await expect(compact()).rejects.toThrow('killed');
    killAt = null;
    expect(new Set(await linesOf(DAY))).toEqual(new Set(before));

    await compact();

    expect(await linesOf(DAY)).toEqual(before);
    expect(await keysOf(DAY)).toHaveLength(1);
  },
);

test('killed before the deletion, and with new pages since, the next call still leaves every line once', async () => {
  await putPages(DAY, 9);
  killAt = 'DeleteObjectsCommand';
  await expect(compact()).rejects.toThrow('killed');
  killAt = null;
  await putPage(DAY, 4, 'import');
  await putPages(DAY, 6, 20);
  const once = new Set(await linesOf(DAY));

  expect(await compact()).toEqual({ days: 1, objects: 1, sources: 16 });

  expect(await linesOf(DAY)).toEqual([...once].sort());
});

test('unreadable pages stay where they are, byte for byte', async () => {
  await putPages(DAY, 7);
  const torn = gzipSync('{"id":"1000000000000005"}\n{"id":"10000');
  const bad: Record<string, Uint8Array> = {
    torn,
    'not-gzip': Buffer.from('{"id":"1000000000000005"}\n'),
    'cut-short': gzipSync('{"id":"1000000000000005"}\n').subarray(0, 30),
    empty: Buffer.alloc(0),
  };
  const keys = Object.keys(bad).map((name) => rawPageKey(DAY, ['1000000000000005'], name));
  for (const [index, bytes] of Object.values(bad).entries())
    await put(lake, keys[index] ?? '', bytes);
  await put(lake, `raw-data/tweets/dt=${DAY}/by-hand.ndjson.gz`, torn);

  expect(await compact()).toEqual({ days: 1, objects: 1, sources: 7 });

  for (const [index, bytes] of Object.values(bad).entries())
    expect(Buffer.from((await getBytes(lake, keys[index] ?? ''))?.bytes ?? [])).toEqual(
      Buffer.from(bytes),
    );
  expect(await keysOf(DAY)).toHaveLength(keys.length + 2);
});

test('an import into a merged day finds its tweets, and its own pages join later', async () => {
  await putPages(DAY, 7);
  await compact();
  const held = String(FIRST_ID + 33);

  const stored = new StoredTweets(lake, new Unreadables());
  expect(await stored.among(DAY, [held, String(FIRST_ID + 500)])).toEqual(new Set([held]));

  await putPages(DAY, 5, 50);
  expect(await compact()).toEqual({ days: 1, objects: 1, sources: 5 });
  expect(await keysOf(DAY)).toHaveLength(2);
});

test('a tweet is erased from a merged day, and from the old versions of its pages', async () => {
  await lake.s3.send(
    new PutBucketVersioningCommand({
      Bucket: lake.bucket,
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  );
  await putPages(DAY, 7);
  await compact();
  const [first, middle] = [String(FIRST_ID), String(FIRST_ID + 33)];
  const marker = randomMarker();
  const list = withIds(emptyList(marker), { tweets: [first, middle], authors: [] }, marker);
  const finder = new Finder(new Forgotten(list, marker));

  const tally = await scrubBelow(
    { lake, mustHold: () => undefined },
    'raw-data/tweets/',
    rawPage(finder),
  );

  expect(tally).toMatchObject({ objects: 1, rows: 2, versions: 2, unreadable: [] });
  for await (const { key, versions } of versionsBelow(lake, 'raw-data/tweets/')) {
    for (const { id } of versions.filter(({ isMarker }) => !isMarker)) {
      const text = gunzipSync(await readVersion(lake, key, id)).toString();
      expect(text).not.toContain(first);
      expect(text).not.toContain(middle);
      expect(key).not.toContain(first);
    }
  }
  expect(await linesOf(DAY)).toHaveLength(68);
  // The page's rest is not merged again, and nothing comes back.
  expect(await compact()).toMatchObject({ sources: 0 });
});

test('no object is larger than asked for, whatever the pages are', async () => {
  expect(2 * MERGED_BYTES).toBeLessThan(MAX_UNPACKED_BYTES);
  const idsOfPages = fc.array(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 30 }), {
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(
      idsOfPages,
      fc.integer({ min: 200, max: 4000 }),
      async (pages, mergedBytes) => {
        await Promise.all(
          (await keysOf(DAY)).map((key) =>
            lake.s3.send(new DeleteObjectCommand({ Bucket: lake.bucket, Key: key })),
          ),
        );
        for (const [index, ids] of pages.filter((some) => some.length > 0).entries()) {
          const rows = ids.map((id) => tweet(String(id)));
          const key = rawPageKey(
            DAY,
            rows.map(({ id }) => id),
            `q-p${index}`,
          );
          await put(lake, key, packRows(rows));
        }
        const before = await linesOf(DAY);

        await compact({ mergedBytes });

        expect(await linesOf(DAY)).toEqual(before);
        for (const key of await keysOf(DAY)) {
          const text = await readText(lake, key);
          if (key.includes('-merged-')) expect(text.length).toBeLessThanOrEqual(mergedBytes);
          // Every id is in the range that the name says.
          const [, oldest = '', newest = ''] = /\/(\d{20})-(\d{20})-/.exec(key) ?? [];
          for (const [, id = ''] of text.matchAll(/"id":"(\d+)"/g)) {
            expect(id.padStart(20, '0') >= oldest && id.padStart(20, '0') <= newest).toBe(true);
          }
        }
      },
    ),
    { numRuns: 15 },
  );
});

test('what does not fit into the time is left to the next call', async () => {
  await putPages(DAY, 12);
  await putPages(daysAgo(30), 7);
  const pageBytes = (await readText(lake, (await keysOf(DAY))[0] ?? '')).length;
  calls = [];

  const some = await compact({
    mergedBytes: 6 * pageBytes,
    isLate: () => calls.includes('PutObjectCommand'),
  });

  expect(some).toEqual({ days: 1, objects: 1, sources: 6 });
  expect(await keysOf(daysAgo(30))).toHaveLength(7);
  expect(await compact()).toEqual({ days: 2, objects: 2, sources: 13 });
});

test('a day full of unreadable pages does not take longer than the time', async () => {
  const keys = Array.from({ length: 40 }, (_, page) => rawPageKey(DAY, [String(page + 1)], 'q'));
  for (const key of keys) await put(lake, key, 'not gzip');
  calls = [];
  const reads = () => calls.filter((name) => name === 'GetObjectCommand').length;

  await compact({ isLate: () => reads() > 0 });

  expect(reads()).toBe(16);
});

test('a day of a few hundred pages takes memory for one object, not for the day', async () => {
  const rows = Array.from({ length: 500 }, (_, row) => ({
    ...tweet(String(FIRST_ID + row)),
    text: 'x'.repeat(2000),
  }));
  const page = packRows(rows);
  for (let index = 0; index < 300; index += 1) {
    await put(
      lake,
      rawPageKey(
        DAY,
        rows.map(({ id }) => id),
        `q-p${index}`,
      ),
      page,
    );
  }
  let most = 0;
  const before = process.memoryUsage().arrayBuffers;
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }, 1);

  await compact();
  clearInterval(look);

  // 300 MB of lines; an object in parts, joined, and read back are 48 MB, and what was of the one before may still be there.
  expect(most).toBeLessThan(180 * 2 ** 20);
  expect((await keysOf(DAY)).length).toBeLessThan(25);
});
