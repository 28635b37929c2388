import {
  DescribeStacksCommand,
  paginateListStackResources,
  type CloudFormationClient,
  type Stack,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { z } from 'zod';
import type { EnvironmentName } from '../infra/config';
import { stackName } from '../infra/naming';
import { stateOf } from './stack-states';

/** The outputs of a deployed pipeline that the command line needs. */
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
  /** Only `lake watch` needs it. */
  StreamName: z.string().optional(),
});
export type Outputs = z.infer<typeof Outputs>;

/** Finds a stack in any status; undefined when there is none or it was deleted. */
export async function findStack(
  client: CloudFormationClient,
  StackName: string,
): Promise<Stack | undefined> {
  try {
    const stack = (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
    return stack?.StackStatus === 'DELETE_COMPLETE' ? undefined : stack;
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

/** All resources of a stack that are not deleted, whatever its status; empty when there is no stack. */
export async function resourcesOf(
  client: CloudFormationClient,
  StackName: string,
): Promise<StackResourceSummary[]> {
  try {
    const found: StackResourceSummary[] = [];
    // Paginated, because DescribeStackResources returns only the first hundred.
    for await (const page of paginateListStackResources({ client }, { StackName }))
      found.push(...(page.StackResourceSummaries ?? []));
    return found.filter(({ ResourceStatus }) => ResourceStatus !== 'DELETE_COMPLETE');
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return [];
    throw error;
  }
}

/** Whether all of the stack's resources work, also after an update that was rolled back. */
export const isWhole = (status: string | undefined): boolean => stateOf(status).works === 'yes';

export async function isDeployed(client: CloudFormationClient, name: string): Promise<boolean> {
  return isWhole((await findStack(client, name))?.StackStatus);
}

/** The outputs of a pipeline's stack; undefined when one of them is missing. */
export function outputsOf(stack: Stack | undefined): Outputs | undefined {
  const outputs = (stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [
    OutputKey,
    OutputValue,
  ]);
  return Outputs.safeParse(Object.fromEntries(outputs)).data;
}

/** The outputs of the environment's deployed pipeline; undefined when there is none that works completely. */
export async function findOutputs(
  client: CloudFormationClient,
  environment: EnvironmentName,
): Promise<Outputs | undefined> {
  const stack = await findStack(client, stackName(environment, 'Pipeline'));
  return isWhole(stack?.StackStatus) ? outputsOf(stack) : undefined;
}
