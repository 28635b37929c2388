import { timingSafeEqual, createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AwsError } from '../protocol';

/** Where CDK's custom resources answer: the id in the path is the proof, as in the presigned URL that AWS gives them. */
export const CFN_RESPONSE =
  /^\/_ministack\/cfn-response\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** ministack answers these to anybody; no bucket of that name can be used here. */
const ADMIN_PATHS = new Set(['/health', '/logout', '/oauth2', '/.well-known', '/v4']);

/** A request may have each of these once: who reads the first one and who joins them would see two requests. */
const ONCE = [
  'host',
  'authorization',
  'content-length',
  'content-type',
  'transfer-encoding',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-target',
];

/**
 * What is asked of every request before anything else is looked at. A browser cannot leave `Origin`, `Sec-Fetch-Site`
 * or the name it looked up (`Host`) out of a request that a page makes, so none of those reaches a service: no page of
 * another site, no name that was rebound to 127.0.0.1, no preflight. Throws AwsError.
 */
export function checkDoor(req: IncomingMessage, port: number): void {
  const { headers } = req;
  const names = headerNames(req);
  for (const name of ONCE) {
    if (names.filter((other) => other === name).length > 1)
      throw new AwsError('InvalidRequest', `The header ${name} may be sent once.`, 400);
  }
  if (!hostsOf(port).includes(headers.host ?? ''))
    throw refused(
      `The host '${headers.host ?? ''}' is not this server's: use http://127.0.0.1:${port}.`,
    );
  if (names.includes('origin') || names.some((name) => name.startsWith('access-control-request-')))
    throw refused('Web pages may not call the embedded cloud: it takes no request with an Origin.');
  // `none` (an address that a person typed) is refused as well: no AWS client sends the header at all.
  if (names.includes('sec-fetch-site'))
    throw refused('Browsers may not call the embedded cloud: use an AWS client.');
  if (req.method === 'OPTIONS' || req.method === 'TRACE')
    throw refused(`The embedded cloud answers no ${req.method}.`);
  if (names.includes('upgrade'))
    throw new AwsError('InvalidRequest', 'The embedded cloud speaks HTTP/1.1 only.', 400);
  if (!req.url?.startsWith('/'))
    throw new AwsError('InvalidURI', 'The request line must hold a path that begins with /.', 400);
}

/**
 * Throws 404 for what is between gateway and launcher (`/_lake`) and for ministack's own routes (`/_ministack`,
 * `/_localstack`, `/_aws`, `/health`), however they are spelled. No bucket's name begins with an underscore, so
 * every path that does is closed but the two that are answered to somebody: the X emulator, and custom resources.
 */
export function checkPath(path: string): void {
  for (const spelling of spellings(path)) {
    const first = /^\/[^/]*/.exec(spelling)?.[0] ?? '/';
    if (first.startsWith('/_') || ADMIN_PATHS.has(first)) throw nothingHere();
  }
}

export const nothingHere = (): AwsError => new AwsError('NotFound', 'There is nothing here.', 404);

/** The path of a request as it was sent. */
export const rawPath = (req: IncomingMessage): string => (req.url ?? '/').split('?', 1)[0] ?? '/';

/** All paths that a reader could take this one for: decoded again and again, without double slashes and dots. */
function spellings(path: string): string[] {
  const found: string[] = [];
  let current = path;
  for (let round = 0; round < 8; round += 1) {
    const plain = current.toLowerCase().replaceAll('\\', '/');
    found.push(plain.replace(/\/+/g, '/'), withoutDots(plain));
    let decoded: string;
    try {
      decoded = decodeURIComponent(current);
    } catch {
      if (round === 0)
        throw new AwsError('InvalidURI', `The path ${path} is not valid percent-encoding.`);
      return found;
    }
    if (decoded === current) return found;
    current = decoded;
  }
  throw new AwsError('InvalidURI', `The path ${path} is encoded too many times.`);
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

/** Whether two secrets are equal, in a time that says nothing about where they differ. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** A client leaves out the port that http has by default. */
const hostsOf = (port: number): string[] =>
  ['127.0.0.1', 'localhost'].flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : [`${name}:${port}`],
  );

function headerNames({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
}

const refused = (message: string): AwsError => new AwsError('AccessDenied', message, 403);
