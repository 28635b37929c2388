import type { IncomingMessage } from 'node:http';
import type { Iam } from '../identity';
import { AwsError, readBody } from '../protocol';
import type { Caller } from '../protocol';
import { EMPTY_SHA256, isSignedWith, readSignature, sha256 } from './sigv4';
import type { Signature } from './sigv4';

/** A request with a valid signature. */
export interface SignedRequest {
  readonly caller: Caller;
  /** Signing name of the called service. */
  readonly service: string;
  /** The complete body; undefined for S3, whose body is streamed. */
  readonly body?: Buffer;
  /** The signed SHA-256 of S3's body; undefined if the client did not sign the body. */
  readonly sha256?: string;
}

/** More than any request except S3's: a Lambda's code has at most 50 MB, sent as base64. */
const MAX_BODY = 80 * 1024 * 1024;

/**
 * Checks the signature of a request. Reads the body (of all services except S3) only after the key was found and,
 * if the client sent the body's hash, after the signature was checked. Throws AwsError with AWS's error names.
 */
export async function authenticate(
  iam: Iam,
  req: IncomingMessage,
  now?: number,
): Promise<SignedRequest> {
  const signature = readSignature(req, now);
  const { service } = signature;
  const { secretAccessKey, ...caller } = await iam.accessKey(
    signature.accessKeyId,
    signature.sessionToken,
  );
  const check = (payloadHash: string) => {
    if (!isSignedWith(secretAccessKey, signature, req, payloadHash)) throw mismatch();
  };
  const declared = req.headers['x-amz-content-sha256'];
  if (service === 's3') {
    if (req.headers['x-amz-target'] !== undefined) throw otherService('s3');
    const payload = payloadOfS3(signature, declared);
    check(payload);
    const hash = isHash(payload) ? payload : undefined;
    if (hash !== undefined && hash !== EMPTY_SHA256 && !hasBody(req)) throw wrongHash();
    return { caller, service, ...(hash === undefined ? {} : { sha256: hash }) };
  }
  if (typeof declared === 'string') check(declared);
  const body = await readBody(req, MAX_BODY);
  const hash = sha256(body);
  if (declared === undefined) check(hash);
  else if (declared !== hash) throw wrongHash();
  return { caller, service, body };
}

/** What a request to S3 signs instead of its body: a hash, or the way the body is sent. */
function payloadOfS3(signature: Signature, declared: string | string[] | undefined): string {
  if (signature.expiresSeconds !== undefined) return 'UNSIGNED-PAYLOAD';
  if (
    typeof declared !== 'string' ||
    !(isHash(declared) || declared === 'UNSIGNED-PAYLOAD' || STREAMING.has(declared))
  )
    throw new AwsError(
      'InvalidRequest',
      'The header x-amz-content-sha256 must be a SHA-256, UNSIGNED-PAYLOAD or one of the STREAMING- values.',
    );
  return declared;
}

/** For bodies in chunks, only the headers' signature is checked here. ministack checks the chunks of roles and users. */
const STREAMING = new Set([
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
]);

const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

export const otherService = (service: string): AwsError =>
  new AwsError(
    'SignatureDoesNotMatch',
    `Credential should be scoped to a valid service: this is no request to '${service}'.`,
    403,
  );

const mismatch = (): AwsError =>
  new AwsError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your secret access key: ' +
      '`npm run up` prints the one of this lake.',
    403,
  );

/** Throws AwsError unless the body has the signed hash. */
export function checkHash(body: Buffer, signed: string): void {
  if (sha256(body) !== signed) throw wrongHash();
}

const wrongHash = (): AwsError =>
  new AwsError(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  );
