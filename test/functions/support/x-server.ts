import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { timeOfId } from '../../../functions/x/ids';

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** The body's bytes, where they are not what JSON.stringify gives. */
  raw?: Buffer;
}

/** A real HTTP server that answers recent search with one prepared reply after the other. */
export class XServer {
  /** Query parameters of each search, and the bearer token it came with. */
  readonly searches: (Record<string, string> & { authorization: string })[] = [];
  /** The server's clock, by which it dates its answers. */
  time = new Date('2026-11-24T02:20:00.000Z');
  private replies: (Reply | 'hang up')[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<XServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const x = new XServer(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => {
      const reply = x.reply(request);
      if (reply === 'hang up') {
        request.socket.destroy();
        return;
      }
      response.writeHead(reply.status ?? 200, {
        'content-type': 'application/json',
        date: x.time.toUTCString(),
        ...reply.headers,
      });
      response.end(reply.raw ?? JSON.stringify(reply.body));
    });
    return x;
  }

  /** What the next searches are answered; earlier replies and searches are forgotten. */
  willAnswer(...replies: (Reply | 'hang up')[]): void {
    this.replies = replies;
    this.searches.length = 0;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private reply(request: IncomingMessage): Reply | 'hang up' {
    const url = new URL(request.url ?? '', this.url);
    if (url.pathname !== '/2/tweets/search/recent') {
      return { status: 404, body: { title: 'Not Found', detail: url.pathname } };
    }
    const authorization = request.headers.authorization ?? '';
    this.searches.push({ ...Object.fromEntries(url.searchParams), authorization });
    return (
      this.replies.shift() ?? { status: 500, body: { title: 'The test prepared no further reply' } }
    );
  }
}

/** A tweet as X sends it, of the time that its id holds; small ids hold none. */
export const tweet = (id: number | string, changes: Record<string, unknown> = {}) => ({
  id: String(id),
  text: `tweet number ${id}`,
  author_id: '77',
  created_at: (timeOfId(String(id)) ?? new Date('2026-11-23T10:00:00.000Z')).toISOString(),
  lang: 'en',
  public_metrics: { retweet_count: 1, reply_count: 0, like_count: 2, quote_count: 0 },
  edit_history_tweet_ids: [String(id)],
  ...changes,
});

/** A page as X sends it, newest first. */
export const page = (tweets: readonly { id: string }[], nextToken?: string): Reply => ({
  body: {
    ...(tweets.length > 0 && {
      data: tweets,
      includes: { users: [{ id: '77', username: 'ada', name: 'Ada' }] },
    }),
    meta: {
      result_count: tweets.length,
      ...(tweets.length > 0 && { newest_id: tweets.at(0)?.id, oldest_id: tweets.at(-1)?.id }),
      ...(nextToken !== undefined && { next_token: nextToken }),
    },
  },
});
