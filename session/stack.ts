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

/** The stack, in whatever state; undefined when there is none, or it was deleted. */
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

/** Everything that a stack has made and not deleted, also of one that is broken or half gone; none where there is no stack. */
export async function resourcesOf(
  client: CloudFormationClient,
  StackName: string,
): Promise<StackResourceSummary[]> {
  try {
    const found: StackResourceSummary[] = [];
    // In pages: DescribeStackResources answers the first hundred alone.
    for await (const page of paginateListStackResources({ client }, { StackName }))
      found.push(...(page.StackResourceSummaries ?? []));
    return found.filter(({ ResourceStatus }) => ResourceStatus !== 'DELETE_COMPLETE');
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return [];
    throw error;
  }
}

/** Whether what the stack deployed works as a whole: also after an update that was taken back. */
export const isWhole = (status: string | undefined): boolean => stateOf(status).works === 'yes';

export async function isDeployed(client: CloudFormationClient, name: string): Promise<boolean> {
  return isWhole((await findStack(client, name))?.StackStatus);
}

/** The outputs of a stack, where it is a pipeline that has all of them. */
export function outputsOf(stack: Stack | undefined): Outputs | undefined {
  const outputs = (stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [
    OutputKey,
    OutputValue,
  ]);
  return Outputs.safeParse(Object.fromEntries(outputs)).data;
}

/** The outputs of the environment's deployed pipeline, or undefined when there is none that works as a whole. */
export async function findOutputs(
  client: CloudFormationClient,
  environment: EnvironmentName,
): Promise<Outputs | undefined> {
  const stack = await findStack(client, stackName(environment, 'Pipeline'));
  return isWhole(stack?.StackStatus) ? outputsOf(stack) : undefined;
}
