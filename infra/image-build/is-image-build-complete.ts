import { BatchGetBuildsCommand, CodeBuildClient } from '@aws-sdk/client-codebuild';
import { z } from 'zod';

const Event = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  Data: z.object({ BuildId: z.string() }).optional(),
});

/** Returns whether the build has ended. Throws Error when it failed, which fails the deployment. */
export async function handler(event: unknown) {
  const { RequestType, Data } = Event.parse(event);
  if (RequestType === 'Delete') return { IsComplete: true };
  const { builds = [] } = await new CodeBuildClient({}).send(
    new BatchGetBuildsCommand({ ids: [Data?.BuildId ?? ''] }),
  );
  const [build] = builds;
  switch (build?.buildStatus) {
    case 'IN_PROGRESS':
      return { IsComplete: false };
    case 'SUCCEEDED':
      return { IsComplete: true };
    default:
      throw new Error(
        `The build of the images, ${Data?.BuildId}, ended with status ${build?.buildStatus ?? 'unknown'}. Its log: ${build?.logs?.deepLink ?? 'none'}`,
      );
  }
}
