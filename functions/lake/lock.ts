import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import { getJson, putJsonIf, statusOf, uriOf } from './objects';
import type { Lake } from './objects';

/**
 * One execution works on the lake at a time. EventBridge can deliver a start twice, and two runs would pay
 * X twice for the same tweets. The lock stays in the bucket when it is released, so that a second delivery
 * of the same scheduled start is recognised even after the first has ended.
 */
const Lock = z.strictObject({
  executionArn: z.string(),
  scheduledFor: z.string().nullable(),
  takenAt: z.string(),
  releasedAt: z.string().nullable(),
});
type Lock = z.infer<typeof Lock>;

const KEY = `${prefixes.plans}lock.json`;
// Each lost race means that somebody else wrote in between; more than a few means something is wrong.
const MAX_RACES = 5;

export type Taken = { taken: true } | { taken: false; reason: string };

/**
 * Takes the lock for an execution. One that holds it already keeps it (a redrive); a holder that no longer
 * runs is replaced. Throws `RunInProgress` while another execution runs.
 */
export async function takeLock(
  lake: Lake,
  sfn: SFNClient,
  who: { executionArn: string; scheduledFor: string | null; now: Date },
): Promise<Taken> {
  const wanted: Lock = {
    executionArn: who.executionArn,
    scheduledFor: who.scheduledFor,
    takenAt: who.now.toISOString(),
    releasedAt: null,
  };
  for (let race = 0; race < MAX_RACES; race += 1) {
    const found = await getJson(lake, KEY, Lock);
    const holder = found?.value;
    if (holder?.executionArn === who.executionArn && holder.releasedAt === null) {
      return { taken: true };
    }
    if (holder && holder.executionArn !== who.executionArn) {
      if (who.scheduledFor !== null && holder.scheduledFor === who.scheduledFor) {
        return {
          taken: false,
          reason: `duplicate delivery: ${holder.executionArn} already answers for the start scheduled at ${who.scheduledFor}`,
        };
      }
      if (holder.releasedAt === null && (await isRunning(sfn, holder.executionArn))) {
        throw new StepError(
          'RunInProgress',
          `${holder.executionArn} has been working on this lake since ${holder.takenAt}. ` +
            'Wait until it has ended, or stop it, and start again.',
        );
      }
    }
    if ((await putJsonIf(lake, KEY, wanted, { ifMatch: found?.etag ?? null })) !== null) {
      return { taken: true };
    }
  }
  throw new StepError(
    'RunInProgress',
    `${uriOf(lake, KEY)} changed ${MAX_RACES} times while this run tried to take it`,
  );
}

/** Releases the lock if this execution holds it; another's is left alone. */
export async function releaseLock(lake: Lake, executionArn: string, now: Date): Promise<void> {
  const found = await getJson(lake, KEY, Lock);
  if (found && found.value.executionArn === executionArn && found.value.releasedAt === null) {
    // Lost to another writer: then the lock is no longer ours to release.
    await putJsonIf(
      lake,
      KEY,
      { ...found.value, releasedAt: now.toISOString() },
      { ifMatch: found.etag },
    );
  }
}

async function isRunning(sfn: SFNClient, executionArn: string): Promise<boolean> {
  try {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    return status === 'RUNNING';
  } catch (error) {
    if (error instanceof Error && error.name === 'ExecutionDoesNotExist') {
      return false;
    }
    if (statusOf(error) === 400 && error instanceof Error && error.name === 'InvalidArn') {
      return false;
    }
    throw error;
  }
}
