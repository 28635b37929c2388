/**
 * How fast the ingest compacts a closed day of so many raw pages of a hundred tweets (the second argument of the
 * process; 2,000 by default), on the embedded S3, beside a plain loop that reads the same pages, one after the other,
 * and writes their lines as one object, without a check: `npx tsx test/bench/compaction.ts 2000`.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { compactClosedDays } from '../../functions/ingest/compaction';
import { getBytes, listObjects } from '../../functions/lake/objects';
import { packRows, rawFolder, rawPageKey } from '../../functions/lake/raw-pages';
import { inParallel } from '../../functions/shared/in-parallel';
import { Launcher, put } from '../functions/support/launcher';

const PAGES = Number(process.argv[2] ?? 2000);
const TWEETS_A_PAGE = 100;
const DAY = '2026-01-10';
const words = 'coffee morning train late again love this terrible weather game tonight what'.split(
  ' ',
);

const rowOf = (id: number) => ({
  id: String(10 ** 18 + id),
  author_id: String(10 ** 9 + ((id * 7919) % 10 ** 6)),
  author_username: `user_${id % 5000}`,
  created_at: new Date(Date.parse(`${DAY}T00:00:00Z`) + id).toISOString(),
  lang: 'en',
  text: Array.from({ length: 14 }, (_, at) => words[(id * (at + 3)) % words.length]).join(' '),
  retweet_count: id % 7,
  reply_count: 0,
  like_count: id % 90,
  quote_count: 0,
  edit_history_tweet_ids: [String(10 ** 18 + id)],
  query_name: 'keywords',
  run_id: '20260110-021500-0a1b2c3d',
  fetched_at: `${DAY}T02:20:00.000Z`,
});

async function main(): Promise<void> {
  const launcher = await Launcher.start();
  try {
    const lake = await launcher.lake();
    await inParallel(16, [...Array(PAGES).keys()], async (page) => {
      const rows = Array.from({ length: TWEETS_A_PAGE }, (_, row) =>
        rowOf(page * TWEETS_A_PAGE + row),
      );
      const key = rawPageKey(
        DAY,
        rows.map(({ id }) => id),
        `q-w00000-p${page}`,
      );
      await put(lake, key, packRows(rows));
    });
    const tweets = PAGES * TWEETS_A_PAGE;

    const began = Date.now();
    const texts: Buffer[] = [];
    for (const { key } of await listObjects(lake, rawFolder(DAY)))
      texts.push(gunzipSync((await getBytes(lake, key))?.bytes ?? ''));
    await put(lake, 'plain.gz', gzipSync(Buffer.concat(texts)));
    const plain = (Date.now() - began) / 1000;

    const from = Date.now();
    const { objects } = await compactClosedDays({
      lake,
      now: new Date('2026-03-01T02:20:00Z'),
      storageTime: new Date(),
      isLate: () => false,
    });
    const seconds = (Date.now() - from) / 1000;
    const again = Date.now();
    await compactClosedDays({
      lake,
      now: new Date('2026-03-01T02:20:00Z'),
      storageTime: new Date(),
      isLate: () => false,
    });
    const left = (await listObjects(lake, rawFolder(DAY))).length;
    process.stdout.write(
      [
        `${tweets} tweets in ${PAGES} pages become ${objects} objects (${left} are left): ` +
          `${seconds.toFixed(1)} s, ${Math.round(tweets / seconds)} tweets/s`,
        `plain loop: ${plain.toFixed(1)} s, ${Math.round(tweets / plain)} tweets/s; plain / ours ${(plain / seconds).toFixed(2)}`,
        `a second call: ${((Date.now() - again) / 1000).toFixed(2)} s`,
        `memory: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most, the plain loop's included`,
      ]
        .map((line) => `${line}\n`)
        .join(''),
    );
  } finally {
    await launcher.stop();
  }
}

void main();
