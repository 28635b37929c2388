import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { CALLER_HEADER, launcherHeaders, TOKEN_HEADER } from './launcher';
import type { LauncherAddress } from './options';
import { AwsError, sendError } from './protocol';

/** Headers of one connection. All others, including Host, are signed or meant for the launcher. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'expect', 'upgrade'];
/** Headers that only the gateway may send to the launcher; clients' ones are dropped. */
const OURS = [TOKEN_HEADER, CALLER_HEADER, 'forwarded'];

/** What authentication found out about a request that is passed on. */
export interface PassedOn {
  /** Access key that signed the request; empty if it needs no signature. */
  readonly accessKeyId: string;
  /** The body, if it was read to check the signature. */
  readonly body?: Buffer;
  /** The body's signed SHA-256. If the body has another one, the launcher never receives its end. */
  readonly sha256?: string;
}

/** Streams requests to the launcher and its responses back, without CORS headers, so that no web page can read them. */
export class Proxy {
  private readonly target: URL;

  // Hypercorn closes an idle connection after 5 s. Closing earlier avoids a request that meets that close.
  private readonly agent = new Agent({ keepAlive: true, timeout: 3000 });

  constructor(private readonly launcher: LauncherAddress) {
    this.target = new URL(launcher.url);
  }

  /** Forwards a request. Calls `refuse` when the body is not the signed one. */
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
      // The headers already contain the client's Host.
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

/** Passes bytes on, but holds the last chunk back until the hash of all bytes equals the signed one. */
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

/** ministack's CORS headers let every web page read its responses. */
const isAnswerHeaderDropped = (name: string): boolean =>
  HOP_BY_HOP.includes(name) || name.startsWith('access-control-');

/** Removes headers from Node's flat list of names and values. */
function without(rawHeaders: readonly string[], isDropped: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (!isDropped(name.toLowerCase())) kept.push(name, rawHeaders[i + 1] ?? '');
  }
  return kept;
}
