import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { durable } from '../../workflows/durable';
import { StepError } from '../../workflows/errors';
import { getJson, getTimedJson, putJsonIf, statusOf, uriOf } from './objects';
import type { LakeBucket } from './objects';

/**
 * The holder of a lock: one execution at a time. The lease object stays in the bucket after its release, so that a
 * second delivery of the same scheduled start is recognised after the first has ended.
 */
export const Lease = durable(
  'A lease',
  z.object({
    schemaVersion: z.literal(1),
    executionArn: z.string(),
    scheduledFor: z.string().nullable(),
    takenAt: z.string(),
    releasedAt: z.string().nullable(),
    /** Expiry time, for a holder that is not an execution (we cannot ask whether it is alive). */
    heldUntil: z.string().optional(),
  }),
);
export type Lease = z.infer<typeof Lease>;

// Each lost race is a write by somebody else in between; more than a few mean that something is wrong.
const MAX_RACES = 5;

/**
 * A hold ends at most this long after its object was written, whatever `heldUntil` says, so that a mistake cannot lock
 * everybody out. A holder that needs longer renews the lease.
 */
const LONGEST_HOLD_MS = 5 * 60 * 1000;

export type IsRunning = (executionArn: string) => Promise<boolean>;

interface Who {
  executionArn: string;
  scheduledFor: string | null;
  now: Date;
  /** For a holder that is not an execution: how long it holds without renewal. */
  holdMs?: number;
}

/**
 * Acquires the lease for an execution. An execution that already holds it keeps it (a redrive); a holder that no
 * longer runs is replaced. Returns the holder if that is another execution, or one that serves the same scheduled
 * start.
 *
 * Expiry is measured by S3's clock alone, which also dated the object: the clocks of the machines involved may differ
 * by any amount.
 */
export async function takeLease(
  lake: LakeBucket,
  key: string,
  isRunning: IsRunning,
  who: Who,
): Promise<{ taken: true } | { taken: false; holder: Lease }> {
  for (let race = 0; race < MAX_RACES; race += 1) {
    const { found, answeredAt } = await getTimedJson(lake, key, Lease);
    const holder = found?.value;
    if (holder?.executionArn === who.executionArn && holder.releasedAt === null) {
      return { taken: true };
    }
    if (holder && holder.executionArn !== who.executionArn) {
      const isSameStart = who.scheduledFor !== null && holder.scheduledFor === who.scheduledFor;
      if (isSameStart) {
        return { taken: false, holder };
      }
      if (holder.releasedAt === null && holder.heldUntil !== undefined) {
        const until = endOfHold(holder.heldUntil, clockOf(lake, key, found?.writtenAt));
        if (clockOf(lake, key, answeredAt) < until) {
          return { taken: false, holder: { ...holder, heldUntil: until.toISOString() } };
        }
      } else if (holder.releasedAt === null && (await isRunning(holder.executionArn))) {
        return { taken: false, holder };
      }
    }
    const wanted: Lease = {
      schemaVersion: 1,
      executionArn: who.executionArn,
      scheduledFor: who.scheduledFor,
      takenAt: who.now.toISOString(),
      releasedAt: null,
      ...(who.holdMs !== undefined && {
        heldUntil: after(clockOf(lake, key, answeredAt), who.holdMs).toISOString(),
      }),
    };
    if ((await putJsonIf(lake, key, wanted, { ifMatch: found?.etag ?? null })) !== null) {
      return { taken: true };
    }
  }
  throw new StepError(
    'RunInProgress',
    `${uriOf(lake, key)} changed ${MAX_RACES} times while this run tried to acquire it`,
  );
}

/** Extends a lease by `holdMs` from now. Throws `RunInProgress` when somebody else holds it. */
export async function renewLease(
  lake: LakeBucket,
  key: string,
  executionArn: string,
  holdMs: number,
): Promise<void> {
  const { found, answeredAt } = await getTimedJson(lake, key, Lease);
  const isOurs = found?.value.executionArn === executionArn && found.value.releasedAt === null;
  const renewed =
    isOurs &&
    (await putJsonIf(
      lake,
      key,
      {
        ...found.value,
        heldUntil: after(clockOf(lake, key, answeredAt), holdMs).toISOString(),
      },
      { ifMatch: found.etag },
    ));
  if (typeof renewed !== 'string') {
    throw new StepError('RunInProgress', `${uriOf(lake, key)} is now held by somebody else`);
  }
}

/** End of the hold: the stored time, at most LONGEST_HOLD_MS after the object was written. */
function endOfHold(heldUntil: string, writtenAt: Date): Date {
  const said = new Date(heldUntil);
  const longest = after(writtenAt, LONGEST_HOLD_MS);
  return said < longest ? said : longest;
}

const after = (instant: Date, milliseconds: number): Date =>
  new Date(instant.valueOf() + milliseconds);

function clockOf(lake: LakeBucket, key: string, instant: Date | undefined): Date {
  if (instant === undefined) {
    throw new Error(
      `S3 did not say what time it is when ${uriOf(lake, key)} was read (Date, Last-Modified)`,
    );
  }
  return instant;
}

/** Releases the lease if this execution holds it; does nothing otherwise. */
export async function releaseLease(
  lake: LakeBucket,
  key: string,
  executionArn: string,
  now: Date,
): Promise<void> {
  const found = await getJson(lake, key, Lease);
  if (found && found.value.executionArn === executionArn && found.value.releasedAt === null) {
    // If another writer was faster, the lease is no longer ours.
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
