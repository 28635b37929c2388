import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { RatedText } from '../corpus/read-corpus';
import { sameSecret } from '../gateway/door/door';
import { Archive } from './archive';
import type { DriftScript } from './drift';
import { altered } from './faults/alter';
import { changed } from './faults/change';
import { Due, FaultPlayer } from './faults/due';
import type { FaultScript } from './faults/script';
import { send, type Answer } from './faults/send';
import { pageOf, ParameterError } from './request';
import { searchRecent, type Posts } from './search';
import { describeError, visible } from '../../session/visible';

export interface ServeOptions {
  /** @default Date.now */
  now?: () => number;
  /** Requests per 15 minutes and bearer token. @default 450, X's limit for an app */
  requestsPerWindow?: number;
  /** The only accepted bearer token. @default any token */
  token?: string;
  /** Faults to play. @default none */
  script?: FaultScript;
  /** Called for every search, also one that was not answered. */
  observe?: (search: ObservedSearch) => void;
}

export interface XApiOptions extends ServeOptions {
  /** The lake's folder; the archive is in `x/` below it. */
  home: string;
  /** Called only at the first boot. */
  readTexts: () => RatedText[];
  /** A change of what people write. @default none */
  drift?: DriftScript | undefined;
}

export interface ObservedSearch {
  /** From 1. */
  request: number;
  params: URLSearchParams;
  status: number;
  /** The contents of `data`. */
  sent: readonly unknown[];
  /** Ids of the page's posts, before the script changed them. */
  ids: readonly string[];
  /** Ids of all posts that the script has held back, including released ones. */
  heldBack: ReadonlySet<string>;
  /** Whether the complete response was sent. */
  isComplete: boolean;
}

export type XApiHandler = (request: IncomingMessage, response: ServerResponse) => void;

const rateWindowSeconds = 15 * 60;

interface Budget {
  used: number;
  /** End of the rate window, in Unix seconds. */
  resets: number;
}

const problem = (status: number, title: string): Answer => ({
  status,
  body: { title, detail: title, type: 'about:blank', status },
});

/** X API v2 recent search over the bundled corpus. */
export const createXApi = ({ home, readTexts, drift, ...options }: XApiOptions): XApiHandler =>
  serveXApi(
    Archive.open(join(home, 'x', 'archive.json'), readTexts, (options.now ?? Date.now)(), drift),
    options,
  );

/**
 * X API v2 recent search over these posts: `GET <prefix>/2/tweets/search/recent`.
 *
 * Each bearer token has its own rate window. The handler reads only the end of the path, so it can be
 * mounted anywhere.
 */
export function serveXApi(posts: Posts, options: ServeOptions = {}): XApiHandler {
  const { now = Date.now, script = { faults: [] }, observe } = options;
  const requestsPerWindow = options.requestsPerWindow ?? script.requestsPerWindow ?? 450;
  const player = new FaultPlayer(script);
  const budgets = new Map<string, Budget>();
  /** The last page of each query, for the script's duplicates. */
  const lastPages = new Map<string, Record<string, unknown>[]>();
  /** Number of the first search that finds a post, by its id. */
  const hiddenUntil = new Map<string, number>();
  let searches = 0;

  const spend = (token: string): Budget => {
    const seconds = Math.floor(now() / 1000);
    const current = budgets.get(token);
    const budget =
      current && current.resets > seconds
        ? current
        : { used: 0, resets: seconds + rateWindowSeconds };
    budget.used += 1;
    budgets.set(token, budget);
    return budget;
  };

  const hidden = (): Set<string> =>
    new Set([...hiddenUntil].flatMap(([id, until]) => (until > searches ? [id] : [])));

  const search = (params: URLSearchParams, due: Due): Found & { body: unknown } => {
    const query = params.get('query') ?? '';
    const turn = due.has('empty-page')
      ? 'empty'
      : due.has('repeated-token')
        ? 'repeated'
        : due.all('order').some(({ how }) => how === 'pages-swapped')
          ? 'swapped'
          : 'straight';
    const page = () =>
      searchRecent(posts, params, now(), {
        pageSize: script.pageSize,
        hidden: hidden(),
        turn,
        alter: (found) => altered(found, due),
      });
    for (const { tweets, requests } of due.all('late')) {
      for (const post of page().data?.slice(0, tweets) ?? []) {
        const id = String(post['id']);
        // A post that was late once must not disappear again.
        if (!hiddenUntil.has(id)) hiddenUntil.set(id, searches + requests);
      }
    }
    const answer = page();
    const sent = changed(answer, due, lastPages.get(query) ?? []);
    if (answer.data) lastPages.set(query, answer.data);
    return {
      body: sent,
      sent: sent.data ?? [],
      ids: (answer.data ?? []).map((post) => String(post['id'])),
    };
  };

  /** The response to a search, and the posts in it. */
  const answer = (params: URLSearchParams, token: string, due: Due): Found & { answer: Answer } => {
    const skew = due.all('clock-skew').reduce((sum, { seconds }) => sum + seconds, 0);
    const { used, resets } = spend(token);
    const headers = {
      date: new Date(now() + skew * 1000).toUTCString(),
      'x-rate-limit-limit': String(requestsPerWindow),
      'x-rate-limit-remaining': String(Math.max(0, requestsPerWindow - used)),
      'x-rate-limit-reset': String(resets + skew),
    };
    const refusal = refusalOf(due, headers, now(), params);
    if (refusal) return { answer: refusal, ...nothing };
    if (used > requestsPerWindow)
      return { answer: { ...problem(429, 'Too Many Requests'), headers }, ...nothing };
    try {
      const { body, ...found } = search(params, due);
      const day = due.all('day-used-up').map((fault) => dayHeaders(fault, now()));
      return { answer: { status: 200, body, headers: Object.assign(headers, ...day) }, ...found };
    } catch (error) {
      if (!(error instanceof ParameterError)) throw error;
      return { answer: { ...invalidRequest(error), headers }, ...nothing };
    }
  };

  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://x-api-stub');
    const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!/(^|\/)2\/tweets\/search\/recent$/.test(url.pathname)) {
      send(request, response, problem(404, 'Not Found'), noFault);
    } else if (request.method !== 'GET') {
      send(request, response, problem(405, 'Method Not Allowed'), noFault);
    } else if (
      token === undefined ||
      (options.token !== undefined && !sameSecret(token, options.token))
    ) {
      send(request, response, problem(401, 'Unauthorized'), noFault);
    } else {
      const { searchParams: params } = url;
      searches += 1;
      const met = { request: searches, page: pageOf(params), query: params.get('query') ?? '' };
      const due = player.due(met);
      let result: ReturnType<typeof answer>;
      try {
        result = answer(params, token, due);
      } catch (error) {
        console.error(visible(`X API stub: ${describeError(error)}`));
        result = { answer: problem(500, 'Internal Server Error'), ...nothing };
      }
      const isComplete = send(request, response, result.answer, due);
      const { sent, ids } = result;
      const heldBack = new Set(hiddenUntil.keys());
      const { status } = result.answer;
      observe?.({ request: met.request, params, status, sent, ids, isComplete, heldBack });
    }
  };
}

type Found = Pick<ObservedSearch, 'sent' | 'ids'>;
const nothing: Found = { sent: [], ids: [] };
const noFault = new Due([]);

/** The script's error response instead of a page; undefined if there is none. */
function refusalOf(
  due: Due,
  headers: Record<string, string>,
  now: number,
  params: URLSearchParams,
): Answer | null {
  const limit = due.find('rate-limit');
  if (limit) {
    const reset = {
      ...headers,
      'x-rate-limit-remaining': '0',
      'x-rate-limit-reset': String(Math.floor(now / 1000) + limit.resetSeconds),
    };
    return { ...problem(429, 'Too Many Requests'), headers: limit.headers ? reset : {} };
  }
  const day = due.find('day-limit');
  if (day) {
    return {
      ...problem(429, 'Too Many Requests'),
      headers: { ...headers, ...dayHeaders(day, now) },
    };
  }
  const cap = due.find('monthly-cap');
  if (cap) return { status: 429, body: usageCapExceeded, headers: cap.headers ? headers : {} };
  const status = due.find('status');
  if (status) {
    const bodies = {
      problem: problem(status.status, 'Service Unavailable').body,
      html: '<html>over capacity</html>',
      empty: '',
    };
    return { status: status.status, body: bodies[status.body], headers };
  }
  if (due.has('stale-start')) {
    const parameter = params.has('since_id') ? 'since_id' : 'start_time';
    const value = params.get(parameter) ?? '';
    const message = `'${parameter}' must be a tweet id created after [a minute ago]. Please use a '${parameter}' that is larger than ${value}`;
    return { ...invalidRequest(new ParameterError(parameter, value, message)), headers };
  }
  if (due.has('token-refused')) {
    const value = params.get('next_token') ?? '';
    const message = `The \`next_token\` query parameter value [${value}] is not valid`;
    return { ...invalidRequest(new ParameterError('next_token', value, message)), headers };
  }
  return null;
}

/** Headers of X's 24-hour limits, which are counted separately per app and per user. */
const dayHeaders = (
  { of, resetSeconds }: { of: 'app' | 'user'; resetSeconds: number },
  now: number,
): Record<string, string> => ({
  [`x-${of}-limit-24hour-limit`]: '1667',
  [`x-${of}-limit-24hour-remaining`]: '0',
  [`x-${of}-limit-24hour-reset`]: String(Math.floor(now / 1000) + resetSeconds),
});

const usageCapExceeded = {
  account_id: 1,
  product_name: 'standard-basic',
  title: 'UsageCapExceeded',
  period: 'Monthly',
  scope: 'Product',
  detail: 'Usage cap exceeded: Monthly product cap',
  type: 'https://api.twitter.com/2/problems/usage-capped',
};

function invalidRequest({ parameter, value, message }: ParameterError): Answer {
  return {
    status: 400,
    body: {
      errors: [{ parameters: { [parameter]: [value] }, message }],
      title: 'Invalid Request',
      detail: 'One or more parameters to your request was invalid.',
      type: 'https://api.twitter.com/2/problems/invalid-request',
    },
  };
}
