import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { prefixes } from '../../../workflows/datasets';
import type { Session } from '../../cloud/session';
import type { Run } from './follow';

const patienceMillis = 10_000;
const lookMillis = 150;

/**
 * Waits until an execution's history lies in the lake, where EventBridge has it archived after its end. A
 * command that ends its cloud at once would cut that off. Answers whether it was there in time.
 */
export async function archived(session: Session, { name, events }: Run): Promise<boolean> {
  const redrives = events.filter(({ type }) => type === 'ExecutionRedriven').length;
  const Key = `${prefixes.audit}executions/${name}-${redrives}.json`;
  for (const deadline = Date.now() + patienceMillis; Date.now() < deadline;) {
    try {
      await session.people.analyst.s3.send(
        new HeadObjectCommand({ Bucket: session.outputs.BucketName, Key }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof Error && error.name === 'NotFound')) throw error;
    }
    await sleep(lookMillis);
  }
  return false;
}
