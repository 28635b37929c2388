import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { RatedText } from '../corpus/read-corpus';
import { Archive } from './archive';
import { ParameterError, searchRecent } from './search';

export interface XApiOptions {
  /** The lake's folder; the archive is kept in `x/` below it. */
  home: string;
  /** Called on the first boot only. */
  readTexts: () => RatedText[];
  /** @default Date.now */
  now?: () => number;
  /** Requests per 15 minutes and bearer token. @default 450, as X allows an app */
  requestsPerWindow?: number;
}

export type XApiHandler = (request: IncomingMessage, response: ServerResponse) => void;

const rateWindowSeconds = 15 * 60;

interface Budget {
  used: number;
  /** Unix seconds at which the window ends. */
  resets: number;
}

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

const problem = (status: number, title: string): Answer => ({
  status,
  body: { title, detail: title, type: 'about:blank', status },
});

/**
 * X API v2 recent search over the bundled corpus: `GET <prefix>/2/tweets/search/recent`.
 *
 * Any bearer token is accepted; each has a rate window of its own. Where the handler is mounted
 * does not matter: it looks at the end of the path.
 */
export function createXApi(options: XApiOptions): XApiHandler {
  const { home, readTexts, now = Date.now, requestsPerWindow = 450 } = options;
  const archive = Archive.open(join(home, 'x', 'archive.json'), readTexts, now());
  const budgets = new Map<string, Budget>();

  const spend = (token: string): Budget => {
    const seconds = Math.floor(now() / 1000);
    const current = budgets.get(token);
    const budget =
      current && current.resets > seconds ? current : { used: 0, resets: seconds + rateWindowSeconds };
    budget.used += 1;
    budgets.set(token, budget);
    return budget;
  };

  const answer = (request: IncomingMessage): Answer => {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    if (!/(^|\/)2\/tweets\/search\/recent$/.test(url.pathname)) return problem(404, 'Not Found');
    if (request.method !== 'GET') return problem(405, 'Method Not Allowed');
    const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return problem(401, 'Unauthorized');

    const { used, resets } = spend(token);
    const headers = {
      'x-rate-limit-limit': String(requestsPerWindow),
      'x-rate-limit-remaining': String(Math.max(0, requestsPerWindow - used)),
      'x-rate-limit-reset': String(resets),
    };
    if (used > requestsPerWindow) return { ...problem(429, 'Too Many Requests'), headers };
    try {
      return { status: 200, body: searchRecent(archive, url.searchParams, now()), headers };
    } catch (error) {
      if (!(error instanceof ParameterError)) throw error;
      return { ...invalidRequest(error), headers };
    }
  };

  return (request, response) => {
    let result: Answer;
    try {
      result = answer(request);
    } catch (error) {
      console.error('X stand-in:', error);
      result = problem(500, 'Internal Server Error');
    }
    request.resume();
    response.writeHead(result.status, { 'content-type': 'application/json; charset=utf-8', ...result.headers });
    response.end(JSON.stringify(result.body));
  };
}

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
