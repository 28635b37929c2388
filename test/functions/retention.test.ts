import { addPartitions, listPartitions, setPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import type { LakeBucket } from '../../functions/lake/objects';
import { parametersOf } from '../../functions/lake/published';
import { endWhatIsOld } from '../../functions/lake/retention';
import { eachWithLake } from './support/each-with-lake';
import { keysBelow, put } from './support/launcher';

const DAY_MS = 86_400_000;
const KEEP = { tweets: 365, replacedSnapshots: 30 };
const today = new Date();
const later = (days: number) => new Date(today.valueOf() + days * DAY_MS + 60_000);
const day = (days: number) => later(days).toISOString().slice(0, 10);

let lake: LakeBucket;
let catalog: Catalog;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  catalog = await launcher.catalog(lake);
});

const folder = (date: string, version: string) => `cleaned-data/tweets/dt=${date}/run=${version}/`;
const snapshot = (date: string, version: string) =>
  put(lake, `${folder(date, version)}part-0.parquet`, 'rows');
const rawPage = (date: string) => put(lake, `raw-data/tweets/dt=${date}/page.ndjson.gz`, 'rows');

/** A published day, with the partitions that show it. */
async function publish(date: string, version: string, publishedAt: string | null = null) {
  await snapshot(date, version);
  await setPartitions(catalog, 'tweets', [
    {
      values: [date],
      location: `s3://${lake.bucket}/${folder(date, version)}`,
      parameters: parametersOf({ version, rows: 1, fingerprint: 'f', replaced: null, publishedAt }),
    },
  ]);
  for (const table of ['raw_tweets', 'scored'])
    await addPartitions(catalog, table, [{ values: [date], location: `s3://${lake.bucket}/x/` }]);
}
const candidate = (date: string, version: string) =>
  addPartitions(catalog, 'tweets_candidates', [
    { values: [date, version], location: `s3://${lake.bucket}/${folder(date, version)}` },
  ]);

const end = (days: number, isLate = () => false) =>
  endWhatIsOld({ lake, catalog, now: later(days), isLate }, KEEP);
const valuesOf = async (table: string) =>
  (await listPartitions(catalog, table)).map(({ values }) => values.join(' ')).sort();

test('a day ends with its first raw page, in every table and with all its snapshots', async () => {
  for (const date of [day(0), day(-1)]) {
    await publish(date, 'v-1');
    await rawPage(date);
  }
  await snapshot(day(0), 'v-0');

  expect(await end(364)).toMatchObject({ days: [] });
  // Of the day before the pages are as old, and so they end together.
  expect(await end(366)).toMatchObject({ days: [day(-1), day(0)], snapshots: 3 });

  expect(await keysBelow(lake, 'cleaned-data/tweets/')).toEqual([]);
  for (const table of ['tweets', 'raw_tweets', 'scored']) expect(await valuesOf(table)).toEqual([]);
  // Raw pages are the bucket's lifecycle's.
  expect(await keysBelow(lake, 'raw-data/tweets/')).toHaveLength(2);
  expect(await end(366)).toEqual({ days: [], snapshots: 0, candidates: 0 });
});

test('tweets of long ago that were imported stay for as long as any', async () => {
  await publish(day(-2000), 'v-1');
  await rawPage(day(-2000));
  await publish(day(-2001), 'v-1');

  // Of the other one no raw page is left.
  expect(await end(1)).toMatchObject({ days: [day(-2001)] });
  expect(await valuesOf('tweets')).toEqual([day(-2000)]);
});

test('a replaced snapshot stays for its days, counted from when it was replaced', async () => {
  await snapshot(day(0), 'v-0');
  await publish(day(0), 'v-1', later(10).toISOString());
  await rawPage(day(0));

  expect(await end(39)).toMatchObject({ snapshots: 0 });
  expect(await end(41)).toMatchObject({ days: [], snapshots: 1 });
  expect(await keysBelow(lake, 'cleaned-data/tweets/')).toEqual([
    `${folder(day(0), 'v-1')}part-0.parquet`,
  ]);
  expect(await valuesOf('tweets')).toEqual([day(0)]);
});

test('where nobody noted when it was replaced, it stays until the day is published again', async () => {
  await snapshot(day(0), 'v-0');
  await publish(day(0), 'v-1', null);
  await rawPage(day(0));

  expect(await end(300)).toMatchObject({ snapshots: 0 });
  await publish(day(0), 'v-1', later(0).toISOString());
  expect(await end(300)).toMatchObject({ snapshots: 1 });
});

test('a snapshot that was refused, or whose day was never published, ends like a replaced one', async () => {
  await publish(day(0), 'v-1', later(0).toISOString());
  await rawPage(day(0));
  await snapshot(day(0), 'v-2');
  await snapshot(day(-3), 'v-9');

  expect(await end(29)).toMatchObject({ snapshots: 0 });
  expect(await end(31)).toMatchObject({ snapshots: 2 });
});

test('candidates are dropped when they are published or gone, and looked at until then', async () => {
  await publish(day(0), 'v-1', later(0).toISOString());
  await rawPage(day(0));
  await snapshot(day(0), 'v-2');
  for (const version of ['v-1', 'v-2', 'v-gone']) await candidate(day(0), version);

  expect(await end(1)).toMatchObject({ candidates: 2 });
  expect(await valuesOf('tweets_candidates')).toEqual([`${day(0)} v-2`]);
  expect(await end(31)).toMatchObject({ snapshots: 1, candidates: 1 });
});

test('out of time, it leaves the rest to the next run; readers see nothing of a day that has ended', async () => {
  await publish(day(0), 'v-1');
  await rawPage(day(0));

  expect(await end(366, () => true)).toMatchObject({ days: [day(0)], snapshots: 0 });
  expect(await valuesOf('tweets')).toEqual([]);
  expect(await end(366)).toMatchObject({ days: [], snapshots: 1 });
  expect(await keysBelow(lake, 'cleaned-data/tweets/')).toEqual([]);
});

test('more partitions than one call takes are dropped', async () => {
  const days = Array.from({ length: 60 }, (_, index) => day(-1000 - index));
  await addPartitions(
    catalog,
    'tweets',
    days.map((date) => ({ values: [date], location: `s3://${lake.bucket}/${folder(date, 'v')}` })),
  );

  expect((await end(1)).days).toHaveLength(60);
  expect(await valuesOf('tweets')).toEqual([]);
});
