import { z } from 'zod';
import { utcDay } from '../clock';
import { explain } from '../explain';

const Id = z.string().regex(/^\d{1,20}$/, 'must be decimal digits');
const Metric = z.number().int().nonnegative();
// Clocks differ; a tweet further ahead than this would open a day that has not begun.
const FUTURE_TOLERANCE_MS = 60 * 60 * 1000;

const Tweet = z.object({
  id: Id,
  author_id: Id,
  text: z.string(),
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

export interface Refused {
  reason: string;
  raw: string;
}

export interface PageContext {
  usernames: ReadonlyMap<string, string>;
  queryName: string;
  runId: string;
  fetchedAt: string;
}

/** A tweet as X sent it, as a row; or why it cannot be one. */
export function toRow(tweet: unknown, context: PageContext): RawTweetRow | Refused {
  const parsed = Tweet.safeParse(tweet);
  if (!parsed.success) {
    return { reason: explain(parsed.error, tweet), raw: JSON.stringify(tweet) ?? String(tweet) };
  }
  const { id, author_id, text, created_at, lang, public_metrics: metrics } = parsed.data;
  const createdAt = new Date(created_at);
  if (createdAt.valueOf() > Date.parse(context.fetchedAt) + FUTURE_TOLERANCE_MS) {
    return {
      reason: `created_at: lies in the future (got "${created_at}")`,
      raw: JSON.stringify(tweet),
    };
  }
  return {
    id,
    author_id,
    author_username: context.usernames.get(author_id) ?? null,
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
}

export const isRefused = (row: RawTweetRow | Refused): row is Refused => 'reason' in row;

export const dayOf = (row: RawTweetRow): string => utcDay(new Date(row.created_at));

// The same spaces as in workflows/text-key.ts: a text must have the same key before and after.
const URL = /[ \t\n\r\f\v\u00a0]*https?:\/\/[^ \t\n\r\f\v\u00a0]+/gi;

export const withoutUrls = (text: string): string => text.replace(URL, '').trim();
