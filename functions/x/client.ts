import { Agent } from 'node:http';
import {
  ApiPartialResponseError,
  ApiRequestError,
  ApiResponseError,
  TwitterApi,
} from 'twitter-api-v2';
import { z } from 'zod';
import { StepError } from '../../workflows/errors';
import type { Clock } from '../clock';
import { howToSetToken } from './token';
import type { BearerToken } from './token';

const REQUEST_TIMEOUT_MS = 20_000;
// 5 tries: 1+2+4+8 s between them, plus jitter, well inside a Lambda's call; after that the state machine waits.
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 1000;
// X's window is 15 minutes. A reset further away is a daily limit: no run waits for that.
const RATE_WINDOW_MS = 15 * 60 * 1000;
const LONGEST_WAIT_MS = 60 * 60 * 1000;
const PAST_RESET_TOLERANCE_MS = 60 * 1000;

export interface SearchRequest {
  query: string;
  maxResults: number;
  sinceId: string | null;
  /** Used instead of `sinceId`, never together with it. */
  startTime: string | null;
  untilId: string | null;
  nextToken: string | null;
}

export type SearchAnswer =
  | {
      kind: 'page';
      tweets: unknown[];
      /** Handle by user id, as far as X sent the authors. */
      usernames: ReadonlyMap<string, string>;
      newestId: string | null;
      oldestId: string | null;
      nextToken: string | null;
      fetchedAt: string;
      /** When the rate window that this page used up begins anew; null while requests remain. */
      usedUpUntil: Date | null;
    }
  | { kind: 'rate-limited'; resumeAt: Date }
  /** Waiting is useless: the product's cap, the credits or a daily limit are used up. */
  | { kind: 'capped'; detail: string }
  /** The start of the window lies further back than X's seven days. */
  | { kind: 'stale'; detail: string };

const Id = z.string().regex(/^\d+$/);
const SearchResponse = z.object({
  data: z.array(z.unknown()).default([]),
  includes: z.object({ users: z.array(z.unknown()).default([]) }).default({ users: [] }),
  meta: z.object({
    newest_id: Id.optional(),
    oldest_id: Id.optional(),
    next_token: z.string().optional(),
  }),
});
const User = z.object({ id: Id, username: z.string() });
const HasId = z.object({ id: Id });

const Problem = z
  .object({
    title: z.string(),
    detail: z.string(),
    type: z.string(),
    errors: z.array(
      z.object({ message: z.string(), parameters: z.record(z.string(), z.unknown()) }).partial(),
    ),
  })
  .partial();
type Problem = z.infer<typeof Problem>;

export type Search = (request: SearchRequest) => Promise<SearchAnswer>;

/**
 * X's recent search, one page a call. The library's own paginator is not used: it stops without an error
 * when the rate window is used up, and an iterator that has ended is then taken for a whole window.
 *
 * Throws `XAuthenticationFailed`, `XRequestRejected` and, after retries, `XUnavailable`.
 */
export function recentSearch(apiBaseUrl: string, token: BearerToken, clock: Clock): Search {
  const prefix = versionedPrefix(apiBaseUrl);
  // The library always calls https.request, which takes plain http only with an agent of that protocol.
  const httpAgent = prefix.startsWith('http:') ? new Agent() : undefined;

  const ask = async (request: SearchRequest): Promise<SearchAnswer> => {
    const client = new TwitterApi(await token.read(), httpAgent && { httpAgent }).readOnly.v2;
    const { data, rateLimit } = await client.get<unknown>(
      'tweets/search/recent',
      parameters(request),
      {
        prefix,
        fullResponse: true,
        timeout: REQUEST_TIMEOUT_MS,
      },
    );
    return readPage(data, rateLimit, clock.now(), prefix);
  };

  return async (request) => {
    let refusedOnce = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await ask(request);
      } catch (error) {
        if (error instanceof ApiResponseError && error.code < 500 && error.code !== 408) {
          // A token kept in memory may have been replaced meanwhile: read it once more before giving up.
          if (error.code === 401 && !refusedOnce) {
            refusedOnce = true;
            token.forget();
            continue;
          }
          return judge(error, request, token, clock.now());
        }
        if (!isTransient(error)) {
          throw error;
        }
        if (attempt === MAX_TRIES) {
          throw new StepError(
            'XUnavailable',
            `${prefix}tweets/search/recent did not answer in ${MAX_TRIES} tries; the last one: ${sayWhy(error)}`,
          );
        }
        await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (1 + Math.random() / 2));
      }
    }
  };
}

/** X's address as the library wants it: with the API's version and a slash at the end. */
function versionedPrefix(apiBaseUrl: string): string {
  const url = new URL(apiBaseUrl);
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path === '' ? '/2' : path}/`;
}

function parameters(request: SearchRequest): Record<string, string | number> {
  return {
    query: request.query,
    max_results: request.maxResults,
    'tweet.fields': 'id,text,author_id,created_at,lang,public_metrics',
    expansions: 'author_id',
    'user.fields': 'id,username',
    ...(request.sinceId !== null && { since_id: request.sinceId }),
    ...(request.startTime !== null && { start_time: request.startTime }),
    ...(request.untilId !== null && { until_id: request.untilId }),
    ...(request.nextToken !== null && { next_token: request.nextToken }),
  };
}

function readPage(
  data: unknown,
  rateLimit: { remaining: number; reset: number } | undefined,
  now: Date,
  prefix: string,
): SearchAnswer {
  const parsed = SearchResponse.safeParse(data);
  if (!parsed.success) {
    throw new StepError(
      'XRequestRejected',
      `${prefix} answers, but not as X's recent search does (${parsed.error.issues[0]?.message ?? 'no meta'}). ` +
        'Check the address of the X API in infra/config.ts.',
    );
  }
  const { data: tweets, includes, meta } = parsed.data;
  const users = includes.users.flatMap((user) => User.safeParse(user).data ?? []);
  const ids = tweets.flatMap((tweet) => HasId.safeParse(tweet).data?.id ?? []).sort(byNumber);
  return {
    kind: 'page',
    tweets,
    usernames: new Map(users.map(({ id, username }) => [id, username])),
    newestId: meta.newest_id ?? ids.at(-1) ?? null,
    oldestId: meta.oldest_id ?? ids.at(0) ?? null,
    nextToken: meta.next_token ?? null,
    fetchedAt: now.toISOString(),
    usedUpUntil: rateLimit?.remaining === 0 ? resumeTime(rateLimit.reset, now) : null,
  };
}

/** What a refusal means for the window: an answer where there is something to do, else an error. */
function judge(
  error: ApiResponseError,
  request: SearchRequest,
  token: BearerToken,
  now: Date,
): SearchAnswer {
  const problem = Problem.safeParse(error.data).data ?? {};
  const detail = describe(error, problem);
  if (error.code === 402 || (error.code === 429 && isCap(problem))) {
    return { kind: 'capped', detail };
  }
  if (error.code === 429) {
    const resumeAt =
      resumeTime(error.rateLimit?.reset, now) ?? new Date(now.valueOf() + RATE_WINDOW_MS);
    return resumeAt.valueOf() - now.valueOf() > LONGEST_WAIT_MS
      ? { kind: 'capped', detail: `${detail}; the limit ends at ${resumeAt.toISOString()}` }
      : { kind: 'rate-limited', resumeAt };
  }
  if (error.code === 401 || error.code === 403) {
    throw new StepError(
      'XAuthenticationFailed',
      `X refused the bearer token in ${token.secretArn}: ${detail}. ${howToSetToken(token.secretArn)}`,
    );
  }
  if (error.code === 400 && namesStart(problem, request)) {
    return { kind: 'stale', detail };
  }
  throw new StepError('XRequestRejected', `X rejected the search (${request.query}): ${detail}`);
}

/** The monthly cap; its 429 carries no reset time worth waiting for. */
const isCap = ({ title, type, detail }: Problem): boolean =>
  title === 'UsageCapExceeded' ||
  /usage-capped$/.test(type ?? '') ||
  /\bcap\b.*exceeded|monthly/i.test(detail ?? '');

/** Whether a 400 complains about the start of the window that the request named. */
function namesStart(problem: Problem, { sinceId }: SearchRequest): boolean {
  const parameter = sinceId === null ? 'start_time' : 'since_id';
  const complaints = problem.errors ?? [];
  return (
    complaints.some(
      ({ parameters, message }) => parameter in (parameters ?? {}) || message?.includes(parameter),
    ) || (problem.detail ?? '').includes(parameter)
  );
}

/**
 * One second after the reset, so that clocks a little apart do not cost a second refusal.
 * A reset long past says nothing: taking it at its word would ask again each second.
 */
function resumeTime(resetSeconds: number | undefined, now: Date): Date | null {
  const reset = (resetSeconds ?? NaN) * 1000;
  return reset >= now.valueOf() - PAST_RESET_TOLERANCE_MS
    ? new Date(Math.max(reset, now.valueOf()) + 1000)
    : null;
}

function describe(error: ApiResponseError, { title, detail, errors }: Problem): string {
  const said = [title, detail, ...(errors ?? []).map(({ message }) => message)].filter(Boolean);
  return [`HTTP ${error.code}`, ...new Set(said)].join(': ').slice(0, 1000);
}

const isTransient = (error: unknown): boolean =>
  error instanceof ApiResponseError ||
  error instanceof ApiRequestError ||
  error instanceof ApiPartialResponseError;

function sayWhy(error: unknown): string {
  // The library keeps what went wrong with the connection, but its getter `requestError` looks elsewhere.
  const options: unknown =
    error instanceof ApiRequestError ? Reflect.get(error, '_options') : undefined;
  const reason: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, 'error') : error;
  return reason instanceof Error ? reason.message : String(reason);
}

/** Ids outgrow a number's precision, not its order of length. */
const byNumber = (a: string, b: string): number =>
  a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
