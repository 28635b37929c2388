import { CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild';
import { z } from 'zod';

const Event = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResourceProperties: z.object({ ProjectName: z.string(), Tag: z.string() }),
});

/** Starts the image build when the sources have changed. Deletes nothing: the images go with their repositories. */
export async function handler(event: unknown) {
  const { RequestType, ResourceProperties } = Event.parse(event);
  const { ProjectName, Tag } = ResourceProperties;
  // The same id for all tags: with a new one, CloudFormation would delete the old resource.
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
