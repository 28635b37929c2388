import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { z } from 'zod';

export const pipelineStack = 'SentimentLake-local-Pipeline';

/** What the command line needs to know of a deployed pipeline. */
const Outputs = z.object({
  StateMachineArn: z.string(),
  BucketName: z.string(),
  DatabaseName: z.string(),
  WorkgroupName: z.string(),
  EndpointName: z.string(),
  TokenSecretArn: z.string(),
});
export type Outputs = z.infer<typeof Outputs>;

/** The outputs of the deployed pipeline, or undefined when there is none whole. */
export async function findOutputs(client: CloudFormationClient): Promise<Outputs | undefined> {
  const stack = await client.send(new DescribeStacksCommand({ StackName: pipelineStack })).then(
    ({ Stacks }) => Stacks?.[0],
    (error: unknown) => {
      if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
      throw error;
    },
  );
  if (!stack || !/^(CREATE|UPDATE)_COMPLETE$/.test(stack.StackStatus ?? '')) return undefined;
  const outputs = (stack.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]);
  const parsed = Outputs.safeParse(Object.fromEntries(outputs));
  return parsed.success ? parsed.data : undefined;
}
