import { stackName } from '../../infra/naming';
import type { Session } from '../../session/session';
import { findStack, resourcesOf } from '../../session/stack';

/** ARN of the key that the data stack made; null when there is no such stack. */
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
