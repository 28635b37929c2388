import { rawPageKey, StoredTweets } from '../../functions/lake/raw-pages';
import type { LakeBucket } from '../../functions/lake/objects';
import { Unreadables } from '../../functions/lake/set-aside';
import { eachWithLake } from './support/each-with-lake';
import { put } from './support/launcher';

const DAYS = ['2026-11-20', '2026-11-23', '2026-11-26'];
const PAGES_A_DAY = 20;

let lake: LakeBucket;
let listed: string[];

const idOf = (day: number, page: number, tweet: number) =>
  String(10 ** 15 + day * 10_000 + page * 100 + tweet);

/** Three days that are no neighbours, each with pages of three tweets. */
eachWithLake(async (fresh) => {
  lake = fresh;
  for (const [day, date] of DAYS.entries()) {
    for (let page = 0; page < PAGES_A_DAY; page += 1) {
      const ids = [10, 20, 30].map((tweet) => idOf(day, page, tweet));
      const lines = ids.map((id) => `${JSON.stringify({ id })}\n`).join('');
      await put(lake, rawPageKey(date, ids, `p${page}`).replace(/\.gz$/, ''), lines);
    }
  }
  listed = [];
  lake.s3.middlewareStack.add(
    (next, context) => (args) => {
      const { Prefix } = 'Prefix' in args.input ? args.input : {};
      if (context['commandName'] === 'ListObjectsV2Command') listed.push(String(Prefix));
      return next(args);
    },
    { step: 'initialize' },
  );
});

/** Looks for a held and a new tweet on each page of each day. */
async function lookEverywhere(stored: StoredTweets): Promise<void> {
  for (const [day, date] of DAYS.entries()) {
    for (let page = 0; page < PAGES_A_DAY; page += 1) {
      const ids = [idOf(day, page, 31), idOf(day, page, 20), idOf(day, page, 9)];
      expect(await stored.among(date, ids)).toEqual(new Set([idOf(day, page, 20)]));
    }
  }
}

test('a day is listed once, with its neighbours, however many pages are looked up', async () => {
  await lookEverywhere(new StoredTweets(lake, new Unreadables()));

  expect(listed).toHaveLength(3 * DAYS.length);
  expect(new Set(listed).size).toBe(3 * DAYS.length);
});

test('what does not fit into memory is found all the same, and older days make room', async () => {
  await lookEverywhere(new StoredTweets(lake, new Unreadables(), PAGES_A_DAY + 5));
  expect(listed).toHaveLength(3 * DAYS.length);

  listed = [];
  await lookEverywhere(new StoredTweets(lake, new Unreadables(), PAGES_A_DAY - 1));
  expect(listed.length).toBeGreaterThan(DAYS.length * PAGES_A_DAY);
});

test('the ids of a few objects are kept, however many tweets an object holds, and all are found', async () => {
  let read = 0;
  lake.s3.middlewareStack.add(
    (next, context) => (args) => {
      if (context['commandName'] === 'GetObjectCommand') read += 1;
      return next(args);
    },
    { step: 'initialize' },
  );
  await lookEverywhere(new StoredTweets(lake, new Unreadables()));
  expect(read).toBe(DAYS.length * PAGES_A_DAY);

  const two = new StoredTweets(lake, new Unreadables(), undefined, 6);
  const ids = [0, 1].map((page) => idOf(0, page, 20));
  const [date = ''] = DAYS;
  const readFor = async () => {
    read = 0;
    expect(await two.among(date, ids)).toEqual(new Set(ids));
    return read;
  };
  expect([await readFor(), await readFor()]).toEqual([2, 0]);
  await lookEverywhere(two);
  expect([await readFor(), await readFor()]).toEqual([2, 0]);
});

test('a page that was just written is found without another listing', async () => {
  const stored = new StoredTweets(lake, new Unreadables());
  const [date = ''] = DAYS;
  expect(await stored.among(date, ['77'])).toEqual(new Set());
  listed = [];

  const key = rawPageKey(date, ['77'], 'new').replace(/\.gz$/, '');
  await put(lake, key, '{"id":"77"}\n');
  stored.wrote(date, key);

  expect(await stored.among(date, ['77'])).toEqual(new Set(['77']));
  expect(listed).toEqual([]);
});
