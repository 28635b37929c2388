import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Archive, ArchivedPost } from './archive';
import { compileQuery, QueryError } from './query';
import { compareIds, timeOf } from './snowflake';

const window = 7 * 24 * 3_600_000;

/** What X calls a problem with one parameter; answered with 400. */
export class ParameterError extends Error {
  constructor(
    readonly parameter: string,
    readonly value: string,
    message: string,
  ) {
    super(message);
  }
}

const postFields = new Set([
  'article',
  'attachments',
  'author_id',
  'card_uri',
  'community_id',
  'context_annotations',
  'conversation_id',
  'created_at',
  'display_text_range',
  'edit_controls',
  'edit_history_tweet_ids',
  'entities',
  'geo',
  'id',
  'in_reply_to_user_id',
  'lang',
  'media_metadata',
  'non_public_metrics',
  'note_tweet',
  'organic_metrics',
  'possibly_sensitive',
  'promoted_metrics',
  'public_metrics',
  'referenced_tweets',
  'reply_settings',
  'scopes',
  'source',
  'suggested_source_links',
  'text',
  'withheld',
]);
const userFields = new Set([
  'affiliation',
  'confirmed_email',
  'connection_status',
  'created_at',
  'description',
  'entities',
  'id',
  'is_identity_verified',
  'location',
  'most_recent_tweet_id',
  'name',
  'parody',
  'pinned_tweet_id',
  'profile_banner_url',
  'profile_image_url',
  'protected',
  'public_metrics',
  'receives_your_dm',
  'subscription',
  'subscription_type',
  'url',
  'username',
  'verified',
  'verified_followers_count',
  'verified_type',
  'withheld',
]);
const expansions = new Set([
  'article.cover_media',
  'article.media_entities',
  'attachments.media_keys',
  'attachments.media_source_tweet',
  'attachments.poll_ids',
  'author_id',
  'edit_history_tweet_ids',
  'entities.mentions.username',
  'geo.place_id',
  'in_reply_to_user_id',
  'entities.note.mentions.username',
  'referenced_tweets.id',
  'referenced_tweets.id.attachments.media_keys',
  'referenced_tweets.id.author_id',
]);
const known = new Set([
  'query',
  'since_id',
  'until_id',
  'start_time',
  'end_time',
  'max_results',
  'next_token',
  'pagination_token',
  'sort_order',
  'expansions',
  'tweet.fields',
  'user.fields',
  'media.fields',
  'place.fields',
  'poll.fields',
]);

const PostId = z.string().regex(/^\d+$/);
/** Where a page begins, newest first; what a `next_token` stands for. */
const Cursor = z.strictObject({
  /** Only posts older than this id; null begins at the newest. */
  before: PostId.nullable(),
  /** A page that was passed over (see `Turn`) and comes first. */
  owed: z.strictObject({ before: PostId.nullable(), downTo: PostId }).nullable().default(null),
  /** From 1. */
  page: z.number().int().positive().default(2),
});
type Cursor = z.infer<typeof Cursor>;
const NextToken = Cursor.extend({ query: z.string() });

export interface SearchAnswer {
  data?: Record<string, unknown>[];
  includes?: { users: Record<string, unknown>[] };
  meta: { newest_id?: string; oldest_id?: string; result_count: number; next_token?: string };
}

interface Request {
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
  withAuthors: boolean;
}

function fieldsOf(params: URLSearchParams, name: string, allowed: Set<string>): Set<string> {
  const wanted = (params.get(name) ?? '').split(',').filter((field) => field !== '');
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
  if (Number.isNaN(instant)) {
    throw new ParameterError(
      name,
      value,
      `Invalid '${name}':'${value}'. It must be an instant like 2026-11-24T02:15:00Z`,
    );
  }
  return instant;
}

function idOf(params: URLSearchParams, name: string): string | null {
  const value = params.get(name);
  if (value === null) return null;
  if (!/^\d{1,19}$/.test(value)) {
    throw new ParameterError(
      name,
      value,
      `The \`${name}\` query parameter value [${value}] is not a valid post id`,
    );
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
    // Not one of ours: answered below, like a token of another query.
  }
  throw new ParameterError(
    name,
    token,
    `The \`${name}\` query parameter value [${token}] is not valid`,
  );
}

/** Which page of its search a request asks for, from 1. */
export function pageOf(params: URLSearchParams): number {
  try {
    return cursorOf(params, hashOf(params.get('query') ?? ''))?.page ?? 1;
  } catch {
    return 1;
  }
}

const hashOf = (query: string): string =>
  createHash('sha256').update(query).digest('hex').slice(0, 16);

/** Reads and checks the parameters; throws ParameterError where X answers 400. */
function parseRequest(params: URLSearchParams, now: number): Request {
  for (const name of params.keys()) {
    if (!known.has(name)) {
      throw new ParameterError(
        name,
        params.get(name) ?? '',
        `The query parameter [${name}] is not one of [${[...known].join(',')}]`,
      );
    }
  }
  const query = params.get('query') ?? '';
  const queryHash = hashOf(query);
  let matches: Request['matches'];
  try {
    matches = compileQuery(query);
  } catch (error) {
    if (error instanceof QueryError) throw new ParameterError('query', query, error.message);
    throw error;
  }

  const limit = params.get('max_results') ?? '10';
  const maxResults = Number(limit);
  if (!Number.isInteger(maxResults) || maxResults < 10 || maxResults > 100) {
    throw new ParameterError(
      'max_results',
      limit,
      `The \`max_results\` query parameter value [${limit}] is not between 10 and 100`,
    );
  }
  const order = params.get('sort_order') ?? 'recency';
  if (order !== 'recency' && order !== 'relevancy') {
    throw new ParameterError(
      'sort_order',
      order,
      `The \`sort_order\` query parameter value [${order}] is not one of [recency,relevancy]`,
    );
  }

  const oldest = now - window;
  const cursor = cursorOf(params, queryHash);
  const sinceId = idOf(params, 'since_id');
  // The pages after the first may have been asked for in time: their since_id grows old meanwhile.
  if (sinceId !== null && cursor === null && timeOf(sinceId) < oldest) {
    throw new ParameterError(
      'since_id',
      sinceId,
      `'since_id' must be a tweet id created after [${minute(oldest)}]. Please use a 'since_id' that is larger than ${sinceId}`,
    );
  }
  const startTime = instantOf(params, 'start_time');
  if (startTime !== null && cursor === null && startTime < oldest) {
    throw new ParameterError(
      'start_time',
      params.get('start_time') ?? '',
      `Invalid 'start_time':'${params.get('start_time')}'. 'start_time' must be on or after ${minute(oldest)}`,
    );
  }
  const endTime = instantOf(params, 'end_time');
  if (endTime !== null && endTime > now - 10_000) {
    throw new ParameterError(
      'end_time',
      params.get('end_time') ?? '',
      `Invalid 'end_time':'${params.get('end_time')}'. 'end_time' must be a minimum of 10 seconds prior to the request time`,
    );
  }
  if (startTime !== null && endTime !== null && startTime >= endTime) {
    throw new ParameterError(
      'end_time',
      params.get('end_time') ?? '',
      "Invalid 'end_time'. 'end_time' must be after 'start_time'",
    );
  }

  return {
    matches,
    cursor: cursor ?? { before: null, owed: null, page: 1 },
    isFirstPage: cursor === null,
    sinceId,
    untilId: idOf(params, 'until_id'),
    // As on X, since_id is used alone when both are given.
    from: Math.max(oldest, sinceId === null ? (startTime ?? oldest) : oldest),
    to: endTime ?? now,
    maxResults,
    queryHash,
    postFields: fieldsOf(params, 'tweet.fields', postFields),
    userFields: fieldsOf(params, 'user.fields', userFields),
    withAuthors: fieldsOf(params, 'expansions', expansions).has('author_id'),
  };
}

/** Where the posts older than this id begin, among posts newest first. */
function firstOlderThan(posts: readonly ArchivedPost[], id: string): number {
  let from = 0;
  let to = posts.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const post = posts[middle];
    if (post && compareIds(post.id, id) >= 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Posts that the request finds from its cursor on, newest first: as many as two pages and one need. */
function found(
  archive: Posts,
  request: Request,
  hidden: ReadonlySet<string>,
  size: number,
): ArchivedPost[] {
  const { sinceId, untilId, from, to, matches, cursor } = request;
  const { posts } = archive;
  const matching: ArchivedPost[] = [];
  const start = cursor.owed || cursor.before === null ? 0 : firstOlderThan(posts, cursor.before);
  for (let index = start; index < posts.length; index += 1) {
    const post = posts[index];
    if (!post || (sinceId !== null && compareIds(post.id, sinceId) <= 0)) break;
    const fits =
      post.createdAt >= from &&
      post.createdAt < to &&
      (untilId === null || compareIds(post.id, untilId) < 0) &&
      !hidden.has(post.id) &&
      matches(post.searchable);
    if (fits) matching.push(post);
    if (!cursor.owed && matching.length > 2 * size) break;
  }
  return matching;
}

function renderPost(post: ArchivedPost, fields: Set<string>): Record<string, unknown> {
  const optional: Record<string, unknown> = {
    author_id: post.author.id,
    conversation_id: post.id,
    created_at: new Date(post.createdAt).toISOString(),
    lang: post.lang,
    possibly_sensitive: false,
    public_metrics: {
      ...post.metrics,
      bookmark_count: 0,
      impression_count: post.metrics.like_count * 37,
    },
    reply_settings: 'everyone',
  };
  const asked = Object.entries(optional).filter(([name]) => fields.has(name));
  return {
    id: post.id,
    text: post.text,
    edit_history_tweet_ids: [post.id],
    ...Object.fromEntries(asked),
  };
}

function renderAuthor(
  author: ArchivedPost['author'],
  fields: Set<string>,
): Record<string, unknown> {
  const optional: Record<string, unknown> = {
    description: 'An invented account.',
    protected: false,
    public_metrics: {
      followers_count: author.followers,
      following_count: Math.round(author.followers ** 0.6),
      tweet_count: Math.round(author.followers * 1.7),
      listed_count: Math.round(author.followers / 90),
    },
    verified: false,
  };
  const asked = Object.entries(optional).filter(([name]) => fields.has(name));
  return {
    id: author.id,
    name: author.name,
    username: author.username,
    ...Object.fromEntries(asked),
  };
}

/** How the pages follow each other; anything but `straight` is a fault that a script asked for. */
export type Turn = 'straight' | 'empty' | 'repeated' | 'swapped';

const olderThan = (id: string | null) => (post: ArchivedPost) =>
  id === null || compareIds(post.id, id) < 0;

/** The posts of a page and where the next one begins; null after the last. */
function turnTo(
  posts: readonly ArchivedPost[],
  cursor: Cursor,
  size: number,
  turn: Turn,
): { page: ArchivedPost[]; next: Cursor | null } {
  const then = { page: cursor.page + 1, owed: null };
  const { before, owed } = cursor;
  if (turn === 'empty') return { page: [], next: { ...cursor, ...(!owed && then) } };
  if (owed) {
    const left = posts.filter(
      (post) => olderThan(owed.before)(post) && compareIds(post.id, owed.downTo) >= 0,
    );
    const page = left.slice(0, size);
    const last = page.at(-1);
    if (last && left.length > size)
      return { page, next: { ...then, before, owed: { ...owed, before: last.id } } };
    return { page, next: posts.some(olderThan(before)) ? { ...then, before } : null };
  }
  const left = posts.filter(olderThan(before));
  const page = left.slice(0, size);
  const last = page.at(-1);
  if (turn === 'repeated' && last) return { page, next: cursor };
  if (!last || left.length <= size) return { page, next: null };
  if (turn === 'swapped') {
    const after = left.slice(size, 2 * size);
    return {
      page: after,
      next: { ...then, before: after.at(-1)?.id ?? last.id, owed: { before, downTo: last.id } },
    };
  }
  return { page, next: { ...then, before: last.id } };
}

/** Where the posts come from: an `Archive`, or a test's own world. */
export type Posts = Pick<Archive, 'posts' | 'release'>;

export interface PageOptions {
  /** At most so many posts a page, whatever is asked for. */
  pageSize?: number;
  /** Posts that cannot be found yet. */
  hidden?: ReadonlySet<string>;
  turn?: Turn;
}

/**
 * Answers one page of recent search, newest first. Throws ParameterError.
 *
 * A poll for news that would find none is when news arrives: it releases some of the posts held
 * back (`Archive.release`), so that each later night has something to do.
 */
export function searchRecent(
  archive: Posts,
  params: URLSearchParams,
  now: number,
  options: PageOptions = {},
): SearchAnswer {
  const { hidden = new Set(), pageSize = 100, turn = 'straight' } = options;
  const request = parseRequest(params, now);
  const size = Math.min(request.maxResults, pageSize);
  let posts = found(archive, request, hidden, size);
  const pollsForNews =
    request.sinceId !== null &&
    request.isFirstPage &&
    request.untilId === null &&
    !params.has('end_time');
  if (posts.length === 0 && pollsForNews && archive.release(now) > 0)
    posts = found(archive, request, hidden, size);

  const { page, next } = turnTo(posts, request.cursor, size, turn);
  const nextToken = next && {
    next_token: Buffer.from(JSON.stringify({ query: request.queryHash, ...next })).toString(
      'base64url',
    ),
  };
  const newest = page[0];
  const last = page.at(-1);
  if (!newest || !last) return { meta: { result_count: 0, ...nextToken } };
  // X shows the author of a post whenever the expansion is asked for.
  if (request.withAuthors) request.postFields.add('author_id');
  const users = new Map(page.map((post) => [post.author.id, post.author]));
  return {
    data: page.map((post) => renderPost(post, request.postFields)),
    ...(request.withAuthors && {
      includes: {
        users: [...users.values()].map((user) => renderAuthor(user, request.userFields)),
      },
    }),
    meta: { newest_id: newest.id, oldest_id: last.id, result_count: page.length, ...nextToken },
  };
}
