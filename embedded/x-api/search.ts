import type { Archive, ArchivedPost } from './archive';
import { parseRequest, type Cursor, type Request } from './request';
import { includesOf, renderPost } from './render';
import { compareIds } from './snowflake';

export interface SearchAnswer {
  data?: Record<string, unknown>[];
  includes?: { users?: Record<string, unknown>[]; tweets?: Record<string, unknown>[] };
  meta: { newest_id?: string; oldest_id?: string; result_count: number; next_token?: string };
}

/** Index of the first post that is older than this id, in posts sorted newest first. */
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

/** Matching posts from the cursor on, newest first: at most two pages and one post. */
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

/** How one page follows another; all except `straight` are a script's faults. */
export type Turn = 'straight' | 'empty' | 'repeated' | 'swapped';

const olderThan = (id: string | null) => (post: ArchivedPost) =>
  id === null || compareIds(post.id, id) < 0;

/** The posts of a page, and the start of the next one; null after the last page. */
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

/** The source of posts: an `Archive`, or a test's own posts. */
export type Posts = Pick<Archive, 'posts' | 'release'>;

export interface PageOptions {
  /** Maximum number of posts in a page, whatever is requested. */
  pageSize?: number;
  /** Ids of posts that search does not find yet. */
  hidden?: ReadonlySet<string>;
  turn?: Turn;
  /** Changes the page's posts before they are sent. */
  alter?: (page: ArchivedPost[]) => ArchivedPost[];
}

/**
 * Answers one page of recent search, newest first. Throws ParameterError.
 *
 * A poll for new posts that would find none releases some of the held-back posts (`Archive.release`), so that
 * later runs have new posts.
 */
export function searchRecent(
  archive: Posts,
  params: URLSearchParams,
  now: number,
  options: PageOptions = {},
): SearchAnswer {
  const { hidden = new Set(), pageSize = 100, turn = 'straight', alter } = options;
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

  const { page: turned, next } = turnTo(posts, request.cursor, size, turn);
  const page = alter ? alter(turned) : turned;
  const nextToken = next && {
    next_token: Buffer.from(JSON.stringify({ query: request.queryHash, ...next })).toString(
      'base64url',
    ),
  };
  const newest = page[0];
  const last = page.at(-1);
  if (!newest || !last) return { meta: { result_count: 0, ...nextToken } };
  const includes = includesOf(page, request);
  return {
    data: page.map((post) => renderPost(post, request)),
    ...(includes && { includes }),
    meta: { newest_id: newest.id, oldest_id: last.id, result_count: page.length, ...nextToken },
  };
}
