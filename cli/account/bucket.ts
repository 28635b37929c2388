import { GetBucketTaggingCommand, HeadBucketCommand } from '@aws-sdk/client-s3';
import { stackName, lakeName } from '../../infra/naming';
import { findStack, resourcesOf } from '../../session/stack';
import { stateOf } from '../../session/stack-states';
import type { Finding } from './finding';
import type { Account, AccountEnvironment } from './session';

/** What is known of the name before a deployment; `wanted` is null where CloudFormation may choose. */
export interface BucketFacts {
  wanted: string | null;
  /** The bucket that the data stack has; null where there is no such stack, or it has none. */
  current: string | null;
  /** What CloudFormation would put before a name of its own. */
  generatedPrefix: string;
  /** Status that HeadBucket answers for the wanted name; null where none is wanted. */
  status: number | null;
  /** Whether the wanted bucket is of this environment by its tag: what an earlier tear-down kept. */
  isKept: boolean;
}

const where = 'bucketName, infra/config.ts, or -c bucketName=…';

/** What stands in the way of the bucket's name. */
export function bucketFindings(facts: BucketFacts, environment: AccountEnvironment): Finding[] {
  const error = (what: string, todo: string): Finding[] => [{ level: 'error', what, where, todo }];
  const { wanted, current, generatedPrefix, status, isKept } = facts;
  if (current !== null) {
    const isSame = wanted === null ? current.startsWith(generatedPrefix) : wanted === current;
    return isSame
      ? []
      : error(
          `the lake's bucket is ${current}, and would be ${wanted ?? "one of CloudFormation's own names"}: CloudFormation would make another, empty bucket, and the data would stay behind`,
          current.startsWith(generatedPrefix)
            ? 'leave the name out: a bucket cannot be renamed'
            : `give -c bucketName=${current} at each deployment, or set it in infra/config.ts: a bucket cannot be renamed`,
        );
  }
  if (wanted === null || status === 404) return [];
  if (status === 200)
    return isKept
      ? error(
          `the bucket ${wanted} was kept by an earlier tear-down of ${environment}, with its data: CloudFormation cannot make it again`,
          `choose another name and keep the data beside it; or delete them for good: npm run destroy -- --env ${environment} --delete-data`,
        )
      : error(
          `you have a bucket ${wanted} already, and it is not this lake's`,
          'choose another name, or delete that bucket',
        );
  if (status === 301)
    return error(
      `the bucket ${wanted} is in another region, yours or somebody else's: names are global`,
      'choose another name',
    );
  if (status === 403)
    return error(
      `the bucket ${wanted} is somebody else's, or yours and closed to you: names are global`,
      'choose another name',
    );
  return [
    {
      level: 'warning',
      what: `whether the bucket's name ${wanted} is free was not found out: S3 answered ${status}`,
      where,
      todo: `look by hand: aws s3api head-bucket --bucket ${wanted} has to say 404`,
    },
  ];
}

/** The bucket of the lake among what the data stack made; null where a creation that failed is about to go. */
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

/** Whether the bucket carries the environment's tag; false where it has none, or does not say. */
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

/** Status of HeadBucket, asked as the account: a bucket of another one that is open to us is 403, too. */
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

/** Looks at the name that the bucket is to have. */
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

/** How CloudFormation begins a bucket's name that it makes of the data stack's and a construct's. */
export const generatedPrefix = (environment: AccountEnvironment, construct: string): string =>
  `${stackName(environment, 'Data').toLowerCase()}-${construct}`;
