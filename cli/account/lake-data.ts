import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketEncryptionCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
import { UserError } from '../../session/user-error';
import { AwsJsonError, callAws } from './aws-json';
import { bucketOfStack, generatedPrefix, isTaggedAsLake } from './bucket';
import type { Account, AccountEnvironment } from './session';

/** What holds the data, and outlives the stacks. */
export interface LakeData {
  bucket: string;
  /** ARN of the key that the bucket encrypts with; null when it does not say. */
  keyArn: string | null;
}

/** The most that one DeleteObjects takes. */
const batch = 1000;
/** AWS keeps a key for 7 to 30 days before it is gone for good, free of charge: long, for a mistake. */
const keyWaitDays = 30;

/** The account's buckets in the region. */
async function buckets({ clients: { s3 }, region }: Account): Promise<string[]> {
  const found: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListBucketsCommand({ ContinuationToken }));
    for (const { Name = '', BucketRegion } of page.Buckets ?? []) {
      if ((BucketRegion ?? region) === region) found.push(Name);
    }
    ContinuationToken = page.ContinuationToken;
  } while (ContinuationToken);
  return found;
}

/** The buckets that hold who asked the lake's bucket for what; CloudFormation names them: `sentimentlake-dev-data-lakeaccesslogs…`. */
export const findAccessLogs = async (
  account: Account,
  environment: AccountEnvironment,
): Promise<string[]> => {
  const prefix = generatedPrefix(environment, 'lakeaccesslogs');
  return (await buckets(account)).filter((name) => name.startsWith(prefix));
};

/** The lake's buckets: what the stack says, what CloudFormation named, and what has a name of its own and the tag. */
async function lakeBuckets(account: Account, environment: AccountEnvironment): Promise<string[]> {
  const ofStack = await bucketOfStack(account, environment);
  const named = generatedPrefix(environment, '');
  const found: string[] = [];
  for (const name of await buckets(account)) {
    const isOurs =
      name === ofStack ||
      (name.startsWith(named)
        ? name.startsWith(generatedPrefix(environment, 'lakebucket'))
        : await isTaggedAsLake(account, name, environment));
    if (isOurs) found.push(name);
  }
  return found;
}

/**
 * The environment's bucket, and the key it encrypts with: they are found when the stacks are gone, too.
 * More than one is possible after a deployment that followed a tear-down.
 */
export async function findLakeData(
  account: Account,
  environment: AccountEnvironment,
): Promise<LakeData[]> {
  const found: LakeData[] = [];
  for (const Bucket of await lakeBuckets(account, environment)) {
    const { ServerSideEncryptionConfiguration } = await account.clients.s3.send(
      new GetBucketEncryptionCommand({ Bucket }),
    );
    const rule = ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
    found.push({ bucket: Bucket, keyArn: rule?.KMSMasterKeyID ?? null });
  }
  return found;
}

/** Empties the bucket, old versions, delete markers and unfinished uploads included, and deletes it. Answers how many went. */
export async function deleteBucket(
  s3: S3Client,
  Bucket: string,
  signal: AbortSignal,
  progress: (deleted: number) => void,
): Promise<number> {
  let deleted = 0;
  for (;;) {
    signal.throwIfAborted();
    // The first page each time: what it listed is gone afterwards.
    const { Versions = [], DeleteMarkers = [] } = await s3.send(
      new ListObjectVersionsCommand({ Bucket, MaxKeys: batch }),
    );
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({
      Key,
      VersionId,
    }));
    if (Objects.length === 0) break;
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first)
      throw new UserError(
        `${Errors.length} objects of ${Bucket} cannot be deleted; the first, ${first.Key}: ${first.Message}`,
      );
    deleted += Objects.length;
    progress(deleted);
  }
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads)
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
  return deleted;
}

const Described = z.object({ KeyMetadata: z.object({ KeyState: z.string() }) });

/** `Enabled`, `PendingDeletion`, …; null when there is no such key. */
async function keyState(account: Account, KeyId: string): Promise<string | null> {
  try {
    const { KeyMetadata } = await callAws(account, 'kms', 'DescribeKey', { KeyId }, Described);
    return KeyMetadata.KeyState;
  } catch (error) {
    if (error instanceof AwsJsonError && error.name === 'NotFoundException') return null;
    throw error;
  }
}

/** Has AWS delete the key after its waiting time; answers the days. A key on its way already is left as it is. */
export async function scheduleKeyDeletion(account: Account, KeyId: string): Promise<number> {
  const state = await keyState(account, KeyId);
  if (state !== null && state !== 'PendingDeletion') {
    await callAws(
      account,
      'kms',
      'ScheduleKeyDeletion',
      { KeyId, PendingWindowInDays: keyWaitDays },
      z.looseObject({}),
    );
  }
  return keyWaitDays;
}
