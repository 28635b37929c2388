import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, paginateListObjectsV2, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { messageOf } from './protocol';

export interface S3Location {
  readonly bucket: string;
  readonly key: string;
}

/** Splits `s3://bucket/key`. Throws for any other form. */
export function parseS3Uri(uri: string): S3Location {
  const [, bucket, key] = /^s3[an]?:\/\/([^/]+)\/?(.*)$/s.exec(uri) ?? [];
  if (!bucket || key === undefined)
    throw new Error(`'${uri}' is not an S3 address (s3://bucket/key)`);
  return { bucket, key };
}

/** Keys of all objects below a prefix, without folder markers. */
export async function listKeys(s3: S3Client, { bucket, key }: S3Location): Promise<string[]> {
  const keys: string[] = [];
  await during(`list s3://${bucket}/${key}`, async () => {
    for await (const result of paginateListObjectsV2(
      { client: s3 },
      { Bucket: bucket, Prefix: key },
    )) {
      keys.push(
        ...(result.Contents ?? []).flatMap((object) =>
          object.Key && !object.Key.endsWith('/') ? [object.Key] : [],
        ),
      );
    }
  });
  return keys;
}

/** Downloads an object to a file and creates the file's folders. */
export async function download(
  s3: S3Client,
  { bucket, key }: S3Location,
  file: string,
): Promise<void> {
  await during(`read s3://${bucket}/${key}`, async () => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (!(Body instanceof Readable)) throw new Error('the response has no body');
    await mkdir(dirname(file), { recursive: true });
    await pipeline(Body, createWriteStream(file));
  });
}

/** Uploads a file, encrypted with `kmsKeyId` if that is given. */
export async function upload(
  s3: S3Client,
  file: string,
  { bucket, key }: S3Location,
  kmsKeyId?: string,
): Promise<void> {
  const encryption = kmsKeyId
    ? { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: kmsKeyId }
    : {};
  await during(`write s3://${bucket}/${key}`, async () => {
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: createReadStream(file),
        ContentLength: statSync(file).size,
        ...encryption,
      }),
    );
  });
}

/** The path of `relative` below `folder`. Throws when it would be outside: keys and archives may contain `..`. */
export function within(folder: string, relative: string): string {
  const root = resolve(folder);
  const path = resolve(root, relative);
  if (path !== root && !path.startsWith(root + sep))
    throw new Error(`'${relative}' points outside its folder`);
  return path;
}

/** Runs `work` on all items, a few of them in parallel. */
export async function forEach<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

async function during(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
    throw new Error(`could not ${what}: ${name}${messageOf(error)}`, { cause: error });
  }
}
