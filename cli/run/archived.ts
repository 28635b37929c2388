import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { prefixes } from '../../workflows/datasets';
import type { Session } from '../../session/session';
import type { Run } from './follow';

const patienceMillis = 10_000;
const lookMillis = 150;

/**
 * Waits until an execution's history lies in the lake, where EventBridge has it archived after its end. A
 * command that ends its cloud at once would cut that off. Answers whether it was there in time. Looks as AnalyticsRole.
 */
export const archived = (session: Session, run: Run): Promise<boolean> =>
  archiveSeen(run, async (Key) => {
    try {
      await session.people.analyst.s3.send(
        new HeadObjectCommand({ Bucket: session.outputs.BucketName, Key }),
      );
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === 'NotFound') return false;
      throw error;
    }
  });

/** The same for somebody who has another way to look: `isThere` says whether there is an object of this key. */
export async function archiveSeen(
  { name, events }: Run,
  isThere: (key: string) => Promise<boolean>,
): Promise<boolean> {
  const redrives = events.filter(({ type }) => type === 'ExecutionRedriven').length;
  const key = `${prefixes.audit}executions/${name}-${redrives}.json`;
  for (const deadline = Date.now() + patienceMillis; Date.now() < deadline;) {
    if (await isThere(key)) return true;
    await sleep(lookMillis);
  }
  return false;
}
