import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { CALLER_HEADER, launcherHeaders, TOKEN_HEADER } from './launcher';
import type { LauncherAddress } from './options';
import { AwsError, sendError } from './protocol';

/** Headers that belong to one connection; all others, Host included, are signed or meant for the far end. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'expect', 'upgrade'];
/** What only the gateway says to the launcher: who asks, from where, and over what. */
const OURS = [TOKEN_HEADER, CALLER_HEADER, 'forwarded'];

/** What the door found out about a request that is passed on. */
export interface PassedOn {
  /** Whose signature it carries; empty for a request that needs none. */
  readonly accessKeyId: string;
  /** The body, where it was read to check the signature. */
  readonly body?: Buffer;
  /** What the body's SHA-256 must be, where the signature says so: else the launcher never gets its end. */
  readonly sha256?: string;
}

/** Streams requests to the launcher and its answers back, without anything that would let a web page read them. */
export class Proxy {
  private readonly target: URL;

  // Hypercorn closes an idle connection after 5 s; leaving it first avoids the race of a request that meets the close.
  private readonly agent = new Agent({ keepAlive: true, timeout: 3000 });

  constructor(private readonly launcher: LauncherAddress) {
    this.target = new URL(launcher.url);
  }

  /** `refuse` answers a body that is not the one that was signed. */
  forward(
    req: IncomingMessage,
    res: ServerResponse,
    { accessKeyId, body, sha256 }: PassedOn,
    refuse: (error: AwsError) => void,
  ): void {
    const own = Object.entries(launcherHeaders(this.launcher.token, accessKeyId)).flat();
    const upstream = request({
      agent: this.agent,
      host: this.target.hostname,
      port: this.target.port,
      method: req.method,
      path: req.url,
      headers: [...without(req.rawHeaders, isRequestHeaderDropped), ...own],
      // The client's own Host is among the headers.
      setHost: false,
    });
    let refused = false;
    upstream.on('response', (answer) => {
      res.writeHead(
        answer.statusCode ?? 502,
        answer.statusMessage,
        without(answer.rawHeaders, isAnswerHeaderDropped),
      );
      answer.pipe(res);
      answer.on('error', () => res.destroy());
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (refused) return;
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
    if (body !== undefined) {
      upstream.end(body);
      return;
    }
    if (sha256 === undefined) {
      req.pipe(upstream);
      return;
    }
    const checked = new Checked(sha256);
    checked.on('error', () => {
      refused = true;
      upstream.destroy();
      refuse(
        new AwsError(
          'XAmzContentSHA256Mismatch',
          "The provided 'x-amz-content-sha256' header does not match what was computed.",
          400,
        ),
      );
    });
    req.pipe(checked).pipe(upstream);
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Lets bytes through but for the last piece, which it holds back until all of them have the hash that was signed. */
class Checked extends Transform {
  private readonly hash = createHash('sha256');
  private held: Buffer | undefined;

  constructor(private readonly sha256: string) {
    super();
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error?: Error) => void): void {
    this.hash.update(chunk);
    if (this.held) this.push(this.held);
    this.held = chunk;
    done();
  }

  override _flush(done: (error?: Error) => void): void {
    if (this.hash.digest('hex') !== this.sha256) {
      done(new Error('the body is not the one that was signed'));
      return;
    }
    if (this.held) this.push(this.held);
    done();
  }
}

const isRequestHeaderDropped = (name: string): boolean =>
  HOP_BY_HOP.includes(name) || OURS.includes(name) || name.startsWith('x-forwarded-');

/** ministack lets every web page read its answers. */
const isAnswerHeaderDropped = (name: string): boolean =>
  HOP_BY_HOP.includes(name) || name.startsWith('access-control-');

/** Drops headers from Node's flat list of names and values. */
function without(rawHeaders: readonly string[], isDropped: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (!isDropped(name.toLowerCase())) kept.push(name, rawHeaders[i + 1] ?? '');
  }
  return kept;
}
