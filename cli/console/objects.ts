import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { LakeBucket } from '../../functions/lake/objects';
import type { Session } from '../../session/session';

/** The bucket as the analyst reads it. */
export const bucketOf = ({ people, outputs }: Session): LakeBucket => ({
  s3: people.analyst.s3,
  bucket: outputs.BucketName,
});

export interface StoredObject {
  key: string;
  bytes: number;
  modified: number;
}

/** The objects below a prefix, in the order of their keys. */
export async function* storedBelow(
  { s3, bucket }: LakeBucket,
  prefix: string,
): AsyncGenerator<StoredObject> {
  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix });
  for await (const { Contents = [] } of pages)
    for (const { Key = '', Size = 0, LastModified } of Contents)
      yield { key: Key, bytes: Size, modified: LastModified?.valueOf() ?? 0 };
}
