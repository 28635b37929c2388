import { GetBucketTaggingCommand, HeadBucketCommand } from '@aws-sdk/client-s3';
import { stackName, lakeName } from '../../infra/naming';
import { findStack, resourcesOf } from '../../session/stack';
import { stateOf } from '../../session/stack-states';
import type { Finding } from './finding';
import type { Account, AccountEnvironment } from './session';

/** What is known about the bucket's name before a deployment. `wanted` is null when CloudFormation may choose it. */
export interface BucketFacts {
  wanted: string | null;
  /** The data stack's bucket; null without a stack or a bucket. */
  current: string | null;
  /** Prefix of a name that CloudFormation would generate. */
  generatedPrefix: string;
  /** HeadBucket's status for the wanted name; null when no name is wanted. */
  status: number | null;
  /** Whether the wanted bucket has this environment's tag: an earlier `destroy` kept it. */
  isKept: boolean;
}

const where = 'bucketName, infra/config.ts, or -c bucketName=…';

/** Finds reasons why the deployment could not use the bucket's name. */
export function bucketFindings(facts: BucketFacts, environment: AccountEnvironment): Finding[] {
  const error = (what: string, todo: string): Finding[] => [{ level: 'error', what, where, todo }];
  const { wanted, current, generatedPrefix, status, isKept } = facts;
  if (current !== null) {
    const isSame = wanted === null ? current.startsWith(generatedPrefix) : wanted === current;
    return isSame
      ? []
      : error(
          `the lake's bucket is ${current}, but the settings ask for ${wanted ?? 'a generated name'}: CloudFormation would create another, empty bucket and leave the data in the old one`,
          current.startsWith(generatedPrefix)
            ? 'remove the name from the settings: a bucket cannot be renamed'
            : `give -c bucketName=${current} at each deployment, or set it in infra/config.ts: a bucket cannot be renamed`,
        );
  }
  if (wanted === null || status === 404) return [];
  if (status === 200)
    return isKept
      ? error(
          `an earlier destroy of ${environment} kept the bucket ${wanted} with its data: CloudFormation cannot create it again`,
          `choose another name and keep the old bucket, or delete it for good: npm run destroy -- --env ${environment} --delete-data`,
        )
      : error(
          `your account already has a bucket ${wanted}, and it does not belong to this lake`,
          'choose another name, or delete that bucket',
        );
  if (status === 301)
    return error(
      `a bucket ${wanted} exists in another region, in your account or another one: names are global`,
      'choose another name',
    );
  if (status === 403)
    return error(
      `a bucket ${wanted} exists, but you may not access it; it may belong to another account: names are global`,
      'choose another name',
    );
  return [
    {
      level: 'warning',
      what: `could not check whether the bucket's name ${wanted} is free: S3 answered ${status}`,
      where,
      todo: `check it yourself: aws s3api head-bucket --bucket ${wanted} must answer 404`,
    },
  ];
}

/** The name of the data stack's lake bucket; null without one, or when the stack's creation failed. */
export async function bucketOfStack(
  { clients }: Account,
  environment: AccountEnvironment,
): Promise<string | null> {
  const name = stackName(environment, 'Data');
  const stack = await findStack(clients.cloudFormation, name);
  if (!stack || stateOf(stack.StackStatus).works === 'no') return null;
  const resources = await resourcesOf(clients.cloudFormation, name);
  return (
    resources.find(
      ({ ResourceType, LogicalResourceId = '' }) =>
        ResourceType === 'AWS::S3::Bucket' && LogicalResourceId.startsWith('LakeBucket'),
    )?.PhysicalResourceId ?? null
  );
}

/** Whether the bucket has the environment's tag; false also when its tags cannot be read. */
export async function isTaggedAsLake(
  { clients: { s3 } }: Account,
  Bucket: string,
  environment: AccountEnvironment,
): Promise<boolean> {
  try {
    const { TagSet = [] } = await s3.send(new GetBucketTaggingCommand({ Bucket }));
    return TagSet.some(
      ({ Key, Value }) => Key === 'application' && Value === lakeName(environment),
    );
  } catch (error) {
    if (error instanceof Error && /^(NoSuchTagSet|NoSuchBucket|AccessDenied)/.test(error.name))
      return false;
    throw error;
  }
}

const statusOf = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && '$metadata' in error
    ? Number(Object(error.$metadata).httpStatusCode)
    : undefined;

/** HeadBucket's status, with the account as expected owner: another account's public bucket gives 403, too. */
async function headBucket({ clients: { s3 }, id }: Account, Bucket: string): Promise<number> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket, ExpectedBucketOwner: id }));
    return 200;
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return status;
  }
}

/** Checks the bucket's name before a deployment. */
export async function bucketChecks(
  account: Account,
  environment: AccountEnvironment,
  wanted: string | null,
): Promise<Finding[]> {
  const current = await bucketOfStack(account, environment);
  const status = wanted === null || wanted === current ? null : await headBucket(account, wanted);
  return bucketFindings(
    {
      wanted,
      current,
      generatedPrefix: generatedPrefix(environment, 'lakebucket'),
      status,
      isKept:
        status === 200 && wanted !== null && (await isTaggedAsLake(account, wanted, environment)),
    },
    environment,
  );
}

/** The prefix of a bucket name that CloudFormation generates from the data stack's and the construct's names. */
export const generatedPrefix = (environment: AccountEnvironment, construct: string): string =>
  `${stackName(environment, 'Data').toLowerCase()}-${construct}`;
