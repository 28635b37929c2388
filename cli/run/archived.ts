import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { prefixes } from '../../workflows/datasets';
import type { Session } from '../../session/session';
import type { Run } from './follow';

const patienceMillis = 10_000;
const lookMillis = 150;

/**
 * Waits until an execution's history is in the lake: EventBridge starts its archiving after the execution's end, and a
 * command that stopped its cloud at once would prevent it. Returns whether it arrived in time. Reads as AnalyticsRole.
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

/** The same with another way to look: `isThere` tells whether the object of a key exists. */
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
