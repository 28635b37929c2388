import { addPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import { hasSucceeded, rowsOf, startQuery } from '../../functions/lake/athena';
import type { AthenaContext } from '../../functions/lake/athena';
import { LEFT_ALONE } from '../../functions/lake/closed-days';
import { LOOKBACK_DAYS } from '../../functions/lake/fingerprints';
import { getBytes } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { compactScores } from '../../functions/model/compact-scores';
import { scoredRows, toParquet } from '../../functions/model/scored';
import type { ScoredRow } from '../../functions/model/scored';
import { DAY_MS, systemClock, utcDay } from '../../functions/shared/clock';
import { parseQuery } from '../../queries/catalog';
import { eachWithLake } from './support/each-with-lake';
import { keysBelow, put } from './support/launcher';

const NOW = new Date('2026-11-24T02:20:00.000Z');
const daysAgo = (days: number) => utcDay(new Date(NOW.valueOf() - days * DAY_MS));
const DAY = daysAgo(LOOKBACK_DAYS + 2);
const HOUR_MS = 60 * 60 * 1000;

let lake: LakeBucket;
let catalog: Catalog;
let athena: AthenaContext;
let killAt: string | null;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  killAt = null;
  lake.s3.middlewareStack.add(
    (next, context) => (args) => {
      if (context.commandName === killAt) throw new Error('killed');
      return next(args);
    },
    { step: 'initialize' },
  );
  catalog = await launcher.catalog(lake);
  athena = await launcher.warehouse(lake, catalog);
});

/** The run of a night: the first merges, the second deletes. */
const run = (night: number, mergedRows?: number) =>
  compactScores({
    lake,
    now: NOW,
    storageTime: new Date(Date.now() + night * 24 * HOUR_MS),
    isLate: () => false,
    mergedRows,
  });

const prediction = (id: number, model_version = 'sl-a'): ScoredRow => ({
  tweet_id: String(id),
  label: id % 2 === 0 ? 'positive' : 'negative',
  negative: 0.1 + id / 1e6,
  neutral: 0.2,
  positive: 0.7 - id / 1e6,
  model_version,
  scored_at: new Date(Date.parse('2026-11-14T10:00:00.123Z') + id),
  unknown_words: id % 3 === 0 ? null : id % 3,
});

const folderOf = (day: string) => `processed-data/scored/dt=${day}/`;

/** A batch of the stream: ten tweets. */
async function putBatches(day: string, count: number, from = 0): Promise<void> {
  for (let batch = from; batch < from + count; batch += 1) {
    const rows = Array.from({ length: 10 }, (_, row) => prediction(batch * 10 + row));
    await put(lake, `${folderOf(day)}stream-shardId-0-${batch}-${batch}.parquet`, toParquet(rows));
  }
}

async function rowsOfDay(day: string): Promise<string[]> {
  const all = [];
  for (const key of await keysBelow(lake, folderOf(day))) {
    const rows = await scoredRows((await getBytes(lake, key))?.bytes ?? new Uint8Array());
    all.push(...(rows ?? []).map((row) => JSON.stringify(row)));
  }
  return all.sort();
}

async function query(sql: string) {
  const ad_hoc = parseQuery('ad_hoc', 'question', `-- Ad hoc?\n${sql}`);
  const id = await startQuery(athena, ad_hoc, {}, [sql, Date.now()]);
  while (!(await hasSucceeded(athena, id))) await systemClock.sleep(20);
  return rowsOf(athena, id, 100);
}

test('one run merges, the next one deletes what was merged; the rows are the same', async () => {
  await putBatches(DAY, 12);
  const before = await rowsOfDay(DAY);

  expect(await run(0)).toEqual({ days: 1, objects: 1, sources: 12 });
  expect(await keysBelow(lake, folderOf(DAY))).toHaveLength(13);
  expect(new Set(await rowsOfDay(DAY))).toEqual(new Set(before));

  expect(await run(1)).toEqual({ days: 1, objects: 0, sources: 12 });
  expect(await keysBelow(lake, folderOf(DAY))).toHaveLength(1);
  expect(await rowsOfDay(DAY)).toEqual(before);
  expect(await run(2)).toEqual({ days: 0, objects: 0, sources: 0 });
});

test('within the hour a second run deletes nothing and merges nothing again', async () => {
  await putBatches(DAY, 12);
  await run(0);

  expect(await run(0)).toEqual({ days: 1, objects: 0, sources: 12 });

  expect(await keysBelow(lake, folderOf(DAY))).toHaveLength(13);
});

test('readers see each tweet once before, during and after a merge', async () => {
  await putBatches(DAY, 6);
  await addPartitions(catalog, 'scored', [
    { values: [DAY], location: `s3://${lake.bucket}/${folderOf(DAY)}` },
  ]);
  const newest = `select count(*) as tweets, count(distinct tweet_id) as ids from (
    select tweet_id, row_number() over (partition by tweet_id order by scored_at desc, model_version desc) as newest
    from scored where dt = '${DAY}'
  ) as ranked where newest = 1`;
  const sixty = [{ tweets: '60', ids: '60' }];

  for (const night of [0, 1]) {
    expect(await query(newest)).toEqual(sixty);
    await run(night);
  }
  expect(await query(newest)).toEqual(sixty);
});

test.each(['GetObjectCommand', 'PutObjectCommand', 'DeleteObjectsCommand'])(
  'killed before %s, later runs leave every row once',
  async (command) => {
    await putBatches(DAY, 9);
    const before = await rowsOfDay(DAY);
    if (command === 'DeleteObjectsCommand') await run(0);
    killAt = command;
    await expect(run(1)).rejects.toThrow('killed');
    killAt = null;

    await run(1);
    await run(2);

    expect(await rowsOfDay(DAY)).toEqual(before);
    expect(await keysBelow(lake, folderOf(DAY))).toHaveLength(1);
  },
);

test('open days, a few objects, old ones, and what is not Parquet of predictions stay', async () => {
  await putBatches(daysAgo(LOOKBACK_DAYS), 7);
  await putBatches(daysAgo(20), LEFT_ALONE);
  await putBatches(DAY, 7);
  await put(lake, `${folderOf(DAY)}broken.parquet`, 'PAR1 and nothing');
  expect(await run(31)).toEqual({ days: 0, objects: 0, sources: 0 });

  await run(0);
  await run(1);

  expect(await keysBelow(lake, folderOf(daysAgo(LOOKBACK_DAYS)))).toHaveLength(7);
  expect(await keysBelow(lake, folderOf(daysAgo(20)))).toHaveLength(LEFT_ALONE);
  expect(await keysBelow(lake, folderOf(DAY))).toEqual([
    `${folderOf(DAY)}broken.parquet`,
    expect.stringMatching(/merged-[0-9a-f]{32}\.parquet$/),
  ]);
});

test('an object has no more rows than asked for', async () => {
  await putBatches(DAY, 23);

  expect(await run(0, 100)).toEqual({ days: 1, objects: 2, sources: 20 });

  await run(1, 100);
  // The last three are fewer than a day may keep.
  expect(await keysBelow(lake, folderOf(DAY))).toHaveLength(5);
  expect(await rowsOfDay(DAY)).toHaveLength(230);
});
