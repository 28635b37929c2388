import { withGap } from './pull';
import type { QueryPlan } from './plan';
import { checkpointAfter, searchableSince, stillOpen } from './window';

/**
 * A plan that nobody asks for any more, once the rest of its window has left X's seven days: what is still
 * owed becomes a gap, and the window is closed. null while it may still be resumed.
 */
export function agedPlan(plan: QueryPlan, now: Date, lateSeconds: number): QueryPlan | null {
  const { window } = plan;
  if (window === null || window.owed_from === null) {
    return null;
  }
  const until = stillOpen(window).until ?? now.toISOString();
  if (until > searchableSince(now).toISOString()) {
    return null;
  }
  return withGap(
    // What came in since the window was opened is owed to whoever asks for the query again.
    { ...plan, ...checkpointAfter(window, plan, lateSeconds), window: null },
    { from: window.owed_from, until },
    {
      reason: 'its query was no longer asked for, and X searches seven days back',
      foundAt: now.toISOString(),
    },
  );
}
