import { createHash } from 'node:crypto';
import { z } from 'zod';
import { compileQuery, QueryError } from './query';
import { compareIds, timeOf } from './snowflake';

const window = 7 * 24 * 3_600_000;

/** X's error for one parameter; the response is 400. */
export class ParameterError extends Error {
  constructor(
    readonly parameter: string,
    readonly value: string,
    message: string,
  ) {
    super(message);
  }
}

/** The names in a text, which are separated by spaces and line ends. */
const setOf = (names: string): Set<string> => new Set(names.trim().split(/\s+/));

const postFields = setOf(`
  article attachments author_id card_uri community_id context_annotations conversation_id created_at
  display_text_range edit_controls edit_history_tweet_ids entities geo id in_reply_to_user_id lang
  media_metadata non_public_metrics note_tweet organic_metrics possibly_sensitive promoted_metrics
  public_metrics referenced_tweets reply_settings scopes source suggested_source_links text withheld
`);
const userFields = setOf(`
  affiliation confirmed_email connection_status created_at description entities id
  is_identity_verified location most_recent_tweet_id name parody pinned_tweet_id profile_banner_url
  profile_image_url protected public_metrics receives_your_dm subscription subscription_type url
  username verified verified_followers_count verified_type withheld
`);
const expansions = setOf(`
  article.cover_media article.media_entities attachments.media_keys attachments.media_source_tweet
  attachments.poll_ids author_id edit_history_tweet_ids entities.mentions.username geo.place_id
  in_reply_to_user_id entities.note.mentions.username referenced_tweets.id
  referenced_tweets.id.attachments.media_keys referenced_tweets.id.author_id
`);
const known = setOf(`
  query since_id until_id start_time end_time max_results next_token pagination_token sort_order
  expansions tweet.fields user.fields media.fields place.fields poll.fields
`);

const PostId = z.string().regex(/^\d+$/);
/** The start of a page (newest first), which a `next_token` encodes. */
const Cursor = z.strictObject({
  /** Only posts older than this id; null starts at the newest post. */
  before: PostId.nullable(),
  /** A skipped page (see `Turn`), which comes first. */
  owed: z.strictObject({ before: PostId.nullable(), downTo: PostId }).nullable().default(null),
  /** From 1. */
  page: z.number().int().positive().default(2),
});
export type Cursor = z.infer<typeof Cursor>;
const NextToken = Cursor.extend({ query: z.string() });

export interface Request {
  matches: ReturnType<typeof compileQuery>;
  cursor: Cursor;
  isFirstPage: boolean;
  sinceId: string | null;
  untilId: string | null;
  from: number;
  to: number;
  maxResults: number;
  queryHash: string;
  postFields: Set<string>;
  userFields: Set<string>;
  expansions: Set<string>;
}

/** X's error for this parameter, with its value. */
const refuse = (params: URLSearchParams, name: string, message: string): ParameterError =>
  new ParameterError(name, params.get(name) ?? '', message);

/** X's error for a value that the parameter does not accept. */
const refuseValue = (params: URLSearchParams, name: string, why: string): ParameterError =>
  refuse(params, name, `The \`${name}\` query parameter value [${params.get(name) ?? ''}] ${why}`);

function fieldsOf(params: URLSearchParams, name: string, allowed: Set<string>): Set<string> {
  const parameter = params.get(name);
  const wanted = parameter === null ? [] : parameter.split(',');
  const wrong = wanted.find((field) => !allowed.has(field));
  if (wrong !== undefined) {
    const list = [...allowed].join(',');
    throw new ParameterError(
      name,
      wrong,
      `The \`${name}\` query parameter value [${wrong}] is not one of [${list}]`,
    );
  }
  return new Set(wanted);
}

function instantOf(params: URLSearchParams, name: string): number | null {
  const value = params.get(name);
  if (value === null) return null;
  const wellFormed = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/.test(value);
  const instant = wellFormed ? Date.parse(value) : NaN;
  // Date.parse accepts the 30th of February as a day in March.
  if (
    Number.isNaN(instant) ||
    new Date(instant).toISOString().slice(0, 19) !== value.slice(0, 19)
  ) {
    throw refuseValue(params, name, 'is not a valid RFC 3339 date-time');
  }
  return instant;
}

/** Ids are signed 64-bit integers. */
const largestId = 2n ** 63n - 1n;

function idOf(params: URLSearchParams, name: string): string | null {
  const value = params.get(name);
  if (value === null) return null;
  if (!/^\d{1,19}$/.test(value) || BigInt(value) > largestId) {
    throw refuseValue(params, name, 'is not a valid post id');
  }
  return value;
}

const minute = (millis: number): string => `${new Date(millis).toISOString().slice(0, 16)}Z`;

function cursorOf(params: URLSearchParams, queryHash: string): Cursor | null {
  const name = params.has('next_token') ? 'next_token' : 'pagination_token';
  const token = params.get(name);
  if (token === null) return null;
  try {
    const { query, ...cursor } = NextToken.parse(
      JSON.parse(Buffer.from(token, 'base64url').toString()),
    );
    if (query === queryHash) return cursor;
  } catch {
    // Not one of our tokens: rejected below, like a token of another query.
  }
  throw refuseValue(params, name, 'is not valid');
}

/** Number of the requested page, from 1. */
export function pageOf(params: URLSearchParams): number {
  try {
    return cursorOf(params, hashOf(params.get('query') ?? ''))?.page ?? 1;
  } catch {
    return 1;
  }
}

const hashOf = (query: string): string =>
  createHash('sha256').update(query).digest('hex').slice(0, 16);

interface Bounds {
  sinceId: string | null;
  untilId: string | null;
  startTime: number | null;
  endTime: number | null;
}

const boundsOf = (params: URLSearchParams): Bounds => ({
  sinceId: idOf(params, 'since_id'),
  untilId: idOf(params, 'until_id'),
  startTime: instantOf(params, 'start_time'),
  endTime: instantOf(params, 'end_time'),
});

function mustNotMixBounds(params: URLSearchParams): void {
  const id = ['since_id', 'until_id'].find((name) => params.has(name));
  if (id === undefined || (!params.has('start_time') && !params.has('end_time'))) return;
  const message =
    "Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or 'end_time'.";
  throw refuse(params, id, message);
}

function checkOrder(params: URLSearchParams, bounds: Bounds): void {
  const { sinceId, untilId, startTime, endTime } = bounds;
  if (startTime !== null && endTime !== null && startTime >= endTime) {
    throw refuse(params, 'end_time', "Invalid 'end_time'. 'end_time' must be after 'start_time'");
  }
  if (sinceId !== null && untilId !== null && compareIds(sinceId, untilId) >= 0) {
    throw refuse(params, 'until_id', "'until_id' must be larger than 'since_id'");
  }
}

function checkNearness(params: URLSearchParams, { startTime, endTime }: Bounds, now: number): void {
  for (const [name, instant] of Object.entries({ start_time: startTime, end_time: endTime })) {
    if (instant === null || instant <= now - 10_000) continue;
    const value = params.get(name) ?? '';
    const message = `Invalid '${name}':'${value}'. '${name}' must be a minimum of 10 seconds prior to the request time.`;
    throw refuse(params, name, message);
  }
}

function checkAge(params: URLSearchParams, bounds: Bounds, oldest: number): void {
  const { sinceId, untilId, startTime, endTime } = bounds;
  for (const [name, id] of Object.entries({ since_id: sinceId, until_id: untilId })) {
    if (id === null || timeOf(id) >= oldest) continue;
    const message = `'${name}' must be a tweet id created after [${minute(oldest)}]. Please use a '${name}' that is larger than ${id}`;
    throw refuse(params, name, message);
  }
  for (const [name, instant] of Object.entries({ start_time: startTime, end_time: endTime })) {
    if (instant === null || instant >= oldest) continue;
    const value = params.get(name) ?? '';
    const message = `Invalid '${name}':'${value}'. '${name}' must be on or after ${minute(oldest)}`;
    throw refuse(params, name, message);
  }
}

/** Parses and checks the parameters. Throws ParameterError if X would respond with 400. */
export function parseRequest(params: URLSearchParams, now: number): Request {
  for (const name of params.keys()) {
    if (!known.has(name)) {
      const list = [...known].join(',');
      throw refuse(params, name, `The query parameter [${name}] is not one of [${list}]`);
    }
  }
  const twice = [...known].find((name) => params.getAll(name).length > 1);
  if (twice !== undefined) {
    const values = params.getAll(twice).join(',');
    throw new ParameterError(twice, values, `The \`${twice}\` query parameter may be given once`);
  }
  mustNotMixBounds(params);
  const query = params.get('query') ?? '';
  const queryHash = hashOf(query);
  let matches: Request['matches'];
  try {
    matches = compileQuery(query);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    const message = `There were errors processing your request: ${error.message}`;
    throw refuse(params, 'query', message);
  }

  const limit = params.get('max_results') ?? '10';
  const maxResults = Number(limit);
  if (!/^\d+$/.test(limit) || maxResults < 10 || maxResults > 100) {
    throw refuseValue(params, 'max_results', 'is not between 10 and 100');
  }
  const order = params.get('sort_order') ?? 'recency';
  if (order !== 'recency' && order !== 'relevancy') {
    throw refuseValue(params, 'sort_order', 'is not one of [recency,relevancy]');
  }

  const oldest = now - window;
  const cursor = cursorOf(params, queryHash);
  const bounds = boundsOf(params);
  checkOrder(params, bounds);
  checkNearness(params, bounds, now);
  // Only for the first page: the bounds of later pages may have become too old in the meantime.
  if (cursor === null) checkAge(params, bounds, oldest);
  const { sinceId, untilId, startTime, endTime } = bounds;

  return {
    matches,
    cursor: cursor ?? { before: null, owed: null, page: 1 },
    isFirstPage: cursor === null,
    sinceId,
    untilId,
    from: Math.max(oldest, startTime ?? oldest),
    to: endTime ?? now,
    maxResults,
    queryHash,
    postFields: fieldsOf(params, 'tweet.fields', postFields),
    userFields: fieldsOf(params, 'user.fields', userFields),
    expansions: fieldsOf(params, 'expansions', expansions),
  };
}
