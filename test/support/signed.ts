import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';

/** The SDK's own signer is what the gateway's check is held against. */
class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key =
      typeof secret === 'string' || secret === undefined
        ? secret
        : ArrayBuffer.isView(secret)
          ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
          : Buffer.from(secret);
    this.hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  }

  update(data: Uint8Array): void {
    this.hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }

  reset(): void {}
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface RawRequest {
  method?: string;
  /** As it is written into the request line. */
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body as it came, for one that is no text. */
  bytes: Buffer;
}

/** Sends a request as it is written, without a client that would tidy it up. */
export function send(
  url: string,
  { method = 'GET', path = '/', headers = {}, body }: RawRequest,
): Promise<Answer> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const out = request(
      { hostname, port, path, method, headers: { host, ...headers }, setHost: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const { statusCode = 0, headers: received } = answer;
          resolve({ status: statusCode, headers: received, body: bytes.toString('utf8'), bytes });
        });
        answer.on('error', reject);
      },
    );
    out.on('error', reject);
    out.end(body);
  });
}

export interface Signing {
  credentials: Credentials;
  service: string;
  date?: Date;
  /** For S3 they differ: the path is signed as it is sent. @default by service */
  uriEscapePath?: boolean;
}

function parts(url: string, { method = 'GET', path = '/', headers = {}, body }: RawRequest) {
  const { hostname, port, host } = new URL(url);
  const [pathname = '/', search = ''] = path.split(/\?(.*)/s);
  // A name may be one that every object has, such as valueOf.
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(search))
    values.set(name, [...(values.get(name) ?? []), value]);
  const query = Object.fromEntries(values);
  return {
    method,
    protocol: 'http:',
    hostname,
    port: Number(port),
    path: pathname,
    query,
    headers: { host, ...headers },
    body,
  };
}

const signer = ({ credentials, service, uriEscapePath = service !== 's3' }: Signing) =>
  new SignatureV4({ credentials, region: 'us-east-1', service, sha256: Sha256, uriEscapePath });

/** The same request, signed in its headers. */
export async function signed(url: string, raw: RawRequest, signing: Signing): Promise<RawRequest> {
  const { headers } = await signer(signing).sign(parts(url, raw), {
    ...(signing.date ? { signingDate: signing.date } : {}),
  });
  return { ...raw, headers };
}

/** The same request, signed in its query string. */
export async function presigned(
  url: string,
  raw: RawRequest,
  signing: Signing,
  expiresIn = 900,
): Promise<RawRequest> {
  const { query = {} } = await signer(signing).presign(
    {
      ...parts(url, raw),
      headers: { host: new URL(url).host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    },
    { expiresIn, ...(signing.date ? { signingDate: signing.date } : {}) },
  );
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  );
  return { ...raw, path: `${raw.path?.split('?')[0] ?? '/'}?${pairs.join('&')}` };
}
