import {
  DescribeStacksCommand,
  type CloudFormationClient,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { z } from 'zod';
import type { EnvironmentName } from '../../infra/config';
import { stackName } from '../../infra/naming';

/** What the command line needs to know of a deployed pipeline. */
const Outputs = z.object({
  StateMachineArn: z.string(),
  BucketName: z.string(),
  DatabaseName: z.string(),
  WorkgroupName: z.string(),
  AnalystsWorkgroupName: z.string(),
  EndpointName: z.string(),
  TokenSecretArn: z.string(),
  ForceGrantSecretArn: z.string(),
  ForgottenSecretArn: z.string(),
});
export type Outputs = z.infer<typeof Outputs>;

export async function findStack(
  client: CloudFormationClient,
  StackName: string,
): Promise<Stack | undefined> {
  try {
    return (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

/** Also after an update that was rolled back: the version before it runs. */
export const isWhole = (status: string | undefined): boolean =>
  /^((CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK)_COMPLETE|UPDATE_COMPLETE_CLEANUP_IN_PROGRESS)$/.test(
    status ?? '',
  );

export async function isDeployed(client: CloudFormationClient, name: string): Promise<boolean> {
  return isWhole((await findStack(client, name))?.StackStatus);
}

/** The outputs of the environment's deployed pipeline, or undefined when there is none whole. */
export async function findOutputs(
  client: CloudFormationClient,
  environment: EnvironmentName,
): Promise<Outputs | undefined> {
  const stack = await findStack(client, stackName(environment, 'Pipeline'));
  if (!isWhole(stack?.StackStatus)) return undefined;
  const outputs = (stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [
    OutputKey,
    OutputValue,
  ]);
  const parsed = Outputs.safeParse(Object.fromEntries(outputs));
  return parsed.success ? parsed.data : undefined;
}
