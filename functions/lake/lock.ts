import { leaseKeys } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import { releaseLease, takeLease } from './lease';
import type { IsRunning } from './lease';
import type { LakeBucket } from './objects';

export type Acquired = { taken: true } | { taken: false; reason: string };

/**
 * Acquires the run lock: only one execution at a time changes the lake's days and models. EventBridge can deliver a
 * start twice, and two runs would pay X twice for the same tweets. Throws `RunInProgress` while another execution runs.
 */
export async function takeLock(
  lake: LakeBucket,
  isRunning: IsRunning,
  who: { executionArn: string; scheduledFor: string | null; now: Date },
): Promise<Acquired> {
  const lease = await takeLease(lake, leaseKeys.run, isRunning, who);
  if (lease.taken) {
    return lease;
  }
  const { holder } = lease;
  if (who.scheduledFor !== null && holder.scheduledFor === who.scheduledFor) {
    return {
      taken: false,
      reason: `duplicate delivery: ${holder.executionArn} already answers for the start scheduled at ${who.scheduledFor}`,
    };
  }
  throw new StepError(
    'RunInProgress',
    `${holder.executionArn} has been working on this lake since ${holder.takenAt}. ` +
      'Wait until it has ended, or stop it, and start again.',
  );
}

/** Releases the run lock if this execution holds it; does nothing otherwise. */
export const releaseLock = (lake: LakeBucket, executionArn: string, now: Date): Promise<void> =>
  releaseLease(lake, leaseKeys.run, executionArn, now);
