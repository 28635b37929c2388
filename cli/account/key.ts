import { stackName } from '../../infra/naming';
import type { Session } from '../../session/session';
import { findStack, resourcesOf } from '../../session/stack';

/** The ARN of the data stack's key; null without a data stack. */
export async function keyOfStack({
  clients,
  environment,
  region,
}: Pick<Session, 'clients' | 'environment' | 'region'>): Promise<string | null> {
  const StackName = stackName(environment, 'Data');
  const stack = await findStack(clients.cloudFormation, StackName);
  if (stack === undefined) return null;
  const resources = await resourcesOf(clients.cloudFormation, StackName);
  const id = resources.find(
    ({ ResourceType }) => ResourceType === 'AWS::KMS::Key',
  )?.PhysicalResourceId;
  const [, partition, , , account] = (stack.StackId ?? '').split(':');
  return id === undefined ? null : `arn:${partition}:kms:${region}:${account}:key/${id}`;
}
