import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AwsError } from '../protocol';
import { rawPath, withoutDots } from './door';

/** The parts of a request's signature. */
export interface Signature {
  readonly accessKeyId: string;
  /** Day of the signing key: `20261101`. */
  readonly day: string;
  readonly region: string;
  /** Signing name of the service: `s3`, `glue`, … */
  readonly service: string;
  /** Lower case, sorted. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
  /** `20261101T120000Z` */
  readonly date: string;
  readonly sessionToken: string;
  /** Seconds for which a presigned URL is valid. */
  readonly expiresSeconds?: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SKEW_MILLIS = 15 * 60_000;
const MAX_PRESIGNED_SECONDS = 7 * 24 * 3600;
export const EMPTY_SHA256 = createHash('sha256').digest('hex');

/** Query parameters of a presigned URL's signature. */
const PRESIGNED = 'Algorithm Credential Date Expires Security-Token Signature SignedHeaders'
  .split(' ')
  .map((name) => `X-Amz-${name}`);
const PRESIGNED_LOWER = PRESIGNED.map((name) => name.toLowerCase());

/** Query parameters from which ministack reads a caller. */
const QUERY_CREDENTIALS = [
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-signature',
  'awsaccesskeyid',
];

/**
 * Reads the signature of the Authorization header or, for S3, of a presigned URL. Checks only its form and time.
 * Throws AwsError when there is no signature (MissingAuthenticationToken), or it is incomplete or expired.
 */
export function readSignature(req: IncomingMessage, now = Date.now()): Signature {
  const query = queryOf(req);
  const inQuery = query.some(([name]) => QUERY_CREDENTIALS.includes(name.toLowerCase()));
  const { authorization } = req.headers;
  if (authorization?.startsWith('AWS ') || query.some(([name]) => /^awsaccesskeyid$/i.test(name)))
    throw new AwsError(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    );
  if (authorization === undefined && !inQuery)
    throw new AwsError(
      'MissingAuthenticationToken',
      'Missing Authentication Token: sign the request (Signature Version 4).',
      403,
    );
  if (authorization !== undefined && inQuery)
    throw new AwsError('InvalidRequest', 'Only one authentication mechanism is allowed.', 400);
  const signature = authorization === undefined ? ofQuery(query) : ofHeaders(req, authorization);
  checkForm(req, signature);
  checkTime(signature, now);
  return signature;
}

/** Whether this request, whose body has the hash `payloadHash`, was signed with `secret`. */
export function isSignedWith(
  secret: string,
  signature: Signature,
  req: IncomingMessage,
  payloadHash: string,
): boolean {
  const { day, region, service, date } = signature;
  const scope = `${day}/${region}/${service}/aws4_request`;
  const canonical = canonicalRequest(signature, req, payloadHash);
  const text = [ALGORITHM, date, scope, sha256(Buffer.from(canonical, 'latin1'))].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${secret}`,
  );
  const expected = createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(expected, Buffer.from(signature.signature, 'hex'));
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function ofHeaders(req: IncomingMessage, authorization: string): Signature {
  if (!authorization.startsWith(`${ALGORITHM} `))
    throw incomplete(`the Authorization header must begin with ${ALGORITHM}.`);
  const fields = new Map(
    authorization
      .slice(ALGORITHM.length)
      .split(',')
      .map((part): [string, string] => {
        const [name = '', ...value] = part.trim().split('=');
        return [name, value.join('=')];
      }),
  );
  const date = req.headers['x-amz-date'];
  if (typeof date !== 'string') throw incomplete('the header X-Amz-Date is missing.');
  const token = req.headers['x-amz-security-token'];
  return {
    ...scopeOfCredential(fields.get('Credential')),
    signedHeaders: (fields.get('SignedHeaders') ?? '').split(';'),
    signature: fields.get('Signature') ?? '',
    date,
    sessionToken: typeof token === 'string' ? token : '',
  };
}

function ofQuery(query: readonly [string, string][]): Signature {
  const values = new Map<string, string>();
  for (const [name, value] of query) {
    const lower = name.toLowerCase();
    if (!PRESIGNED_LOWER.includes(lower) && lower !== 'awsaccesskeyid') continue;
    // AWS and ministack would read a parameter in any other spelling differently, or not at all.
    if (!PRESIGNED.includes(name) || values.has(name))
      throw incomplete(
        `the query parameter ${name} is unknown in a presigned URL, or occurs twice.`,
      );
    values.set(name, value);
  }
  if (values.get('X-Amz-Algorithm') !== ALGORITHM)
    throw incomplete(`the query parameter X-Amz-Algorithm must be ${ALGORITHM}.`);
  const scope = scopeOfCredential(values.get('X-Amz-Credential'));
  if (scope.service !== 's3')
    throw new AwsError(
      'MissingAuthenticationToken',
      'Only S3 accepts a signature in the query string. Sign the headers instead.',
      403,
    );
  const seconds = values.get('X-Amz-Expires') ?? '';
  const expiresSeconds = /^\d{1,6}$/.test(seconds) ? Number(seconds) : 0;
  if (expiresSeconds < 1 || expiresSeconds > MAX_PRESIGNED_SECONDS)
    throw new AwsError(
      'AuthorizationQueryParametersError',
      `X-Amz-Expires must be 1 to ${MAX_PRESIGNED_SECONDS} seconds.`,
    );
  return {
    ...scope,
    signedHeaders: (values.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature: values.get('X-Amz-Signature') ?? '',
    date: values.get('X-Amz-Date') ?? '',
    sessionToken: values.get('X-Amz-Security-Token') ?? '',
    expiresSeconds,
  };
}

function scopeOfCredential(credential = '') {
  const [accessKeyId, day, region, service, terminator, ...rest] = credential.split('/');
  if (!accessKeyId || !day || !region || !service || terminator !== 'aws4_request' || rest.length)
    throw incomplete('Credential must be KEY/YYYYMMDD/REGION/SERVICE/aws4_request.');
  if (!/^[\w.-]+$/.test(`${accessKeyId}${region}${service}`))
    throw incomplete('Credential contains invalid characters.');
  return { accessKeyId, day, region, service };
}

function checkForm(req: IncomingMessage, { signature, signedHeaders, day, date }: Signature): void {
  if (!/^[0-9a-f]{64}$/.test(signature))
    throw incomplete('Signature must be 64 hexadecimal digits.');
  if (!/^\d{8}T\d{6}Z$/.test(date)) throw incomplete('the date must be YYYYMMDDTHHMMSSZ.');
  if (!date.startsWith(day)) throw incomplete('Credential and X-Amz-Date name different days.');
  const sorted = [...new Set(signedHeaders)].sort();
  if (sorted.join(';') !== signedHeaders.join(';') || !signedHeaders.includes('host'))
    throw incomplete('SignedHeaders must be sorted and contain host.');
  const unsigned = Object.keys(req.headers).filter(
    (name) => name.startsWith('x-amz-') && !signedHeaders.includes(name),
  );
  if (unsigned.length > 0)
    throw new AwsError(
      'AccessDenied',
      `These headers must be signed: ${unsigned.join(', ')}.`,
      403,
    );
  const absent = signedHeaders.filter((name) => req.headers[name] === undefined);
  if (absent.length > 0) throw incomplete(`signed headers are missing: ${absent.join(', ')}.`);
}

function checkTime({ date, expiresSeconds }: Signature, now: number): void {
  const signedAt = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(signedAt)) throw incomplete(`${date} is not a date.`);
  const clock = new Date(now).toISOString();
  if (
    signedAt > now + SKEW_MILLIS ||
    (expiresSeconds === undefined && signedAt < now - SKEW_MILLIS)
  )
    throw new AwsError(
      'RequestTimeTooSkewed',
      `The request was signed at ${date}, and it is ${clock}: more than 15 minutes apart.`,
      403,
    );
  if (expiresSeconds !== undefined && signedAt + expiresSeconds * 1000 < now)
    throw new AwsError('AccessDenied', `Request has expired: it is ${clock}.`, 403);
}

function canonicalRequest(
  { service, signedHeaders }: Signature,
  req: IncomingMessage,
  payloadHash: string,
): string {
  const path = rawPath(req);
  return [
    req.method,
    // S3 signs the path as sent. All other services sign the normalized path, encoded once more.
    service === 's3' ? path : encode(tidied(path)).replaceAll('%2F', '/'),
    canonicalQuery(queryOf(req)),
    ...signedHeaders.map((name) => `${name}:${headerValue(req, name)}`),
    '',
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

/** All values of a header, trimmed, with single spaces, and joined with commas as in the signature. */
function headerValue({ rawHeaders }: IncomingMessage, name: string): string {
  return rawHeaders
    .filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
    .map((value) => value.trim().replace(/\s+/g, ' '))
    .join(',');
}

function tidied(path: string): string {
  const plain = withoutDots(path);
  return plain !== '/' && path.endsWith('/') ? `${plain}/` : plain;
}

function canonicalQuery(query: readonly [string, string][]): string {
  return query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => ({ name: encode(name), value: encode(value) }))
    .sort((a, b) => order(a.name, b.name) || order(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Names and values of the query string, decoded as in the launcher. Throws AwsError for invalid encoding. */
export function queryOf({ url = '/' }: IncomingMessage): [string, string][] {
  const start = url.indexOf('?');
  if (start < 0) return [];
  return url
    .slice(start + 1)
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [decoded(name), decoded(value.join('='))];
    });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new AwsError('InvalidURI', `'${text}' is not valid percent-encoding.`);
  }
}

/** Percent-encodes all characters except RFC 3986's unreserved ones. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const incomplete = (reason: string): AwsError =>
  new AwsError('IncompleteSignature', `The signature is incomplete: ${reason}`, 400);
