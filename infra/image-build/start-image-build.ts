import { CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild';
import { z } from 'zod';

const Event = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResourceProperties: z.object({ ProjectName: z.string(), Tag: z.string() }),
});

/** Starts the build of the images when their sources have changed. Deleting keeps them: the repositories go by themselves. */
export async function handler(event: unknown) {
  const { RequestType, ResourceProperties } = Event.parse(event);
  const { ProjectName, Tag } = ResourceProperties;
  // The same for all tags: a new one would make CloudFormation delete the resource of the old.
  const PhysicalResourceId = `${ProjectName}-images`;
  if (RequestType === 'Delete') return { PhysicalResourceId };
  const { build } = await new CodeBuildClient({}).send(
    new StartBuildCommand({
      projectName: ProjectName,
      environmentVariablesOverride: [{ name: 'TAG', value: Tag, type: 'PLAINTEXT' }],
    }),
  );
  return { PhysicalResourceId, Data: { BuildId: build?.id ?? '' } };
}
