import { randomUUID } from 'node:crypto';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { executionRuns, releaseLease, renewLease, takeLease } from '../functions/lake/lease';
import type { LakeBucket } from '../functions/lake/objects';
import { leaseKeys } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import { UserError } from '../session/user-error';

/** The lock of the night and the lease of the ingest: with both, nothing else writes what we rewrite. */
const KEYS = Object.values(leaseKeys);
// Nobody can ask whether this process still runs, so what it holds runs out by itself.
const heldMillis = 2 * 60_000;
const renewMillis = 20_000;

/** While it lasts no run and no ingest begins. */
export interface Hold {
  /** Throws UserError when the hold was lost: another may be at work. */
  mustHold: () => void;
  release: () => Promise<void>;
}

/** Throws UserError while an execution works on the lake, or another `forget` does. */
export async function holdLake(lake: LakeBucket, sfn: SFNClient): Promise<Hold> {
  const holder = `forget/${randomUUID()}`;
  const taken: string[] = [];
  const release = async () => {
    for (const key of taken) await releaseLease(lake, key, holder, new Date());
  };
  let heldSince = bothClocks();
  for (const key of KEYS) {
    const lease = await takeLease(lake, key, executionRuns(sfn), {
      executionArn: holder,
      scheduledFor: null,
      now: new Date(),
      holdMs: heldMillis,
    });
    if (!lease.taken) {
      await release();
      const { executionArn, takenAt, heldUntil } = lease.holder;
      const whose =
        heldUntil === undefined
          ? executionArn
          : `Another forget (it holds the lake until ${heldUntil} if it was killed)`;
      throw new UserError(
        `${whose} has been working on this lake since ${takenAt}: wait for its end, then run the same command again.`,
      );
    }
    taken.push(key);
  }

  let lostBecause: unknown;
  const renew = async () => {
    const since = bothClocks();
    for (const key of KEYS) await renewLease(lake, key, holder, heldMillis);
    heldSince = since;
  };
  const beat = setInterval(() => {
    renew().catch((error: unknown) => {
      // A request that failed in passing loses nothing: there are five more before the hold is over.
      if (error instanceof StepError) lostBecause = error;
    });
  }, renewMillis);
  beat.unref();
  return {
    mustHold: () => {
      if (lostBecause === undefined && longestSince(heldSince) < heldMillis) return;
      const why = lostBecause instanceof Error ? ` (${lostBecause.message})` : '';
      throw new UserError(
        `The lake is no longer held${why}: nothing more was changed. Run the same command again.`,
      );
    },
    release: async () => {
      clearInterval(beat);
      await release();
    },
  };
}

// The one stands still while the machine sleeps, the other may be set: the longer time counts.
const bothClocks = () => ({ monotonic: performance.now(), wall: Date.now() });

function longestSince({ monotonic, wall }: ReturnType<typeof bothClocks>): number {
  const now = bothClocks();
  return Math.max(now.monotonic - monotonic, now.wall - wall);
}
