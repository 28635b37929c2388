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
// X's window is 15 minutes. A reset further away is a daily limit: no run waits for that.
const RATE_WINDOW_MS = 15 * 60 * 1000;
const LONGEST_WAIT_MS = 60 * 60 * 1000;
// A server's clock that is further off than this is not believed.
const CREDIBLE_SKEW_MS = 24 * 60 * 60 * 1000;

/** Ids and times may both be given: X is asked for one kind alone. */
export interface SearchRequest extends Bounds {
  query: string;
  maxResults: number;
  /** Whether the authors' handles are wanted: X may charge for each author. */
  authorNames: boolean;
  nextToken: string | null;
}

export type SearchAnswer =
  | {
      kind: 'page';
      tweets: unknown[];
      body: RawBody;
      /** Handle by user id, as far as X sent the authors. */
      usernames: ReadonlyMap<string, string>;
      /** By their ids, the posts that those of the page pass on, quote or reply to. */
      originals: ReadonlyMap<string, Original>;
      /** Posts beside the page's own, which X may charge for like them. */
      included: number;
      /** Users beside the posts, which X may charge for, too. */
      users: number;
      nextToken: string | null;
      fetchedAt: string;
      /** The server's clock, which dates the tweets; our own where it does not say. */
      serverTime: Date;
      /** When the rate window that this page used up begins anew; null while requests remain. */
      usedUpUntil: Date | null;
      /** Says that this page used up the requests of 24 hours, and until when; null while some remain. */
      dayUsedUp: string | null;
    }
  | { kind: 'rate-limited'; resumeAt: Date }
  /** Waiting is useless: the product's cap, the credits or a daily limit are used up. */
  | { kind: 'capped'; detail: string }
  /** X does not go on from the token it gave. */
  | { kind: 'token-refused' }
  /** The window, or its start, lies further back than X's seven days. */
  | { kind: 'stale'; detail: string };

const Id = z.string().regex(/^\d+$/);
// What `meta` says of ids is not read: a wrong `newest_id` would move the checkpoint past tweets.
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
 * X's recent search, one page a call. The library's own paginator is not used: it stops without an error
 * when the rate window is used up, and an iterator that has ended is then taken for a whole window.
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
  // The library always calls https.request, which takes plain http only with an agent of that protocol.
  const httpAgent = prefix.startsWith('http:') ? new Agent() : undefined;

  const ask = async (request: SearchRequest): Promise<SearchAnswer> => {
    const client = new TwitterApi(await token.read(), httpAgent && { httpAgent }).readOnly.v2;
    const asked = client.get<Buffer>('tweets/search/recent', parameters(request), {
      prefix,
      fullResponse: true,
      timeout: patience.silenceMs,
      // The bytes themselves: what is refused is shown as it came, and a cut body is seen as one.
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
          throw givenUp(error, prefix);
        }
        await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (1 + Math.random() / 2));
      }
    }
  };
}

/** An answer that was no page of recent search: cut off on its way, or of another server. */
class UnreadableAnswer extends Error {}
class Late extends Error {}

function givenUp(error: unknown, prefix: string): StepError {
  return error instanceof UnreadableAnswer
    ? new StepError(
        'XRequestRejected',
        `${prefix} answered ${MAX_TRIES} times, but not as X's recent search does (${error.message}). ` +
          'Check the address of the X API in infra/config.ts.',
      )
    : new StepError(
        'XUnavailable',
        `${prefix}tweets/search/recent did not answer in ${MAX_TRIES} tries; the last one: ${sayWhy(error)}`,
      );
}

/** The library gives up on silence alone: a server that sends a byte now and then would hold it for ever. */
async function inTime<Answer>(asked: Promise<Answer>, milliseconds: number): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Late(`no whole answer within ${milliseconds / 1000} s`)),
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

/** What a refusal means for the window: an answer where there is something to do, else an error. */
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
    // The day's first: beside it the 15 minutes' limit may name a reset in a few seconds, and refuse again after it.
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
        `X read the search (${request.query}) as one that has since_id or until_id beside start_time or end_time, which it refuses: ${detail}. ` +
          `Asked was for ${JSON.stringify(boundsAtX(request))}. Check that nothing between this lake and X adds a parameter; the next run asks from the same place.`,
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
    // A proxy's page of HTML: the status alone has to do.
    return {};
  }
}

/** The monthly cap; its 429 carries no reset time worth waiting for. */
const isCap = ({ title, type, detail }: Problem): boolean =>
  title === 'UsageCapExceeded' ||
  /usage-capped$/.test(type ?? '') ||
  /\bcap\b.*exceeded|monthly/i.test(detail ?? '');

/** What a 400 complains of, each with the names of its parameters. */
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

/** That a bound lies too far back. A message without reasons counts, too: what X has tells whether it was so. */
const isOfAge = (said: string): boolean =>
  !/\bvalid\b|malformed|\bformat\b|seconds? prior|in the future/i.test(said);

/** Ids beside times: each kind alone would be taken. X's hint to use the other kind instead is no such complaint. */
const isOfMixedBounds = (said: string): boolean =>
  namesOf(IDS, said).length > 0 &&
  namesOf(TIMES, said).length > 0 &&
  !/\b(created|on or) after\b/i.test(said);

/** One bound of those asked for, and not the order of two. */
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
  // The library keeps what went wrong with the connection, but its getter `requestError` looks elsewhere.
  const options: unknown =
    error instanceof ApiRequestError ? Reflect.get(error, '_options') : undefined;
  const reason: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, 'error') : error;
  return reason instanceof Error ? reason.message : String(reason);
}
