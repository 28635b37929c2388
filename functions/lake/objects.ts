import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { z } from 'zod';
import { StepError } from '../../workflows/errors';
import { explain } from '../explain';

/** The lake's bucket and a client for it. */
export interface Lake {
  s3: S3Client;
  bucket: string;
}

export interface Listed {
  key: string;
  etag: string;
  bytes: number;
}

export const uriOf = ({ bucket }: Lake, key: string): string => `s3://${bucket}/${key}`;

/** The key of an `s3://` address in the lake's own bucket. */
export function keyOf({ bucket }: Lake, uri: string): string {
  const prefix = `s3://${bucket}/`;
  if (!uri.startsWith(prefix)) {
    throw new StepError('ContractBroken', `${uri} lies outside the lake's bucket ${bucket}`);
  }
  return uri.slice(prefix.length);
}

/** A JSON object and its ETag, or null where there is none. */
export async function getJson<Schema extends z.ZodType>(
  lake: Lake,
  key: string,
  schema: Schema,
): Promise<{ value: z.output<Schema>; etag: string } | null> {
  const found = await getText(lake, key);
  if (found === null) {
    return null;
  }
  const result = schema.safeParse(parseJson(found.text, lake, key));
  if (!result.success) {
    throw new StepError(
      'ContractBroken',
      `${uriOf(lake, key)} does not fit its schema: ${explain(result.error)}`,
    );
  }
  return { value: result.data, etag: found.etag };
}

/** An object as text and its ETag, or null where there is none. */
export async function getText(
  lake: Lake,
  key: string,
): Promise<{ text: string; etag: string } | null> {
  const found = await getBytes(lake, key);
  return found && { text: Buffer.from(found.bytes).toString('utf8'), etag: found.etag };
}

export async function getBytes(
  lake: Lake,
  key: string,
): Promise<{ bytes: Uint8Array; etag: string } | null> {
  try {
    const object = await lake.s3.send(new GetObjectCommand({ Bucket: lake.bucket, Key: key }));
    return {
      bytes: (await object.Body?.transformToByteArray()) ?? new Uint8Array(),
      etag: object.ETag ?? '',
    };
  } catch (error) {
    if (statusOf(error) === 404) {
      return null;
    }
    throw error;
  }
}

export const putJson = (lake: Lake, key: string, value: unknown): Promise<void> =>
  putText(lake, key, `${JSON.stringify(value, null, 2)}\n`, 'application/json');

export async function putText(
  lake: Lake,
  key: string,
  text: string,
  contentType: string,
): Promise<void> {
  await lake.s3.send(
    new PutObjectCommand({ Bucket: lake.bucket, Key: key, Body: text, ContentType: contentType }),
  );
}

/** Only where there is no object yet (`ifMatch: null`), or while it still is the one with this ETag. */
export type Condition = { ifMatch: string | null };

const conditionHeaders = ({ ifMatch }: Condition) =>
  ifMatch === null ? { IfNoneMatch: '*' } : { IfMatch: ifMatch };

/** Writes JSON on a condition; answers the new ETag, or null when somebody else was quicker. */
export async function putJsonIf(
  lake: Lake,
  key: string,
  value: unknown,
  condition: Condition,
): Promise<string | null> {
  return putIf(lake, key, `${JSON.stringify(value, null, 2)}\n`, 'application/json', condition);
}

// 409 says that another conditional write of the key is in flight, and nothing of how that ends: 50+100+200+400 ms.
const MAX_CONFLICTS = 4;
const CONFLICT_PAUSE_MS = 50;

/**
 * Writes bytes on a condition; answers the new ETag, or null when it does not hold: then there is an object
 * (`ifMatch: null`), or not that one.
 */
export async function putIf(
  lake: Lake,
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
        return null;
      }
      if (status !== 409 || conflicts === MAX_CONFLICTS) {
        throw error;
      }
      await delay(CONFLICT_PAUSE_MS * 2 ** conflicts);
    }
  }
}

/** Takes an object away; one that is gone already stays so. */
export async function removeObject(lake: Lake, key: string): Promise<void> {
  await lake.s3.send(new DeleteObjectCommand({ Bucket: lake.bucket, Key: key }));
}

/**
 * Every object below a prefix, in key order, page by page. A key that ends in a slash is what consoles and file
 * managers make of a folder, and no data.
 */
export async function* objectsBelow(lake: Lake, prefix: string): AsyncGenerator<Listed> {
  let token: string | undefined;
  do {
    const page = await lake.s3.send(
      new ListObjectsV2Command({ Bucket: lake.bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key, ETag, Size } of page.Contents ?? []) {
      if (Key !== undefined && !Key.endsWith('/')) {
        yield { key: Key, etag: ETag ?? '', bytes: Size ?? 0 };
      }
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

/** Every object below a prefix, in key order, folder markers left out. */
export async function listObjects(lake: Lake, prefix: string): Promise<Listed[]> {
  const objects: Listed[] = [];
  for await (const object of objectsBelow(lake, prefix)) objects.push(object);
  return objects;
}

function parseJson(text: string, lake: Lake, key: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    throw new StepError('ContractBroken', `${uriOf(lake, key)} is not JSON`, { cause: error });
  }
}

/** HTTP status of an AWS error, where it has one. */
export function statusOf(error: unknown): number | undefined {
  const metadata: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, '$metadata') : undefined;
  const status: unknown =
    typeof metadata === 'object' && metadata !== null
      ? Reflect.get(metadata, 'httpStatusCode')
      : undefined;
  return typeof status === 'number' ? status : undefined;
}
