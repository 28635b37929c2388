import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { durable } from '../../workflows/durable';
import { StepError } from '../../workflows/errors';
import { getJson, putJsonIf, statusOf, uriOf } from './objects';
import type { Lake } from './objects';

/**
 * Who works on something that one execution at a time may work on. A lease stays in the bucket when it is
 * released, so that a second delivery of the same scheduled start is recognised even after the first has ended.
 */
export const Lease = durable(
  'A lease',
  z.object({
    schemaVersion: z.literal(1),
    executionArn: z.string(),
    scheduledFor: z.string().nullable(),
    takenAt: z.string(),
    releasedAt: z.string().nullable(),
    /** Of a holder that is no execution, so that nobody can ask whether it still runs: until when it holds at most. */
    heldUntil: z.string().optional(),
  }),
);
export type Lease = z.infer<typeof Lease>;

// Each lost race means that somebody else wrote in between; more than a few means something is wrong.
const MAX_RACES = 5;

export type IsRunning = (executionArn: string) => Promise<boolean>;

/**
 * Takes the lease for an execution. One that holds it already keeps it (a redrive); a holder that no longer
 * runs is replaced. Answers the holder when that is somebody else, or somebody who answers for the same
 * scheduled start.
 */
export async function takeLease(
  lake: Lake,
  key: string,
  isRunning: IsRunning,
  who: { executionArn: string; scheduledFor: string | null; now: Date; heldUntil?: string },
): Promise<{ taken: true } | { taken: false; holder: Lease }> {
  const wanted: Lease = {
    schemaVersion: 1,
    executionArn: who.executionArn,
    scheduledFor: who.scheduledFor,
    takenAt: who.now.toISOString(),
    releasedAt: null,
    ...(who.heldUntil !== undefined && { heldUntil: who.heldUntil }),
  };
  const holds = ({ executionArn, heldUntil }: Lease) =>
    heldUntil === undefined ? isRunning(executionArn) : heldUntil > who.now.toISOString();
  for (let race = 0; race < MAX_RACES; race += 1) {
    const found = await getJson(lake, key, Lease);
    const holder = found?.value;
    if (holder?.executionArn === who.executionArn && holder.releasedAt === null) {
      return { taken: true };
    }
    if (holder && holder.executionArn !== who.executionArn) {
      const isSameStart = who.scheduledFor !== null && holder.scheduledFor === who.scheduledFor;
      if (isSameStart || (holder.releasedAt === null && (await holds(holder)))) {
        return { taken: false, holder };
      }
    }
    if ((await putJsonIf(lake, key, wanted, { ifMatch: found?.etag ?? null })) !== null) {
      return { taken: true };
    }
  }
  throw new StepError(
    'RunInProgress',
    `${uriOf(lake, key)} changed ${MAX_RACES} times while this run tried to take it`,
  );
}

/** Holds on to a lease for longer. Throws `RunInProgress` when somebody else has taken it since. */
export async function renewLease(
  lake: Lake,
  key: string,
  executionArn: string,
  heldUntil: string,
): Promise<void> {
  const found = await getJson(lake, key, Lease);
  const isOurs = found?.value.executionArn === executionArn && found.value.releasedAt === null;
  const renewed =
    isOurs && (await putJsonIf(lake, key, { ...found.value, heldUntil }, { ifMatch: found.etag }));
  if (typeof renewed !== 'string') {
    throw new StepError('RunInProgress', `${uriOf(lake, key)} was taken by somebody else`);
  }
}

/** Releases the lease if this execution holds it; another's is left alone. */
export async function releaseLease(
  lake: Lake,
  key: string,
  executionArn: string,
  now: Date,
): Promise<void> {
  const found = await getJson(lake, key, Lease);
  if (found && found.value.executionArn === executionArn && found.value.releasedAt === null) {
    // Lost to another writer: then the lease is no longer ours to release.
    await putJsonIf(
      lake,
      key,
      { ...found.value, releasedAt: now.toISOString() },
      { ifMatch: found.etag },
    );
  }
}

export const executionRuns =
  (sfn: SFNClient): IsRunning =>
  async (executionArn) => {
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
  };
