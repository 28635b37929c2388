import { timingSafeEqual, createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AwsError } from '../protocol';

/** Path to which CDK's custom resources respond. The id in it is a secret, like the presigned URL on AWS. */
export const CFN_RESPONSE =
  /^\/_ministack\/cfn-response\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Paths that ministack answers without authentication. Buckets with these names cannot be used here. */
const ADMIN_PATHS = new Set(['/health', '/logout', '/oauth2', '/.well-known', '/v4']);

/** Headers that may occur only once: one reader takes the first value, another joins them, so they would disagree. */
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
 * Checks that every request has the right host and is not from a browser, before anything else. A browser always
 * sends `Origin`, `Sec-Fetch-Site` or the name it looked up (`Host`) with a page's request. So no request reaches a
 * service from another site's page, through a name rebound to 127.0.0.1, or as a preflight. Throws AwsError.
 */
export function checkDoor(req: IncomingMessage, port: number): void {
  const { headers } = req;
  const names = headerNames(req);
  for (const name of ONCE) {
    if (names.filter((other) => other === name).length > 1)
      throw new AwsError('InvalidRequest', `The header ${name} may be sent only once.`, 400);
  }
  if (!hostsOf(port).includes(headers.host ?? ''))
    throw refused(
      `The host '${headers.host ?? ''}' is not this server. Use http://127.0.0.1:${port}.`,
    );
  if (names.includes('origin') || names.some((name) => name.startsWith('access-control-request-')))
    throw refused(
      'Web pages may not call the embedded cloud: it refuses every request with an Origin header.',
    );
  // `none` (an address typed by a person) is refused, too: no AWS client sends this header.
  if (names.includes('sec-fetch-site'))
    throw refused('Browsers may not call the embedded cloud. Use an AWS client.');
  if (req.method === 'OPTIONS' || req.method === 'TRACE')
    throw refused(`The embedded cloud does not accept the method ${req.method}.`);
  if (names.includes('upgrade'))
    throw new AwsError('InvalidRequest', 'The embedded cloud accepts only HTTP/1.1.', 400);
  if (!req.url?.startsWith('/'))
    throw new AwsError(
      'InvalidURI',
      'The request line must contain a path that begins with /.',
      400,
    );
}

/**
 * Throws 404 for paths between gateway and launcher (`/_lake`) and for ministack's own routes (`/_ministack`,
 * `/_localstack`, `/_aws`, `/health`), however they are encoded. No bucket's name begins with an underscore, so all
 * such paths are closed except two: those of the X API stub and of custom resources' responses.
 */
export function checkPath(path: string): void {
  for (const spelling of spellings(path)) {
    const first = /^\/[^/]*/.exec(spelling)?.[0] ?? '/';
    if (first.startsWith('/_') || ADMIN_PATHS.has(first)) throw nothingHere();
  }
}

export const nothingHere = (): AwsError => new AwsError('NotFound', 'There is nothing here.', 404);

/** The path of a request exactly as it was sent. */
export const rawPath = (req: IncomingMessage): string => (req.url ?? '/').split('?', 1)[0] ?? '/';

/** All paths that a server could read from this one: repeatedly decoded, without double slashes and dots. */
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

/** The path without empty segments, `.` and `..`, and without a slash at its end. */
export function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

/** Compares two secrets in constant time. */
export function sameSecret(received: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(received), digest(expected));
}

/** Accepted Host headers. A client leaves out http's default port. */
const hostsOf = (port: number): string[] =>
  ['127.0.0.1', 'localhost'].flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : [`${name}:${port}`],
  );

function headerNames({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
}

const refused = (message: string): AwsError => new AwsError('AccessDenied', message, 403);
