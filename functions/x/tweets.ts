import { z } from 'zod';
import { withoutUrls } from '../../workflows/text-links';
import { utcDay } from '../shared/clock';
import { explain, shown } from '../shared/explain';
import { instantOf } from './created-at';
import { byAge, timeOfId } from './ids';
import {
  eachMetric,
  editHistory,
  idText,
  isMarkedWithheld,
  isObject,
  longText,
  originalOf,
  retweetedIn,
  withMetrics,
} from './record';
import type { Original } from './record';
import { isWithheldNotice } from './withheld';

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

/** An id as X sends it, or the number that a tool made of it: `functions/x/exact-json.ts` keeps its digits. */
const SentId = z.unknown().transform((value, context) => {
  const id = idText(value);
  if (id !== null) return id;
  context.addIssue({
    code: 'custom',
    message:
      value === undefined
        ? 'is missing'
        : typeof value === 'number'
          ? 'must be decimal digits, as text: as a number it has lost some'
          : 'must be decimal digits',
  });
  return z.NEVER;
});

/** A count: null where nobody said, and also read from what data frames make of it, `3.0` and `"3"`. */
const SentMetric = z.unknown().transform((value, context) => {
  if (value === null || value === undefined) return null;
  const number =
    typeof value === 'string' && /^\d{1,16}(\.0+)?$/.test(value.trim()) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) {
    return number === 0 ? 0 : number;
  }
  context.addIssue({
    code: 'custom',
    message: Array.isArray(value)
      ? 'is there more than once, with different values'
      : 'must be a whole number that is not negative, or null',
  });
  return z.NEVER;
});

const Text = z.string().refine(
  // Not `max`, which counts an emoji as one.
  ({ length }) => length <= MAX_TEXT_CHARACTERS,
  `must not be longer than X's ${MAX_TEXT_CHARACTERS} characters`,
);

const Tweet = z.object({
  id: SentId,
  author_id: SentId,
  text: Text,
  lang: z.string().nullish(),
  public_metrics: z.object(eachMetric(SentMetric)),
});

/**
 * A row of `raw_tweets`, as it lies in the lake and travels on the stream. A test holds it to datasets.json, whose
 * types cannot say what an id or a moment looks like.
 */
export const RawTweetRow = z.strictObject({
  id: Id,
  author_id: Id,
  author_username: z.string().nullable(),
  created_at: z.iso.datetime(),
  lang: z.string().nullable(),
  text: z.string(),
  ...eachMetric(Metric.nullable()),
  // Rows of releases that did not keep it lack it.
  edit_history_tweet_ids: z.array(Id).nullable().default(null),
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
  /** By their ids, the posts that those of the page pass on. */
  originals: ReadonlyMap<string, Original>;
  queryName: string;
  runId: string;
  fetchedAt: string;
  /** By the clock that dated the tweets. */
  serverTime: Date;
}

/** Why a record cannot be a row. */
export interface InvalidRecord {
  reason: string;
}

/** A tweet as X sent it, as a row; or why it cannot be one. */
export function toRow(tweet: unknown, context: PageContext): RawTweetRow | InvalidRecord {
  if (!isObject(tweet)) return { reason: `record: must be one JSON object (got ${shown(tweet)})` };
  if (isOfV1(tweet)) return { reason: `record: ${OF_V1}` };
  const record = withMetrics(tweet);
  const long = longText(tweet);
  const parsed = Tweet.safeParse({ ...record, ...(long !== undefined && { text: long }) });
  if (!parsed.success) {
    return { reason: explain(parsed.error, record) };
  }
  const { id, author_id, lang, public_metrics: metrics } = parsed.data;
  const sentAt = tweet['created_at'];
  const createdAt = instantOf(sentAt, id);
  const got = sentAt === undefined ? '' : ` (got ${shown(sentAt)})`;
  if ('wrong' in createdAt) {
    return { reason: `created_at: ${createdAt.wrong}${got}` };
  }
  if (createdAt.valueOf() > context.serverTime.valueOf() + FUTURE_TOLERANCE_MS) {
    return { reason: `created_at: lies in the future${got}` };
  }
  if (!(createdAt.valueOf() >= FIRST_POST)) {
    return { reason: `created_at: lies before X's first post, 2006-03-21${got}` };
  }
  const text = completeText(tweet, parsed.data.text, context);
  if (isWithheldNotice(text, isMarkedWithheld(tweet))) {
    return {
      reason: `text: X withholds the post, and this is its notice, not what the author wrote (got ${shown(text)})`,
    };
  }
  const handle = context.usernames.get(author_id);
  const row = {
    id,
    author_id,
    // The tweet is worth keeping without it.
    author_username: handle !== undefined && HANDLE.test(handle) ? handle : null,
    created_at: createdAt.toISOString(),
    lang: lang?.trim() ? lang : null,
    text: withoutUrls(text),
    ...metrics,
    edit_history_tweet_ids: editHistory(tweet['edit_history_tweet_ids'], id),
    query_name: context.queryName,
    run_id: context.runId,
    fetched_at: context.fetchedAt,
  };
  return Buffer.byteLength(JSON.stringify(row)) > MAX_ROW_BYTES
    ? { reason: `record: is longer than the stream's ${MAX_ROW_BYTES} bytes` }
    : row;
}

/** `RT @town_watcher: `, with which X begins the text of a retweet. */
const RETWEET_MARK = /^RT @([A-Za-z0-9_]{1,15}): /;

/**
 * The text without X's cuts: of a retweet, whose text X cuts at 140 characters, the whole original behind the mark.
 * What is not there (deleted, protected) leaves the text as it was sent.
 */
function completeText(
  tweet: Record<string, unknown>,
  sent: string,
  { originals, usernames }: Pick<PageContext, 'originals' | 'usernames'>,
): string {
  const retweeted = retweetedIn(tweet);
  if (retweeted === null) return sent;
  const cut = typeof tweet['text'] === 'string' ? tweet['text'] : sent;
  const original = originals.get(retweeted.id) ?? originalOf(retweeted.record);
  const handle = RETWEET_MARK.exec(cut)?.[1] ?? usernames.get(original?.authorId ?? '');
  if (handle === undefined || !HANDLE.test(handle)) return sent;
  if (original !== null && original.text.length <= MAX_TEXT_CHARACTERS) {
    return `RT @${handle}: ${original.text}`;
  }
  return RETWEET_MARK.test(sent) ? sent : `RT @${handle}: ${sent}`;
}

/** An object of API v1.1 names its author in another place, and its ids as numbers that have lost digits. */
export const isOfV1 = (record: unknown): boolean =>
  isObject(record) && 'id_str' in record && !('author_id' in record);

/** As the end of a sentence that begins with what is of v1.1. */
export const OF_V1 =
  'is of API v1.1 (id_str, full_text), which is not read. Fetch the posts again by their ids from API v2 ' +
  '(GET /2/tweets?ids=… with tweet.fields=author_id,created_at,lang,public_metrics,note_tweet,referenced_tweets) and import the answers';

export const isInvalidRecord = (row: RawTweetRow | InvalidRecord): row is InvalidRecord =>
  'reason' in row;

export const dayOf = (row: RawTweetRow): string => utcDay(new Date(row.created_at));

/** X lets a post be edited for an hour at most; clocks differ. */
const EDITED_WITHIN_MS = 2 * 60 * 60 * 1000;

/**
 * The days whose raw pages hold the row: its own, and those of the versions that it replaces. A post that was edited
 * over midnight has versions on two days, and each day is cleaned alone: it has to see which of its rows are replaced.
 */
export function daysOf(row: RawTweetRow): string[] {
  const created = Date.parse(row.created_at);
  const replaced = (row.edit_history_tweet_ids ?? [])
    .filter((id) => byAge(id, row.id) < 0)
    .flatMap((id) => timeOfId(id) ?? [])
    .filter((time) => Math.abs(created - time.valueOf()) <= EDITED_WITHIN_MS);
  return [...new Set([dayOf(row), ...replaced.map(utcDay)])];
}
