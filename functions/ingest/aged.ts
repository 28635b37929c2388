import { withGap } from './pull';
import type { QueryPlan } from './plan';
import { checkpointAfter, searchableSince, stillOpen } from './window';

/**
 * Closes the plan of a removed query once the rest of its window is older than X's seven days. The tweets not yet
 * fetched become a gap. Returns null while the window can still be resumed.
 */
export function agedPlan(plan: QueryPlan, now: Date, lateSeconds: number): QueryPlan | null {
  const { window } = plan;
  if (window === null || window.due_from === null) {
    return null;
  }
  const until = stillOpen(window).until ?? now.toISOString();
  if (until > searchableSince(now).toISOString()) {
    return null;
  }
  return withGap(
    // If the query comes back, its next window starts where this one was opened.
    { ...plan, ...checkpointAfter(window, plan, lateSeconds), window: null },
    { from: window.due_from, until },
    {
      reason: 'its query was removed, and X searches seven days back',
      foundAt: now.toISOString(),
    },
  );
}
