/**
 * How long `forget` reads, and how long it holds the lake, over a synthetic lake of so many raw pages with two versions
 * each (the second argument of the process; 2,500 by default): `npx tsx test/bench/forget.ts 2500`.
 */
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { gzipSync } from 'node:zlib';
import { Forgotten, emptyList, randomMarker, withIds } from '../../functions/lake/forgotten';
import { rawPageKey } from '../../functions/lake/raw-pages';
import { Narrowed, homes, whereTweetsLie } from '../../erasure/places';
import { Finder } from '../../erasure/rewrites';
import { forEachOf, scrubBelow, scrubKeys } from '../../erasure/scrub';
import { lookThrough, nothingCovered } from '../../erasure/survey';
import { Launcher, put } from '../functions/support/launcher';

const PAGES = Number(process.argv[2] ?? 2500);
const ROWS_A_PAGE = 20;
const PAGES_A_DAY = 10;
const AUTHOR = '777';

async function main(): Promise<void> {
  const launcher = await Launcher.start();
  try {
    const lake = await launcher.lake();
    await lake.s3.send(
      new PutBucketVersioningCommand({
        Bucket: lake.bucket,
        VersioningConfiguration: { Status: 'Enabled' },
      }),
    );
    let reads = 0;
    lake.s3.middlewareStack.add((next, { commandName }) => (args) => {
      if (commandName === 'GetObjectCommand') reads += 1;
      return next(args);
    });
    const day = (page: number) =>
      new Date(Date.UTC(2026, 0, 1 + Math.floor(page / PAGES_A_DAY))).toISOString().slice(0, 10);
    // The author wrote on the first day and on the last.
    const theirs = new Set([0, PAGES - 1]);
    await forEachOf(
      Array.from({ length: PAGES }, (_, page) => page),
      async (page) => {
        const rows = Array.from({ length: ROWS_A_PAGE }, (_, row) => ({
          id: String(1_000_000 + page * ROWS_A_PAGE + row),
          author_id: theirs.has(page) && row === 0 ? AUTHOR : '1',
          text: `text ${row}`,
        }));
        const ids = rows.map(({ id }) => id);
        const body = gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
        for (let version = 0; version < 2; version += 1)
          await put(lake, rawPageKey(day(page), ids, `q-p${page}`), body);
      },
    );
    const marker = randomMarker();
    const finderOf = (ids: { tweets: string[]; authors: string[] }) =>
      new Finder(new Forgotten(withIds(emptyList(marker), ids, marker), marker));
    const timed = async (what: string, work: () => Promise<unknown>) => {
      reads = 0;
      const began = Date.now();
      await work();
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      process.stdout.write(
        `${what.padEnd(52)} ${seconds.padStart(7)} s ${String(reads).padStart(7)} reads\n`,
      );
    };
    const looking = {
      lake,
      since: new Date(Date.now() + 3_600_000),
      report: () => undefined,
      mustGoOn: () => undefined,
    };
    const pagesOf = (finder: Finder, narrowed: Narrowed | null) => {
      const place = new Map(whereTweetsLie(finder, narrowed)).get('raw-tweets');
      if (!place) throw new Error('there is no place of raw tweets');
      return place;
    };
    const look = (finder: Finder, narrowed: Narrowed | null, covered = nothingCovered()) =>
      lookThrough(looking, pagesOf(finder, narrowed), covered);

    process.stdout.write(`${PAGES} raw pages of two versions\n`);
    const scrubbing = { lake, mustHold: () => undefined };
    // What was done while the lake was held: a look at everything, and then a rewrite that looked at everything again.
    const nobody = finderOf({ tweets: [], authors: ['1234567'] });
    await timed('before: both passes, all while the lake is held', async () => {
      await look(nobody, null);
      await scrubBelow(scrubbing, homes['raw-tweets'].prefix, homes['raw-tweets'].rewrite(nobody));
    });
    const id = String(1_000_000 + ROWS_A_PAGE);
    await timed('now: a tweet, looked for by the pages’ names', () =>
      look(finderOf({ tweets: [id], authors: [] }), new Narrowed([id])),
    );
    const finder = finderOf({ tweets: [], authors: [AUTHOR] });
    let covered = nothingCovered();
    await timed('now: an author, while others work on the lake', async () => {
      covered = await look(finder, null);
    });
    await timed('now: while the lake is held', async () => {
      const { holding } = await look(finder, null, covered);
      await scrubKeys(scrubbing, holding, homes['raw-tweets'].rewrite(finder));
    });
  } finally {
    await launcher.stop();
  }
}

void main();
