import { Agent } from 'node:http';
import {
  ApiPartialResponseError,
  ApiRequestError,
  ApiResponseError,
  TwitterApi,
} from 'twitter-api-v2';
import { z } from 'zod';
import { StepError } from '../../workflows/errors';
import type { Clock } from '../shared/clock';
import { explain } from '../shared/explain';
import { keepsTokenSecret, tokenInClear } from './address';
import { boundsAtX } from './bounds';
import type { Bounds } from './bounds';
import { parseExactly } from './exact-json';
import { dayUsedUp, windowReset, windowUsedUp } from './limits';
import { canBringRetweets } from './queries';
import { rawBody } from './raw-body';
import type { RawBody } from './raw-body';
import { originalsIn } from './record';
import type { Original } from './record';
import { howToSetToken } from './token';
import type { BearerToken } from './token';

/** How long a connection may be silent, and how long a whole answer may take. */
const PATIENCE = { silenceMs: 15_000, answerMs: 25_000 };
// 5 tries: 1+2+4+8 s between them, plus jitter, 2.5 minutes with their timeouts; after that the state machine waits.
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 1000;
// X's rate window is 15 minutes. A later reset is a daily limit, and no run waits for it.
const RATE_WINDOW_MS = 15 * 60 * 1000;
const LONGEST_WAIT_MS = 60 * 60 * 1000;
// If the server's clock differs by more than this, our own clock is used.
const CREDIBLE_SKEW_MS = 24 * 60 * 60 * 1000;

/** Ids and times may both be given; the request to X uses only one kind. */
export interface SearchRequest extends Bounds {
  query: string;
  maxResults: number;
  /** Whether to request the authors' handles; X may bill each author. */
  authorNames: boolean;
  nextToken: string | null;
}

export type SearchAnswer =
  | {
      kind: 'page';
      tweets: unknown[];
      body: RawBody;
      /** Handles by user id, for the authors that X returned. */
      usernames: ReadonlyMap<string, string>;
      /** Referenced posts by id: retweeted, quoted or replied to. */
      originals: ReadonlyMap<string, Original>;
      /** Number of referenced posts, which X may bill like the page's own. */
      included: number;
      /** Number of users in the response, which X may bill, too. */
      users: number;
      nextToken: string | null;
      fetchedAt: string;
      /** The server's time, which dates the tweets; our own time if the response has none. */
      serverTime: Date;
      /** When the rate window resets, if this page used up its requests; null while some remain. */
      usedUpUntil: Date | null;
      /** Message if this page used up the requests of 24 hours; null while some remain. */
      dayUsedUp: string | null;
    }
  | { kind: 'rate-limited'; resumeAt: Date }
  /** Waiting does not help: the monthly cap, the credits or a daily limit are used up. */
  | { kind: 'capped'; detail: string }
  /** X rejects the token that it returned with the last page. */
  | { kind: 'token-refused' }
  /** The window or its start is older than X's seven days. */
  | { kind: 'stale'; detail: string };

const Id = z.string().regex(/^\d+$/);
// The ids in `meta` are ignored: a wrong `newest_id` would move the checkpoint past tweets.
const SearchResponse = z.object({
  data: z.array(z.unknown()).nullish(),
  includes: z
    .object({
      users: z.array(z.unknown()).nullish().catch(null),
      tweets: z.array(z.unknown()).nullish().catch(null),
    })
    .nullish()
    .catch(null),
  meta: z.object({ next_token: z.string().min(1).nullish() }),
});
const User = z.object({ id: Id, username: z.string() });

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
 * X's recent search, one page per call. The library's paginator is not used: when the rate window is used up it stops
 * without an error, and the window would look complete.
 *
 * Throws `XAuthenticationFailed`, `XRequestRejected` and, after retries, `XUnavailable`.
 */
export function recentSearch(
  apiBaseUrl: string,
  token: BearerToken,
  clock: Clock,
  patience = PATIENCE,
): Search {
  const prefix = versionedPrefix(apiBaseUrl);
  // The library always calls https.request, which accepts plain http only with an http agent.
  const httpAgent = prefix.startsWith('http:') ? new Agent() : undefined;

  const ask = async (request: SearchRequest): Promise<SearchAnswer> => {
    const client = new TwitterApi(await token.read(), httpAgent && { httpAgent }).readOnly.v2;
    const asked = client.get<Buffer>('tweets/search/recent', parameters(request), {
      prefix,
      fullResponse: true,
      timeout: patience.silenceMs,
      // Raw bytes, so that errors show the original body and a truncated body is detected.
      forceParseMode: 'buffer',
    });
    const { data, headers } = await inTime(asked, patience.answerMs);
    return readPage(data, headers, clock.now());
  };

  return async (request) => {
    let refusedOnce = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await ask(request);
      } catch (error) {
        if (error instanceof ApiResponseError && error.code < 500 && error.code !== 408) {
          // The cached token may have been replaced: read the secret once more before giving up.
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
          throw givenUp(error, prefix);
        }
        await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (1 + Math.random() / 2));
      }
    }
  };
}

/** A response that is not a page of recent search: truncated, or from another server. */
class UnreadableAnswer extends Error {}
class Late extends Error {}

function givenUp(error: unknown, prefix: string): StepError {
  return error instanceof UnreadableAnswer
    ? new StepError(
        'XRequestRejected',
        `${prefix} answered ${MAX_TRIES} times, but not with a page of X's recent search (${error.message}). ` +
          'Check the address of the X API in infra/config.ts.',
      )
    : new StepError(
        'XUnavailable',
        `${prefix}tweets/search/recent did not answer in ${MAX_TRIES} attempts; the last error: ${sayWhy(error)}`,
      );
}

/** The library's timeout counts only silence: a server that sends a byte now and then would block it for ever. */
async function inTime<Answer>(asked: Promise<Answer>, milliseconds: number): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Late(`no complete response within ${milliseconds / 1000} s`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** X's address as the library wants it: with the API's version and a slash at the end. */
function versionedPrefix(apiBaseUrl: string): string {
  if (!keepsTokenSecret(apiBaseUrl)) {
    throw new StepError('XRequestRejected', `The address of X, ${apiBaseUrl}, ${tokenInClear}`);
  }
  const url = new URL(apiBaseUrl);
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path === '' ? '/2' : path}/`;
}

function parameters(request: SearchRequest): Record<string, string | number> {
  const expansions = [
    ...(request.authorNames ? ['author_id'] : []),
    // A retweet's own text is cut at 140 characters. X may charge for each post that comes so, those quoted and replied
    // to included: only a query that can bring retweets asks for them.
    ...(canBringRetweets(request.query) ? ['referenced_tweets.id'] : []),
  ];
  return {
    query: request.query,
    max_results: request.maxResults,
    'tweet.fields':
      'id,text,author_id,created_at,lang,public_metrics,note_tweet,referenced_tweets,edit_history_tweet_ids,withheld',
    ...(expansions.length > 0 && { expansions: expansions.join(',') }),
    ...(request.authorNames && { 'user.fields': 'id,username' }),
    ...boundsAtX(request),
    ...(request.nextToken !== null && { next_token: request.nextToken }),
  };
}

function readPage(body: Buffer, headers: Record<string, unknown>, now: Date): SearchAnswer {
  const parsed = SearchResponse.safeParse(parseJson(body));
  if (!parsed.success) {
    throw new UnreadableAnswer(explain(parsed.error));
  }
  const { data, includes, meta } = parsed.data;
  const users = (includes?.users ?? []).flatMap((user) => User.safeParse(user).data ?? []);
  const saidAt = new Date(String(headers['date'] ?? ''));
  return {
    kind: 'page',
    tweets: data ?? [],
    body: rawBody(body),
    usernames: new Map(users.map(({ id, username }) => [id, username])),
    originals: originalsIn(includes?.tweets),
    included: includes?.tweets?.length ?? 0,
    users: includes?.users?.length ?? 0,
    nextToken: meta.next_token ?? null,
    fetchedAt: now.toISOString(),
    serverTime: Math.abs(saidAt.valueOf() - now.valueOf()) < CREDIBLE_SKEW_MS ? saidAt : now,
    usedUpUntil: windowUsedUp(headers, now),
    dayUsedUp: dayUsedUp(headers, now),
  };
}

function parseJson(body: Buffer): unknown {
  try {
    return parseExactly(body.toString('utf8'));
  } catch {
    throw new UnreadableAnswer('it is not whole JSON');
  }
}

/** What an error response means for the window: a result if the ingest can react to it, else an error. */
function judge(
  error: ApiResponseError,
  request: SearchRequest,
  token: BearerToken,
  now: Date,
): SearchAnswer {
  const problem = problemIn(error.data);
  const detail = describe(error, problem);
  if (error.code === 402 || (error.code === 429 && isCap(problem))) {
    return { kind: 'capped', detail };
  }
  if (error.code === 429) {
    // Check the daily limit first: the 15-minute limit may reset in seconds while the daily one still applies.
    const day = dayUsedUp(error.headers, now);
    if (day !== null) {
      return { kind: 'capped', detail: `${detail}; ${day}` };
    }
    const resumeAt = windowReset(error.headers, now) ?? new Date(now.valueOf() + RATE_WINDOW_MS);
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
  if (error.code === 400) {
    const complaints = complaintsIn(problem);
    if (complaints.some(isOfMixedBounds)) {
      throw new StepError(
        'XRequestRejected',
        `X read the search (${request.query}) as one with since_id or until_id beside start_time or end_time, which it rejects: ${detail}. ` +
          `The request had ${JSON.stringify(boundsAtX(request))}. Check that no proxy between this lake and X adds a parameter; the next run continues from the same place.`,
      );
    }
    if (request.nextToken !== null && complaints.some((said) => said.includes('next_token'))) {
      return { kind: 'token-refused' };
    }
    if (complaints.some((said) => isOfStaleBound(said, Object.keys(boundsAtX(request))))) {
      return { kind: 'stale', detail };
    }
  }
  throw new StepError('XRequestRejected', `X rejected the search (${request.query}): ${detail}`);
}

function problemIn(body: unknown): Problem {
  try {
    return Problem.parse(JSON.parse(Buffer.isBuffer(body) ? body.toString('utf8') : '{}'));
  } catch {
    // Not JSON, for example a proxy's HTML page: only the status is known.
    return {};
  }
}

/** The monthly cap: a 429 without a useful reset time. */
const isCap = ({ title, type, detail }: Problem): boolean =>
  title === 'UsageCapExceeded' ||
  /usage-capped$/.test(type ?? '') ||
  /\bcap\b.*exceeded|monthly/i.test(detail ?? '');

/** The complaints of a 400 response, each with its parameters' names. */
const complaintsIn = ({ errors, detail }: Problem): string[] => [
  ...(errors ?? []).map(({ parameters, message }) =>
    [message ?? '', ...Object.keys(parameters ?? {})].join(' '),
  ),
  ...(detail === undefined ? [] : [detail]),
];

const IDS = ['since_id', 'until_id'];
const TIMES = ['start_time', 'end_time'];
const namesOf = (names: readonly string[], said: string) =>
  names.filter((name) => said.includes(name));

/** Whether a bound is too old. A message without reasons counts, too: the next search shows whether that was the cause. */
const isOfAge = (said: string): boolean =>
  !/\bvalid\b|malformed|\bformat\b|seconds? prior|in the future/i.test(said);

/** Whether X complains of ids beside times. Its hint to use the other kind instead is not such a complaint. */
const isOfMixedBounds = (said: string): boolean =>
  namesOf(IDS, said).length > 0 &&
  namesOf(TIMES, said).length > 0 &&
  !/\b(created|on or) after\b/i.test(said);

/** Whether the complaint is about one requested bound, and not about the order of two. */
function isOfStaleBound(said: string, asked: readonly string[]): boolean {
  const [bound, ...others] = namesOf([...IDS, ...TIMES], said);
  const ofOrder = others.length > 0 && !/\b(created|on or) after\b/i.test(said);
  return (
    bound !== undefined && asked.some((name) => said.includes(name)) && !ofOrder && isOfAge(said)
  );
}

function describe(error: ApiResponseError, { title, detail, errors }: Problem): string {
  const said = [title, detail, ...(errors ?? []).map(({ message }) => message)].filter(Boolean);
  return [`HTTP ${error.code}`, ...new Set(said)].join(': ').slice(0, 1000);
}

const isTransient = (error: unknown): boolean =>
  error instanceof ApiResponseError ||
  error instanceof ApiRequestError ||
  error instanceof ApiPartialResponseError ||
  error instanceof UnreadableAnswer ||
  error instanceof Late;

function sayWhy(error: unknown): string {
  // The library stores the connection's error, but its getter `requestError` reads another field.
  const options: unknown =
    error instanceof ApiRequestError ? Reflect.get(error, '_options') : undefined;
  const reason: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, 'error') : error;
  return reason instanceof Error ? reason.message : String(reason);
}
