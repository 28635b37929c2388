import { randomUUID } from 'node:crypto';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { executionRuns, releaseLease, renewLease, takeLease } from '../functions/lake/lease';
import type { LakeBucket } from '../functions/lake/objects';
import { leaseKeys } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import { UserError } from '../session/user-error';

/** The run lock and the ingest lease: while we hold both, nobody else writes the objects that we rewrite. */
const KEYS = Object.values(leaseKeys);
// Nobody can check whether this process is alive, so its hold expires unless renewed.
const heldMillis = 2 * 60_000;
const renewMillis = 20_000;

/** A hold on the lake: no run and no ingest can start while it lasts. */
export interface Hold {
  /** Throws UserError when the hold was lost: a run may have started since. */
  mustHold: () => void;
  release: () => Promise<void>;
}

/** Takes the run lock and the ingest lease. Throws UserError while an execution or another `forget` has one of them. */
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
          : `Another forget command (if it was killed, its hold expires at ${heldUntil})`;
      throw new UserError(
        `${whose} has been working on this lake since ${takenAt}. Wait until it has ended, then run the same command again.`,
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
      // One failed request is harmless: five more renewals follow before the hold expires.
      if (error instanceof StepError) lostBecause = error;
    });
  }, renewMillis);
  beat.unref();
  return {
    mustHold: () => {
      if (lostBecause === undefined && longestSince(heldSince) < heldMillis) return;
      const why = lostBecause instanceof Error ? ` (${lostBecause.message})` : '';
      throw new UserError(
        `The hold on the lake was lost${why}. Nothing was changed after that. Run the same command again.`,
      );
    },
    release: async () => {
      clearInterval(beat);
      await release();
    },
  };
}

// The monotonic clock may stop while the machine sleeps, and the wall clock may be set: the longer time counts.
const bothClocks = () => ({ monotonic: performance.now(), wall: Date.now() });

function longestSince({ monotonic, wall }: ReturnType<typeof bothClocks>): number {
  const now = bothClocks();
  return Math.max(now.monotonic - monotonic, now.wall - wall);
}
