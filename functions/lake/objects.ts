import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { StepError } from '../../workflows/errors';
import { during } from '../shared/aws';
import { systemClock } from '../shared/clock';
import { explain } from '../shared/explain';

/** The lake's bucket and a client for it. */
export interface LakeBucket {
  s3: S3Client;
  bucket: string;
}

export interface Listed {
  key: string;
  etag: string;
  bytes: number;
  /** When it was written, by S3's clock. */
  modified: Date;
}

export const uriOf = ({ bucket }: LakeBucket, key: string): string => `s3://${bucket}/${key}`;

/** The key of an `s3://` address in the lake's own bucket. */
export function keyOf({ bucket }: LakeBucket, uri: string): string {
  const prefix = `s3://${bucket}/`;
  if (!uri.startsWith(prefix)) {
    throw new StepError('ContractBroken', `${uri} lies outside the lake's bucket ${bucket}`);
  }
  return uri.slice(prefix.length);
}

/** A JSON object and its ETag, or null where there is none. */
export async function getJson<Schema extends z.ZodType>(
  lake: LakeBucket,
  key: string,
  schema: Schema,
): Promise<{ value: z.output<Schema>; etag: string } | null> {
  return (await getTimedJson(lake, key, schema)).found;
}

/**
 * A JSON object and its ETag, or null if there is none; and two times by S3's clock, to the second: when the object
 * was written, and when S3 answered this request.
 */
export async function getTimedJson<Schema extends z.ZodType>(
  lake: LakeBucket,
  key: string,
  schema: Schema,
): Promise<{
  found: { value: z.output<Schema>; etag: string; writtenAt: Date | undefined } | null;
  answeredAt: Date | undefined;
}> {
  const { found, answeredAt } = await getObject(lake, key);
  if (found === null) {
    return { found, answeredAt };
  }
  const { bytes, etag, writtenAt } = found;
  const result = schema.safeParse(parseJson(Buffer.from(bytes).toString('utf8'), lake, key));
  if (!result.success) {
    throw new StepError(
      'ContractBroken',
      `${uriOf(lake, key)} does not fit its schema: ${explain(result.error)}`,
    );
  }
  return { found: { value: result.data, etag, writtenAt }, answeredAt };
}

/** An object as text and its ETag, or null where there is none. */
export async function getText(
  lake: LakeBucket,
  key: string,
): Promise<{ text: string; etag: string } | null> {
  const found = await getBytes(lake, key);
  return found && { text: Buffer.from(found.bytes).toString('utf8'), etag: found.etag };
}

export async function getBytes(
  lake: LakeBucket,
  key: string,
): Promise<{ bytes: Uint8Array; etag: string } | null> {
  return (await getObject(lake, key)).found;
}

async function getObject(
  lake: LakeBucket,
  key: string,
): Promise<{
  found: { bytes: Uint8Array; etag: string; writtenAt: Date | undefined } | null;
  answeredAt: Date | undefined;
}> {
  const command = new GetObjectCommand({ Bucket: lake.bucket, Key: key });
  let answeredAt: Date | undefined;
  // In the last middleware step: it also sees error responses, before the SDK turns them into exceptions.
  command.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      answeredAt = dateOf(answer.response);
      return answer;
    },
    { step: 'deserialize', priority: 'low', name: 'readsTheServicesClock' },
  );
  try {
    const object = await lake.s3.send(command);
    // A connection that breaks inside the body is not an error of the request itself.
    const bytes = await during('S3 GetObject', async () => object.Body?.transformToByteArray());
    return {
      found: {
        bytes: bytes ?? new Uint8Array(),
        etag: object.ETag ?? '',
        writtenAt: object.LastModified,
      },
      answeredAt,
    };
  } catch (error) {
    if (statusOf(error) === 404) {
      return { found: null, answeredAt };
    }
    throw error;
  }
}

const Dated = z.object({ headers: z.object({ date: z.string() }) });

function dateOf(response: unknown): Date | undefined {
  const dated = Dated.safeParse(response);
  const date = new Date(dated.data?.headers.date ?? NaN);
  return Number.isNaN(date.valueOf()) ? undefined : date;
}

export const putJson = (lake: LakeBucket, key: string, value: unknown): Promise<void> =>
  putText(lake, key, `${JSON.stringify(value, null, 2)}\n`, 'application/json');

export async function putText(
  lake: LakeBucket,
  key: string,
  text: string,
  contentType: string,
): Promise<void> {
  await lake.s3.send(
    new PutObjectCommand({ Bucket: lake.bucket, Key: key, Body: text, ContentType: contentType }),
  );
}

/** Write only if there is no object (`ifMatch: null`), or if the object still has this ETag. */
export type Condition = { ifMatch: string | null };

const conditionHeaders = ({ ifMatch }: Condition) =>
  ifMatch === null ? { IfNoneMatch: '*' } : { IfMatch: ifMatch };

/** Writes JSON on a condition; returns the new ETag, or null if another writer was faster. */
export async function putJsonIf(
  lake: LakeBucket,
  key: string,
  value: unknown,
  condition: Condition,
): Promise<string | null> {
  return putIf(lake, key, `${JSON.stringify(value, null, 2)}\n`, 'application/json', condition);
}

// 409: another conditional write of this key is in progress. Retried after 50, 100, 200 and 400 ms.
const MAX_CONFLICTS = 4;
const CONFLICT_PAUSE_MS = 50;

/**
 * Writes bytes on a condition; returns the new ETag, or null if the condition does not hold: an object exists
 * (`ifMatch: null`), or it has another ETag.
 */
export async function putIf(
  lake: LakeBucket,
  key: string,
  body: string | Uint8Array,
  contentType: string,
  condition: Condition,
): Promise<string | null> {
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      const put = await lake.s3.send(
        new PutObjectCommand({
          Bucket: lake.bucket,
          Key: key,
          Body: body,
          ContentType: contentType,
          ...conditionHeaders(condition),
        }),
      );
      return put.ETag ?? '';
    } catch (error) {
      const status = statusOf(error);
      // 412: the condition does not hold; 404: If-Match without an object.
      if (status === 404 || status === 412) {
        return wasRepeated(error) ? etagIfHeld(lake, key, body) : null;
      }
      if (status !== 409 || conflicts === MAX_CONFLICTS) {
        throw error;
      }
      await systemClock.sleep(CONFLICT_PAUSE_MS * 2 ** conflicts * (0.5 + Math.random() / 2));
    }
  }
}

/** Whether the SDK sent the request more than once: an earlier attempt may have written what the last one conflicts with. */
const wasRepeated = (error: unknown): boolean => Number(metadataOf(error)?.['attempts'] ?? 1) > 1;

/** The ETag of the object if it holds exactly these bytes (an earlier attempt wrote them and its response was lost); else null. */
async function etagIfHeld(
  lake: LakeBucket,
  key: string,
  body: string | Uint8Array,
): Promise<string | null> {
  const found = await getBytes(lake, key);
  return found !== null && Buffer.from(body).equals(Buffer.from(found.bytes)) ? found.etag : null;
}

/** Deletes an object; succeeds if it does not exist. */
export async function removeObject(lake: LakeBucket, key: string): Promise<void> {
  await lake.s3.send(new DeleteObjectCommand({ Bucket: lake.bucket, Key: key }));
}

/** DeleteObjects takes so many keys at a time. */
const MAX_DELETED = 1000;

/** Deletes objects; returns the first that could not be deleted, and why, or null. */
export async function removeObjects(
  lake: LakeBucket,
  keys: readonly string[],
): Promise<{ key: string; problem: string } | null> {
  for (let start = 0; start < keys.length; start += MAX_DELETED) {
    const Objects = keys.slice(start, start + MAX_DELETED).map((Key) => ({ Key }));
    const { Errors = [] } = await lake.s3.send(
      new DeleteObjectsCommand({ Bucket: lake.bucket, Delete: { Objects, Quiet: true } }),
    );
    const [failed] = Errors;
    if (failed) {
      return { key: failed.Key ?? '', problem: `${failed.Code}: ${failed.Message}` };
    }
  }
  return null;
}

/**
 * Every object below a prefix, in key order, page by page. Keys that end in a slash are skipped: consoles create them
 * as folder markers.
 */
export async function* objectsBelow(lake: LakeBucket, prefix: string): AsyncGenerator<Listed> {
  let token: string | undefined;
  do {
    const page = await lake.s3.send(
      new ListObjectsV2Command({ Bucket: lake.bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key, ETag, Size, LastModified } of page.Contents ?? []) {
      if (Key !== undefined && !Key.endsWith('/')) {
        const modified = LastModified ?? new Date();
        yield { key: Key, etag: ETag ?? '', bytes: Size ?? 0, modified };
      }
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

/** Every object below a prefix, in key order, folder markers left out. */
export async function listObjects(lake: LakeBucket, prefix: string): Promise<Listed[]> {
  const objects: Listed[] = [];
  for await (const object of objectsBelow(lake, prefix)) objects.push(object);
  return objects;
}

function parseJson(text: string, lake: LakeBucket, key: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    throw new StepError('ContractBroken', `${uriOf(lake, key)} is not JSON`, { cause: error });
  }
}

/** HTTP status of an AWS error, where it has one. */
export function statusOf(error: unknown): number | undefined {
  const status = metadataOf(error)?.['httpStatusCode'];
  return typeof status === 'number' ? status : undefined;
}

function metadataOf(error: unknown): Record<string, unknown> | undefined {
  const metadata: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, '$metadata') : undefined;
  return typeof metadata === 'object' && metadata !== null ? { ...metadata } : undefined;
}
