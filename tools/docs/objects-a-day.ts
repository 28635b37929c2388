import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LARGEST_PAGE } from '../../functions/ingest/budget';
import { MERGED_BYTES } from '../../functions/ingest/compaction';
import { LEFT_ALONE } from '../../functions/lake/closed-days';
import { MERGED_ROWS } from '../../functions/model/compact-scores';
import { STREAM_BATCH } from '../../infra/constructs/pipeline/stream-scoring';

/** X's limit for an app: searches of `LARGEST_PAGE` tweets in 15 minutes. */
const SEARCHES = { number: 450, seconds: 15 * 60 };
/** Batch of the stream before: 200 records or 5 s, whichever came first. */
const BATCH_BEFORE = { records: 200, seconds: 5 };

/** Bytes of a tweet's line in a raw page, as on the stream. */
export const bytesPerRecord = 415;

export const pages = (tweets: number): number => Math.ceil(tweets / LARGEST_PAGE);
export const mergedPages = (tweets: number): number =>
  Math.ceil((tweets * bytesPerRecord) / MERGED_BYTES);

const days = [1_000, 100_000, 1_000_000, 10_000_000];

/** Rows of a file of a cleaned day, as the Spark job says. */
function rowsAFile(): number {
  const source = readFileSync(join(__dirname, '../../etl/placement.py'), 'utf8');
  const found = /^ROWS_A_FILE = ([\d_]+)$/m.exec(source)?.[1];
  if (found === undefined) throw new Error('etl/placement.py has no ROWS_A_FILE');
  return Number(found.replaceAll('_', ''));
}

/**
 * Batches of a day whose tweets arrive as fast as X gives them: full ones, or what comes within the window. A faster
 * source (an import, Enterprise access) only makes them fuller.
 */
function batches(tweets: number, { records, seconds }: { records: number; seconds: number }) {
  const perSecond = (SEARCHES.number * LARGEST_PAGE) / SEARCHES.seconds;
  return Math.ceil(tweets / Math.min(records, seconds * perSecond));
}

/** Objects of a closed day: full ones, and the few small ones that it may keep. */
const merged = (small: number, full: number): string =>
  count(small > LEFT_ALONE ? Math.ceil(full) : small);

const count = (value: number): string => value.toLocaleString('en-US');

/** Rows of the table of docs/scale.md: objects that a day of so many tweets writes. */
export const objectsADay = (): string[][] => [
  [
    'tweets a day',
    'raw pages',
    'of a closed day',
    'page ledgers',
    'scores of the stream before',
    'scores of the stream now',
    'of a closed day',
    'files of the cleaned day',
  ],
  ...days.map((tweets) => [
    count(tweets),
    count(pages(tweets)),
    merged(pages(tweets), mergedPages(tweets)),
    count(pages(tweets)),
    count(batches(tweets, BATCH_BEFORE)),
    count(batches(tweets, STREAM_BATCH)),
    merged(batches(tweets, STREAM_BATCH), tweets / MERGED_ROWS),
    count(Math.ceil(tweets / rowsAFile())),
  ]),
];
