import { Agent, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AwsError, sendError } from './protocol';

/** Headers that belong to one connection; all others, Host included, are signed or meant for the far end. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'expect', 'upgrade']);

/** Streams requests to the launcher and its answers back, unchanged. */
export class Proxy {
  private readonly target: URL;

  // Hypercorn closes an idle connection after 5 s; leaving it first avoids the race of a request that meets the close.
  private readonly agent = new Agent({ keepAlive: true, timeout: 3000 });

  constructor(launcherUrl: string) {
    this.target = new URL(launcherUrl);
  }

  forward(req: IncomingMessage, res: ServerResponse): void {
    const upstream = request({
      agent: this.agent,
      host: this.target.hostname,
      port: this.target.port,
      method: req.method,
      path: req.url,
      headers: endToEnd(req.rawHeaders),
      // The client's own Host is among the headers.
      setHost: false,
    });
    upstream.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
      answer.pipe(res);
      answer.on('error', () => res.destroy());
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      sendError(
        res,
        new AwsError(
          'BadGateway',
          `The embedded cloud behind this gateway does not answer at ${this.target.origin} (${error.code ?? error.message}). ` +
            'Start it again with `npm start` or `npm run up`.',
          502,
        ),
      );
    });
    res.on('close', () => {
      if (!res.writableFinished) upstream.destroy();
    });
    req.pipe(upstream);
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Drops the headers of the connection from Node's flat list of names and values. */
function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, rawHeaders[i + 1] ?? '');
  }
  return kept;
}
