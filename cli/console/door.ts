import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Largest request body: a SQL statement or a run's input. */
export const MAX_BODY_BYTES = 1_000_000;

/** An answer other than 200; the message is for the person at the page. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Made anew at each start and printed as a part of the address: who cannot read the terminal cannot call. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/**
 * Lets in only the console's own page. Other pages of the browser are kept out by `Origin` and `Sec-Fetch-Site`, names
 * that were rebound to 127.0.0.1 by `Host`, and other programs and users of this machine by the token. Throws Refused.
 */
export function checkDoor(request: IncomingMessage, port: number, token: string | null): void {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const { host = '', origin, authorization = '' } = request.headers;
  if (!hosts.includes(host)) throw new Refused(403, `The host "${host}" is not this console.`);
  if (origin !== undefined && origin !== `http://${host}`)
    throw new Refused(403, 'Pages of other sites may not call the console.');
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw new Refused(403, 'Pages of other sites may not call the console.');
  if (token !== null && !isSame(authorization, `Bearer ${token}`))
    throw new Refused(
      401,
      'This page has no valid token. Open the address that npm run console printed at its last start.',
    );
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The JSON of a request's body. Throws Refused for another content type, too many bytes, or what is not JSON. */
export async function jsonBody(request: IncomingMessage): Promise<unknown> {
  // A page of another site can send forms without a question first, but no JSON.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new Refused(415, 'The console takes application/json.');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES)
      throw new Refused(413, `The console takes ${MAX_BODY_BYTES} bytes at most.`);
    chunks.push(part);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return value;
  } catch {
    throw new Refused(400, 'The body is not JSON.');
  }
}

/** Sent with every answer. Plot writes styles into its drawings; scripts come from the console alone. */
export const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};
