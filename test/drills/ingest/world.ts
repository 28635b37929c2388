import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { ArchivedPost } from '../../../embedded/x-api/archive';
import type { FaultScript } from '../../../embedded/x-api/faults/script';
import { serveXApi, type ObservedSearch, type XApiHandler } from '../../../embedded/x-api/handler';
import { indexed } from '../../../embedded/x-api/query';
import { compareIds, idAt } from '../../../embedded/x-api/snowflake';

export const QUERIES = [
  { name: 'one', query: '(alpha)' },
  { name: 'two', query: '(beta OR gamma)' },
] as const;

export type QueryName = (typeof QUERIES)[number]['name'];

export interface WorldPost {
  id: string;
  text: string;
  createdAt: number;
  /** From when on X can find it. */
  visibleAt: number;
}

/** All posts there are, X's answers, and what they held. */
export class World {
  readonly posts: WorldPost[] = [];
  readonly answers: ObservedSearch[] = [];
  /** Posts that the script made late. */
  readonly hidden = new Set<string>();
  private readonly shown = new Map<string, ArchivedPost>();
  /** Told of each answer, too. */
  watch: (search: ObservedSearch) => void = () => undefined;
  private handler: XApiHandler;

  constructor(
    private readonly now: () => number,
    script: FaultScript,
  ) {
    this.handler = this.serve(script);
  }

  /** From now on nothing fails. */
  quiet(pageSize?: number): void {
    this.handler = this.serve({ faults: [], pageSize });
  }

  handle: XApiHandler = (request, response) => this.handler(request, response);

  /** `sequence` sets apart what is posted in one millisecond. */
  post(words: string, createdAt: number, visibleAt: number): void {
    const sequence = this.posts.length + 1;
    const id = idAt(createdAt, sequence % 4096);
    this.posts.push({
      id,
      text: `${words} p${sequence}p https://t.co/${sequence}`,
      createdAt,
      visibleAt,
    });
  }

  private serve(script: FaultScript): XApiHandler {
    const postsNow = () => this.postsNow();
    const source = {
      release: () => 0,
      get posts() {
        return postsNow();
      },
    };
    return serveXApi(source, {
      now: this.now,
      script,
      requestsPerWindow: script.requestsPerWindow ?? 10_000,
      observe: (search) => {
        this.answers.push(search);
        this.watch(search);
        for (const id of search.heldBack) this.hidden.add(id);
      },
    });
  }

  private postsNow(): ArchivedPost[] {
    return this.posts
      .filter(({ visibleAt }) => visibleAt <= this.now())
      .map((post) => this.show(post))
      .sort((a, b) => compareIds(b.id, a.id));
  }

  private show(post: WorldPost): ArchivedPost {
    const known = this.shown.get(post.id);
    if (known) return known;
    const { id, text, createdAt } = post;
    const shown: ArchivedPost = {
      id,
      text,
      createdAt,
      lang: 'en',
      author: { id: '77', username: 'ada', name: 'Ada', followers: 1 },
      searchable: indexed({ text, lang: 'en', username: 'ada' }),
      metrics: { retweet_count: 0, reply_count: 0, like_count: 1, quote_count: 0 },
    };
    this.shown.set(id, shown);
    return shown;
  }
}

/** One server for all worlds, one after the other. */
export class XHost {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}
  handler: XApiHandler = (_, response) => response.destroy();

  static async start(): Promise<XHost> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const host = new XHost(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => host.handler(request, response));
    return host;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
