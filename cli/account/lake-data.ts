import { DescribeKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketEncryptionCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  paginateListBuckets,
  type S3Client,
} from '@aws-sdk/client-s3';
import { clientConfig } from '../../session/clients';
import { UserError } from '../../session/user-error';
import { bucketOfStack, generatedPrefix, isTaggedAsLake } from './bucket';
import type { Account, AccountEnvironment } from './session';

/** A bucket with data and its key; both outlive the stacks. */
export interface LakeData {
  bucket: string;
  /** ARN of the key that the bucket encrypts with; null when the bucket does not tell. */
  keyArn: string | null;
}

/** The maximum of one DeleteObjects call. */
const batch = 1000;
/** AWS waits 7 to 30 days, free of charge, before it deletes a key. The maximum gives time to undo a mistake. */
const keyWaitDays = 30;

/** The names of the account's buckets in the region. */
async function buckets({ clients: { s3 }, region }: Account): Promise<string[]> {
  const found: string[] = [];
  for await (const { Buckets = [] } of paginateListBuckets({ client: s3 }, {})) {
    for (const { Name = '', BucketRegion } of Buckets) {
      if ((BucketRegion ?? region) === region) found.push(Name);
    }
  }
  return found;
}

/** The buckets with the lake's access logs. CloudFormation names them `sentimentlake-dev-data-lakeaccesslogs…`. */
export const findAccessLogs = async (
  account: Account,
  environment: AccountEnvironment,
): Promise<string[]> => {
  const prefix = generatedPrefix(environment, 'lakeaccesslogs');
  return (await buckets(account)).filter((name) => name.startsWith(prefix));
};

/** The lake's buckets: the stack's own, those with a name by CloudFormation, and those with the lake's tag. */
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
 * Finds the environment's buckets and their keys, even when the stacks are deleted. A deployment after a `destroy`
 * that kept the data leads to more than one.
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

/**
 * Deletes the bucket with all objects, old versions, delete markers and unfinished uploads. Returns the number of
 * deleted versions. Throws UserError when an object cannot be deleted.
 */
export async function deleteBucket(
  s3: S3Client,
  Bucket: string,
  signal: AbortSignal,
  progress: (deleted: number) => void,
): Promise<number> {
  let deleted = 0;
  for (;;) {
    signal.throwIfAborted();
    // List the first page each time: its objects are deleted afterwards.
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
        `${Errors.length} objects of ${Bucket} cannot be deleted. The first is ${first.Key}: ${first.Message}`,
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

/** The key's state, such as `Enabled` or `PendingDeletion`; null when there is no such key. */
async function keyState(kms: KMSClient, KeyId: string): Promise<string | null> {
  try {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
    return KeyMetadata?.KeyState ?? null;
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFoundException') return null;
    throw error;
  }
}

/** Schedules the key's deletion and returns the days until then. Leaves a scheduled deletion unchanged. */
export async function scheduleKeyDeletion(
  { connection }: Pick<Account, 'connection'>,
  KeyId: string,
): Promise<number> {
  const kms = new KMSClient(clientConfig(connection));
  const state = await keyState(kms, KeyId);
  if (state !== null && state !== 'PendingDeletion')
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: keyWaitDays }));
  return keyWaitDays;
}
