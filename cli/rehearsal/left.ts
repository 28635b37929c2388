import { paginateListStacks } from '@aws-sdk/client-cloudformation';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { paginateListEndpoints } from '@aws-sdk/client-sagemaker';
import { findRegistry } from '../account/registry';
import type { AccountEnvironment } from '../account/session';
import { prices } from '../costs/prices';
import type { Rehearsal } from './rehearsal';

type Asked = Pick<Rehearsal, 'clients'>;

/** The endpoints of all environments (ListEndpoints). */
export async function endpointsLeft({ clients }: Asked): Promise<string[]> {
  const found: string[] = [];
  for await (const { Endpoints = [] } of paginateListEndpoints({ client: clients.sageMaker }, {}))
    found.push(...Endpoints.map(({ EndpointName = '' }) => EndpointName));
  return found.sort();
}

/** The environment's registry of models, if there is one (DescribeModelPackageGroup). */
export async function registryLeft(
  { clients }: Asked,
  environment: AccountEnvironment,
): Promise<string[]> {
  const { group } = await findRegistry(clients.sageMaker, environment);
  return group === null ? [] : [`model package group ${group}`];
}

/** The stacks that are not deleted (ListStacks). */
export async function stacksLeft({ clients }: Asked): Promise<string[]> {
  const found: string[] = [];
  for await (const { StackSummaries = [] } of paginateListStacks(
    { client: clients.cloudFormation },
    {},
  ))
    found.push(
      ...StackSummaries.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE').map(
        ({ StackName = '' }) => StackName,
      ),
    );
  return found.sort();
}

/** The buckets (ListBuckets), limited to an environment's if one is given. */
export async function bucketsLeft(
  { clients }: Asked,
  environment?: AccountEnvironment,
): Promise<string[]> {
  const { Buckets = [] } = await clients.s3.send(new ListBucketsCommand({}));
  return Buckets.map(({ Name = '' }) => Name)
    .filter((name) => environment === undefined || name.startsWith(`sentimentlake-${environment}-`))
    .sort();
}

/** Lines that list the resources left in the account and their costs. */
export async function describeLeft(asked: Asked): Promise<string[]> {
  const named = (what: string, names: readonly string[], cost: string) =>
    `${what}: ${names.length === 0 ? 'nothing' : `${names.join(', ')} (${cost})`}`;
  return [
    named('ListEndpoints', await endpointsLeft(asked), 'charged by the hour or the request'),
    named(
      'ListStacks',
      await stacksLeft(asked),
      'of cdk bootstrap: free, used by every deployment',
    ),
    named(
      'ListBuckets',
      await bucketsLeft(asked),
      `assets of cdk bootstrap: $${prices.s3PerGbMonth} per GB and month`,
    ),
  ];
}
