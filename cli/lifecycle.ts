import {
  DescribeStackResourcesCommand,
  GetTemplateCommand,
  type CloudFormationClient,
} from '@aws-sdk/client-cloudformation';
import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  type LifecycleRule,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { LakeBucket as Bucket } from '../functions/lake/objects';
import {
  deleteVersion,
  versionsBelow,
  type Version,
  type Versions,
} from '../functions/lake/versions';
import { forEachOf } from '../erasure/scrub';

const DAY_MS = 86_400_000;

/** What S3 would have done since it looked last. */
export interface Expired {
  /** Current objects that are now old versions. */
  objects: number;
  /** Old versions that are gone for good, and markers of deletions that stood for nothing any more. */
  versions: number;
}

/** One rule, as far as the lake's bucket uses the language of rules. */
interface Rule {
  prefix: string;
  days: number | null;
  noncurrentDays: number | null;
  dropsMarkers: boolean;
}

/** A rule as CloudFormation writes it; strict, so that nothing of a rule is passed over. */
const DeclaredRule = z.strictObject({
  Id: z.string(),
  Status: z.enum(['Enabled', 'Disabled']),
  Prefix: z.string().optional(),
  ExpirationInDays: z.number().optional(),
  ExpiredObjectDeleteMarker: z.boolean().optional(),
  NoncurrentVersionExpiration: z.strictObject({ NoncurrentDays: z.number() }).optional(),
  AbortIncompleteMultipartUpload: z.strictObject({ DaysAfterInitiation: z.number() }).optional(),
});
const Template = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Properties: z
        .object({
          LifecycleConfiguration: z.object({ Rules: z.array(DeclaredRule) }).optional(),
        })
        .optional(),
    }),
  ),
});

/**
 * Gives a bucket the rules that its stack's template declares: ministack's CloudFormation leaves them out. Throws
 * ZodError for a rule of another form, and Error where the stack has no such bucket.
 */
export async function declareLifecycle(
  cloudFormation: CloudFormationClient,
  { s3, bucket }: Bucket,
  StackName: string,
): Promise<void> {
  const { StackResources = [] } = await cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName }),
  );
  const id = StackResources.find(
    ({ PhysicalResourceId }) => PhysicalResourceId === bucket,
  )?.LogicalResourceId;
  const { TemplateBody = '{}' } = await cloudFormation.send(new GetTemplateCommand({ StackName }));
  const template = Template.parse(JSON.parse(TemplateBody));
  const declared = template.Resources[id ?? '']?.Properties?.LifecycleConfiguration?.Rules;
  if (declared === undefined)
    throw new Error(`The stack ${StackName} declares no lifecycle of the bucket ${bucket}.`);
  await s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: bucket,
      LifecycleConfiguration: { Rules: declared.map(asRequest) },
    }),
  );
}

function asRequest(rule: z.infer<typeof DeclaredRule>): LifecycleRule {
  const { Id, Status, Prefix = '', ExpirationInDays: Days, ExpiredObjectDeleteMarker } = rule;
  const { NoncurrentVersionExpiration, AbortIncompleteMultipartUpload } = rule;
  const Expiration =
    Days === undefined ? ExpiredObjectDeleteMarker && { ExpiredObjectDeleteMarker } : { Days };
  return {
    ID: Id,
    Status,
    Filter: { Prefix },
    ...(Expiration && { Expiration }),
    ...(NoncurrentVersionExpiration && { NoncurrentVersionExpiration }),
    ...(AbortIncompleteMultipartUpload && { AbortIncompleteMultipartUpload }),
  };
}

/**
 * Does to a bucket of the embedded cloud what S3 does with a bucket's lifecycle configuration once a day. ministack
 * keeps the configuration and never acts on it. As on AWS, an age in days ends at the next midnight (UTC), an old
 * version's age begins when a newer one came, and of several rules the shortest counts. Throws Error for a rule that it
 * does not know.
 */
export async function applyLifecycle(bucket: Bucket, now: Date): Promise<Expired> {
  const { Rules = [] } = await bucket.s3.send(
    new GetBucketLifecycleConfigurationCommand({ Bucket: bucket.bucket }),
  );
  const rules = Rules.filter(({ Status }) => Status === 'Enabled').map(ruleOf);
  const expired: Expired = { objects: 0, versions: 0 };
  await forEachOf(versionsBelow(bucket, ''), async (object) => {
    const mine = rules.filter(({ prefix }) => object.key.startsWith(prefix));
    const gone = await expireVersions(bucket, object, mine, now);
    expired.versions += gone.size;
    const left = object.versions.filter(({ id }) => !gone.has(id));
    const current = left.find(({ isCurrent }) => isCurrent);
    if (current === undefined) return;
    if (current.isMarker) {
      if (left.length > 1 || !mine.some(({ dropsMarkers }) => dropsMarkers)) return;
      await deleteVersion(bucket, object.key, current.id);
      expired.versions += 1;
    } else if (isOver(current.modified, shortest(mine.map(({ days }) => days)), now)) {
      await deleteVersion(bucket, object.key);
      expired.objects += 1;
    }
  });
  return expired;
}

/** Old versions that are gone; a version is old since the one after it came. */
async function expireVersions(
  bucket: Bucket,
  { key, versions }: Versions,
  rules: readonly Rule[],
  now: Date,
): Promise<Set<string>> {
  const days = shortest(rules.map(({ noncurrentDays }) => noncurrentDays));
  const gone = new Set<string>();
  let newer: Version | undefined;
  for (const version of versions) {
    if (newer !== undefined && !version.isCurrent && isOver(newer.modified, days, now)) {
      await deleteVersion(bucket, key, version.id);
      gone.add(version.id);
    }
    newer = version;
  }
  return gone;
}

function shortest(days: readonly (number | null)[]): number | null {
  const set = days.filter((one) => one !== null);
  return set.length === 0 ? null : Math.min(...set);
}

function isOver(since: Date, days: number | null, now: Date): boolean {
  if (days === null) return false;
  return now.valueOf() >= Math.ceil((since.valueOf() + days * DAY_MS) / DAY_MS) * DAY_MS;
}

function ruleOf(rule: LifecycleRule): Rule {
  const { ID = 'without a name', Filter, Expiration, NoncurrentVersionExpiration: old } = rule;
  const unknown = [
    ...(rule.Transitions?.length ? ['Transitions'] : []),
    ...(rule.NoncurrentVersionTransitions?.length ? ['NoncurrentVersionTransitions'] : []),
    ...(Expiration?.Date ? ['Expiration.Date'] : []),
    ...(old?.NewerNoncurrentVersions ? ['NewerNoncurrentVersions'] : []),
    ...(Filter?.Tag || Filter?.And ? ['a filter by more than a prefix'] : []),
    ...(Filter?.ObjectSizeGreaterThan || Filter?.ObjectSizeLessThan ? ['a filter by size'] : []),
  ];
  if (unknown.length > 0) {
    throw new Error(
      `The lifecycle rule ${ID} has ${unknown.join(', ')}, which the embedded cloud does not do: teach it to cli/lifecycle.ts.`,
    );
  }
  return {
    prefix: Filter?.Prefix ?? '',
    days: Expiration?.Days ?? null,
    noncurrentDays: old?.NoncurrentDays ?? null,
    dropsMarkers: Expiration?.ExpiredObjectDeleteMarker === true,
  };
}
