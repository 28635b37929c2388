import type { z } from 'zod';
import { withTodaysNames } from '../../workflows/older-names';
import { RunState } from '../../workflows/payloads';
import type { Run } from './follow';

const LastState = RunState.pick({
  ingest: true,
  clean: true,
  check: true,
  train: true,
  refresh: true,
})
  .loose()
  .partial();

/** The run's state as its last step left it, as far as it can be read. */
export function lastState(events: Run['events']): z.infer<typeof LastState> {
  for (const { type, output } of [...events].reverse()) {
    if (!type.endsWith('StateExited') || output === undefined) continue;
    const parsed = LastState.safeParse(withTodaysNames(JSON.parse(output)));
    if (parsed.success && parsed.data.ingest) return parsed.data;
  }
  return {};
}
