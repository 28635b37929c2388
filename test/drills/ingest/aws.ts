import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { Incarnation } from './incarnation';

export const BUCKET = 'lake';
export const STREAM = 'tweets';

/** What an answer of a service is to be instead, or what becomes of it. */
export type ServiceFault =
  /** Not done. */
  | 'error-500'
  | 'error-503'
  | 'reset'
  /** Another conditional write of the key is in flight. S3 only; not done. */
  | 'conflict-409'
  /** Done, but the answer does not arrive. */
  | 'done-then-500'
  | 'done-then-reset'
  /** Kinesis only: some records are refused, or the whole call for its speed. */
  | 'partial'
  | 'throttled';

interface Request {
  method: string;
  path: string;
  query?: Record<string, unknown>;
  headers: Record<string, string>;
  body?: unknown;
}
interface Response {
  statusCode: number;
  headers: Record<string, string>;
  body: Readable;
}

const respond = (
  statusCode: number,
  body = '',
  headers: Record<string, string> = {},
): Response => ({
  statusCode,
  headers,
  body: Readable.from(body === '' ? [] : [Buffer.from(body)]),
});
const reset = (): Error => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });

/** Plays faults by the number of the request, and refuses what would never happen. */
class Faulty {
  requests = 0;
  constructor(private readonly faults: ReadonlyMap<number, ServiceFault>) {}

  /** Faults stop, for the dust to settle. */
  quiet = false;

  next(): ServiceFault | undefined {
    this.requests += 1;
    return this.quiet ? undefined : this.faults.get(this.requests);
  }
}

async function around(
  fault: ServiceFault | undefined,
  error: (status: number) => Response,
  perform: () => Response,
): Promise<Response> {
  switch (fault) {
    case 'error-500':
      return error(500);
    case 'error-503':
      return error(503);
    case 'reset':
      throw reset();
    case 'done-then-500':
      perform();
      return error(500);
    case 'done-then-reset':
      perform();
      throw reset();
    default:
      return perform();
  }
}

/** S3 with conditional writes, small listings, and the faults of a script. */
export class MemoryS3 extends Faulty {
  readonly objects = new Map<string, { body: Buffer; etag: string; modified: Date }>();
  /** Raw objects that were there and were written again with other bytes. */
  readonly overwritten: string[] = [];

  constructor(
    faults: ReadonlyMap<number, ServiceFault>,
    private readonly now: () => Date,
  ) {
    super(faults);
  }

  client(by: Incarnation): S3Client {
    return new S3Client({
      ...config,
      forcePathStyle: true,
      requestHandler: handler((request) => by.call(() => this.answer(request))),
    });
  }

  private async answer(request: Request): Promise<Response> {
    const fault = this.next();
    const isConditional = 'if-none-match' in request.headers || 'if-match' in request.headers;
    if (fault === 'conflict-409' && isConditional) {
      return respond(409, xmlError('ConditionalRequestConflict'));
    }
    const error = (status: number) =>
      respond(status, xmlError(status === 503 ? 'SlowDown' : 'InternalError'));
    return around(fault, error, () => this.perform(request));
  }

  private perform({ method, path, query, headers, body }: Request): Response {
    const key = decodeURIComponent(path.slice(BUCKET.length + 2));
    const found = this.objects.get(key);
    if (method === 'PUT') return this.put(key, headers, bytesOf(body));
    if (method === 'DELETE') {
      this.objects.delete(key);
      return respond(204);
    }
    if (method === 'POST' && 'delete' in (query ?? {})) {
      for (const [, name = ''] of bytesOf(body)
        .toString('utf8')
        .matchAll(/<Key>([^<]*)<\/Key>/g))
        this.objects.delete(name);
      return respond(200, '<DeleteResult></DeleteResult>');
    }
    if (key === '') return this.list(query ?? {});
    return found === undefined
      ? respond(404, xmlError('NoSuchKey'))
      : {
          statusCode: 200,
          headers: {
            etag: found.etag,
            'content-length': String(found.body.byteLength),
            date: this.now().toUTCString(),
          },
          body: Readable.from([found.body]),
        };
  }

  private put(key: string, headers: Record<string, string>, body: Buffer): Response {
    const found = this.objects.get(key);
    const ifMatch = headers['if-match'];
    if (headers['if-none-match'] === '*' && found) {
      return respond(412, xmlError('PreconditionFailed'));
    }
    if (ifMatch !== undefined && !found) return respond(404, xmlError('NoSuchKey'));
    if (ifMatch !== undefined && found?.etag !== ifMatch) {
      return respond(412, xmlError('PreconditionFailed'));
    }
    if (found && key.startsWith('raw-data/tweets/') && !found.body.equals(body)) {
      this.overwritten.push(key);
    }
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    this.objects.set(key, { body, etag, modified: this.now() });
    return respond(200, '', { etag });
  }

  /** Seven keys a page, so that listings have pages; all folders in one. */
  private list(query: Record<string, unknown>): Response {
    const prefix = String(query['prefix'] ?? '');
    if (query['delimiter'] === '/') {
      const names = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
      const folders = new Set(names.map((key) => /^[^/]*\//.exec(key.slice(prefix.length))?.[0]));
      const found = [...folders].map(
        (name = '') => `<CommonPrefixes><Prefix>${prefix}${name}</Prefix></CommonPrefixes>`,
      );
      return respond(200, `<ListBucketResult>${found.join('')}</ListBucketResult>`);
    }
    const after = String(query['continuation-token'] ?? '');
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const left = keys.filter((key) => key > after);
    const page = left.slice(0, 7);
    const contents = page.map((key) => {
      const { etag = '', body, modified = this.now() } = this.objects.get(key) ?? {};
      return `<Contents><Key>${key}</Key><LastModified>${modified.toISOString()}</LastModified><ETag>${etag}</ETag><Size>${body?.byteLength ?? 0}</Size></Contents>`;
    });
    const next =
      left.length > page.length
        ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${page.at(-1) ?? ''}</NextContinuationToken>`
        : '<IsTruncated>false</IsTruncated>';
    return respond(200, `<ListBucketResult>${contents.join('')}${next}</ListBucketResult>`);
  }
}

const PutRecords = z.object({
  Records: z.array(z.object({ Data: z.string(), PartitionKey: z.string() })).max(500),
});

/** A stream that remembers what it took. */
export class MemoryKinesis extends Faulty {
  readonly records: { key: string; data: string }[] = [];

  client(by: Incarnation): KinesisClient {
    return new KinesisClient({
      ...config,
      requestHandler: handler((request) => by.call(() => this.answer(request))),
    });
  }

  private async answer({ headers, body }: Request): Promise<Response> {
    if (headers['x-amz-target'] !== 'Kinesis_20131202.PutRecords') {
      throw new Error(`this stream does not know ${headers['x-amz-target']}`);
    }
    const { Records } = PutRecords.parse(JSON.parse(bytesOf(body).toString('utf8')));
    const fault = this.next();
    if (fault === 'throttled') {
      return jsonError(400, 'ProvisionedThroughputExceededException');
    }
    const error = (status: number) => jsonError(status, 'InternalFailureException');
    return around(fault, error, () => {
      const results = Records.map(({ Data, PartitionKey }, index) => {
        if (fault === 'partial' && index % 2 === this.requests % 2) {
          return { ErrorCode: 'InternalFailure', ErrorMessage: 'the drill refuses it' };
        }
        this.records.push({
          key: PartitionKey,
          data: Buffer.from(Data, 'base64').toString('utf8'),
        });
        return { SequenceNumber: String(this.records.length), ShardId: 'shardId-000000000000' };
      });
      return respond(
        200,
        JSON.stringify({
          FailedRecordCount: results.filter((result) => 'ErrorCode' in result).length,
          Records: results,
        }),
        jsonType,
      );
    });
  }
}

const jsonType = { 'content-type': 'application/x-amz-json-1.1' };
const jsonError = (status: number, name: string): Response =>
  respond(status, JSON.stringify({ __type: name, message: 'by the drill' }), jsonType);
const xmlError = (code: string): string =>
  `<Error><Code>${code}</Code><Message>by the drill</Message></Error>`;

function bytesOf(body: unknown): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  // The SDK's bytes complain when they are taken for a text.
  if (body instanceof Uint8Array) {
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }
  throw new Error('the drill takes bodies that are whole');
}

const handler = (answer: (request: Request) => Promise<Response>) => ({
  handle: async (request: Request) => ({ response: await answer(request) }),
  updateHttpClientConfig: () => undefined,
  httpHandlerConfigs: () => ({}),
  destroy: () => undefined,
});

/** The SDK's own judgement of what to try again, three times as by default, but without its pauses. */
const atOnce = {
  acquireInitialRetryToken: async () => token(0),
  refreshRetryTokenForRetry: async (
    { getRetryCount }: { getRetryCount: () => number },
    { errorType }: { errorType: string },
  ) => {
    if (!['THROTTLING', 'TRANSIENT'].includes(errorType) || getRetryCount() >= 2)
      throw new Error('no more tries');
    return token(getRetryCount() + 1);
  },
  recordSuccess: () => undefined,
};
const token = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 });

const config = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  endpoint: 'http://127.0.0.1:1',
  retryStrategy: atOnce,
};
