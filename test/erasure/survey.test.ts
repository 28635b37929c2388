import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Forgotten, emptyList, randomMarker, withIds } from '../../functions/lake/forgotten';
import type { LakeBucket } from '../../functions/lake/objects';
import { rawPageKey } from '../../functions/lake/raw-pages';
import { idAt } from '../../functions/x/ids';
import { withAllVersions } from '../../erasure/edits';
import { replaysOf } from '../../cli/forget';
import { Narrowed, whereTweetsLie } from '../../erasure/places';
import { SurveyProgress } from '../../erasure/progress';
import { Finder } from '../../erasure/rewrites';
import { lookThrough, nothingCovered, type Covered, type Place } from '../../erasure/survey';
import { checkInput } from '../../cli/run/launch';
import { Launcher, put } from '../functions/support/launcher';

let launcher: Launcher;
let lake: LakeBucket;
let read: string[];

beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());
beforeEach(async () => {
  lake = await launcher.lake();
  await lake.s3.send(
    new PutBucketVersioningCommand({
      Bucket: lake.bucket,
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  );
  read = [];
  lake.s3.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        if (commandName === 'GetObjectCommand' && 'Key' in args.input)
          read.push(String(args.input.Key));
        return next(args);
      },
    { step: 'initialize' },
  );
});

const DAY = '2026-11-23';
const LONG_AGO = new Date(0);
const LATER = new Date(Date.now() + 3_600_000);
const tweet = (id: string, author_id = '1') => ({ id, author_id, text: `tweet ${id}` });
const page = (...rows: object[]) =>
  gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const write = async (...rows: { id: string; author_id: string; text: string }[]) => {
  const ids = rows.map(({ id }) => id);
  const key = rawPageKey(DAY, ids, `q-${ids[0]}`);
  await put(lake, key, page(...rows));
  return key;
};
const marker = randomMarker();
const finderOf = (ids: { tweets?: string[]; authors?: string[] }) =>
  new Finder(
    new Forgotten(withIds(emptyList(marker), { tweets: [], authors: [], ...ids }, marker), marker),
  );
function rawPages(finder: Finder, narrowed: Narrowed | null = null): Place {
  const place = new Map(whereTweetsLie(finder, narrowed)).get('raw-tweets');
  if (!place) throw new Error('there is no place of raw tweets');
  return place;
}
const look = (
  place: Place,
  covered: Covered = nothingCovered(),
  more: Partial<Parameters<typeof lookThrough>[0]> = {},
) =>
  lookThrough(
    { lake, since: LATER, report: () => undefined, mustGoOn: () => undefined, ...more },
    place,
    covered,
  );

test('each version is read once; a second look reads what holds something, and what came since', async () => {
  const holding = await write(tweet('13', '777'), tweet('14'));
  await write(tweet('20'), tweet('21'));
  const place = rawPages(finderOf({ authors: ['777'] }));

  const first = await look(place);
  expect(first).toMatchObject({ isWhole: true, holding: [holding] });
  expect(read).toHaveLength(2);

  read = [];
  expect(await look(place, first)).toEqual(first);
  expect(read).toEqual([holding]);

  const since = new Date(Date.now() - 1000);
  const came = await write(tweet('31', '777'));
  read = [];
  expect((await look(place, first, { since })).holding).toEqual([holding, came]);
  expect(read).toContain(came);
});

test('an old version and one behind a deletion are found', async () => {
  const key = await write(tweet('13', '777'));
  await put(lake, key, page(tweet('14')));

  expect((await look(rawPages(finderOf({ authors: ['777'] })))).holding).toEqual([key]);
});

test('interrupted, it goes on behind the last object that was looked at, and loses nothing', async () => {
  const keys = [];
  for (let id = 100; id < 200; id += 1)
    keys.push(await write(tweet(String(id), id % 10 === 0 ? '777' : '1')));
  const finder = () => rawPages(finderOf({ authors: ['777'] }));
  const folder = mkdtempSync(join(tmpdir(), 'forget-'));
  const open = (wanted = 'w') => SurveyProgress.open(folder, 'local', wanted, LONG_AGO);
  const progress = open();
  let left = 80;

  await expect(
    look(finder(), progress.covered('tweets', '', 'raw-tweets'), {
      mustGoOn: () => {
        left -= 1;
        if (left < 0) throw new Error('killed');
      },
      report: (_, soFar) => {
        progress.set('tweets', '', 'raw-tweets', soFar());
        progress.save();
      },
    }),
  ).rejects.toThrow('killed');

  const again = open();
  expect([again.isResumed, open('another').isResumed]).toEqual([true, false]);
  const covered = again.covered('tweets', '', 'raw-tweets');
  expect(covered.isWhole).toBe(false);
  expect(covered.upTo).not.toBeNull();
  // Of another list nothing is covered.
  expect(again.covered('tweets', 'other ids', 'raw-tweets')).toEqual(nothingCovered());

  read = [];
  const whole = await look(finder(), covered);
  expect(whole.holding).toEqual(keys.filter((_, index) => index % 10 === 0));
  const behind = (key: string) => key > (covered.upTo ?? '');
  expect([...new Set(read)].sort()).toEqual(
    keys.filter((key, index) => behind(key) || index % 10 === 0),
  );
  again.remove();
  expect(open().isResumed).toBe(false);
  rmSync(folder, { recursive: true });
});

test('where only tweets are wanted, pages whose names cannot hold them are not read', async () => {
  const holding = await write(tweet('1300'), tweet('1400'));
  await write(tweet('1500'), tweet('1600'));
  const near = await write(tweet('1200'), tweet('1350'));
  await put(lake, `raw-data/tweets/dt=${DAY}/no-range.ndjson.gz`, page(tweet('9')));

  const narrowed = new Narrowed(['1300']);
  expect((await look(rawPages(finderOf({ tweets: ['1300'] }), narrowed))).holding).toEqual([
    holding,
  ]);
  expect(read.toSorted()).toEqual(
    [holding, near, `raw-data/tweets/dt=${DAY}/no-range.ndjson.gz`].sort(),
  );
});

test('cleaned days are read that have such a page, or none, or that the id’s own time names', () => {
  const id = String(
    ((BigInt(Date.parse('2026-03-01T12:00:00Z')) - 1_288_834_974_657n) << 22n) + 5n,
  );
  const narrowed = new Narrowed([id]);
  const pageOf = (day: string, ids: string[]) =>
    narrowed.leavesOutPage(rawPageKey(day, ids, 'q-w00000-p00000'));
  const days = ['2026-01-01', '2026-02-28', '2026-03-01', '2026-05-05', '2026-07-07'];

  expect(pageOf('2026-01-01', ['1', '2'])).toBe(true);
  expect(pageOf('2026-02-28', ['1', '2'])).toBe(true);
  expect(pageOf('2026-05-05', [String(BigInt(id) - 1n), String(BigInt(id) + 1n)])).toBe(false);
  expect(
    days.filter((day) => narrowed.leavesOutDay(`cleaned-data/tweets/dt=${day}/run=r-0/a.parquet`)),
  ).toEqual(['2026-01-01']);
});

test('a day that lies a year from the others is replayed without those between', () => {
  const days = ['2025-11-20', '2026-11-20'];

  expect(replaysOf(days.map((date) => ({ date, rows: 5 })))).toEqual([
    { mode: 'replay', days, stream: false },
  ]);
});

test.each([
  ['400 days of few rows in one replay', 400, 10_000, [400]],
  ['1,001 days in two: a run takes a thousand', 1001, 10, [1000, 1]],
  ['as many days in each as Spark cleans in time', 7, 4_000_000, [2, 2, 2, 1]],
  ['days larger than that each alone', 2, 20_000_000, [1, 1]],
])('replays %s', (_, count, rows, sizes) => {
  const days = Array.from({ length: count }, (__, index) => ({
    date: new Date(Date.UTC(2023, 0, 1 + index)).toISOString().slice(0, 10),
    rows,
  }));

  const replays = replaysOf(days).map((input) => checkInput(input));

  expect(replays.map((input) => input.days?.length)).toEqual(sizes);
  expect(replays.flatMap((input) => input.days ?? [])).toEqual(days.map(({ date }) => date));
});

test('who names one version of an edited post means all of them, as far as raw pages know', async () => {
  const at = (minute: number) =>
    idAt(new Date(`2026-11-23T10:${String(minute).padStart(2, '0')}:00Z`));
  const [first, second, third, other] = [at(0), at(10), at(20), at(30)];
  const edited = (id: string, history: string[]) => ({
    ...tweet(id),
    edit_history_tweet_ids: history,
  });
  await write(edited(first, [first]), edited(other, [other]));
  await write(edited(second, [first, second]));
  await write(edited(third, [first, second, third]), edited(at(40), ['5', other, at(40)]));

  for (const one of [first, second, third]) {
    expect((await withAllVersions(lake, [one])).sort()).toEqual([first, second, third]);
  }
  expect((await withAllVersions(lake, [other])).sort()).toEqual([other, at(40)]);
  expect(await withAllVersions(lake, ['5'])).toEqual(['5']);
});
