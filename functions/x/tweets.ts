import { z } from 'zod';
import { withoutUrls } from '../../workflows/text-links';
import { utcDay } from '../clock';
import { explain } from '../explain';

const Id = z.string().regex(/^\d{1,20}$/, 'must be decimal digits');
const Metric = z.number().int().nonnegative();
// Clocks differ; a tweet further ahead than this would open a day that has not begun.
const FUTURE_TOLERANCE_MS = 60 * 60 * 1000;
// Kinesis takes records of 1 MiB, key included.
const MAX_ROW_BYTES = 1_000_000;

/** X takes long posts up to here; in UTF-16 units, of which X counts an emoji as two as well. */
export const MAX_TEXT_CHARACTERS = 25_000;
/** When the first post was sent. */
const FIRST_POST = Date.UTC(2006, 2, 21);
/** X's handles; anything else in that place is somebody's text. */
const HANDLE = /^[A-Za-z0-9_]{1,15}$/;

const Tweet = z.object({
  id: Id,
  author_id: Id,
  // Not `max`, which counts an emoji as one.
  text: z
    .string()
    .refine(
      ({ length }) => length <= MAX_TEXT_CHARACTERS,
      `must not be longer than X's ${MAX_TEXT_CHARACTERS} characters`,
    ),
  created_at: z.iso.datetime({ offset: true }),
  lang: z.string().optional(),
  public_metrics: z
    .object({ retweet_count: Metric, reply_count: Metric, like_count: Metric, quote_count: Metric })
    .partial()
    .optional(),
});

/** A row of `raw_tweets`, as it lies in the lake and travels on the stream. */
export const RawTweetRow = z.strictObject({
  id: Id,
  author_id: Id,
  author_username: z.string().nullable(),
  created_at: z.iso.datetime(),
  lang: z.string().nullable(),
  text: z.string(),
  retweet_count: Metric.nullable(),
  reply_count: Metric.nullable(),
  like_count: Metric.nullable(),
  quote_count: Metric.nullable(),
  query_name: z.string(),
  run_id: z.string(),
  fetched_at: z.iso.datetime(),
});
export type RawTweetRow = z.infer<typeof RawTweetRow>;

/** A record that became no row: why not, and the record as it came. */
export const Refused = z.strictObject({ reason: z.string(), raw: z.string() });
export type Refused = z.infer<typeof Refused>;

export interface PageContext {
  usernames: ReadonlyMap<string, string>;
  queryName: string;
  runId: string;
  fetchedAt: string;
  /** By the clock that dated the tweets. */
  serverTime: Date;
}

/** Why a record cannot be a row. */
export interface Misfit {
  reason: string;
}

/** A tweet as X sent it, as a row; or why it cannot be one. */
export function toRow(tweet: unknown, context: PageContext): RawTweetRow | Misfit {
  const parsed = Tweet.safeParse(tweet);
  if (!parsed.success) {
    return { reason: explain(parsed.error, tweet) };
  }
  const { id, author_id, text, created_at, lang, public_metrics: metrics } = parsed.data;
  const createdAt = new Date(created_at);
  if (createdAt.valueOf() > context.serverTime.valueOf() + FUTURE_TOLERANCE_MS) {
    return { reason: `created_at: lies in the future (got "${created_at}")` };
  }
  if (!(createdAt.valueOf() >= FIRST_POST)) {
    return { reason: `created_at: lies before X's first post, 2006-03-21 (got "${created_at}")` };
  }
  const handle = context.usernames.get(author_id);
  const row = {
    id,
    author_id,
    // The tweet is worth keeping without it.
    author_username: handle !== undefined && HANDLE.test(handle) ? handle : null,
    created_at: createdAt.toISOString(),
    lang: lang ?? null,
    text: withoutUrls(text),
    retweet_count: metrics?.retweet_count ?? null,
    reply_count: metrics?.reply_count ?? null,
    like_count: metrics?.like_count ?? null,
    quote_count: metrics?.quote_count ?? null,
    query_name: context.queryName,
    run_id: context.runId,
    fetched_at: context.fetchedAt,
  };
  return Buffer.byteLength(JSON.stringify(row)) > MAX_ROW_BYTES
    ? { reason: `is longer than the stream's ${MAX_ROW_BYTES} bytes` }
    : row;
}

export const isMisfit = (row: RawTweetRow | Misfit): row is Misfit => 'reason' in row;

export const dayOf = (row: RawTweetRow): string => utcDay(new Date(row.created_at));
