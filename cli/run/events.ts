import {
  paginateGetExecutionHistory,
  type HistoryEvent,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { z } from 'zod';

/** What the command line reads of an execution's history; kept in `history.json` as it is. */
export const RunEvent = z.object({
  id: z.number(),
  /** Unix milliseconds. */
  at: z.number(),
  type: z.string(),
  /** Of a state that is entered or left. */
  state: z.string().optional(),
  output: z.string().optional(),
  error: z.string().optional(),
  cause: z.string().optional(),
});
export type RunEvent = z.infer<typeof RunEvent>;

export function simplify(event: HistoryEvent): RunEvent {
  const failure =
    event.executionFailedEventDetails ??
    event.executionAbortedEventDetails ??
    event.executionTimedOutEventDetails ??
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails;
  return {
    id: event.id ?? 0,
    at: event.timestamp?.getTime() ?? 0,
    type: event.type ?? 'Unknown',
    state: event.stateEnteredEventDetails?.name ?? event.stateExitedEventDetails?.name,
    output: event.stateExitedEventDetails?.output ?? event.executionSucceededEventDetails?.output,
    error: failure?.error,
    cause: failure?.cause,
  };
}

/** The events after `lastId`, oldest first. Asks from the end, so that a long history costs nothing. */
export async function eventsAfter(
  sfn: SFNClient,
  executionArn: string,
  lastId: number,
): Promise<RunEvent[]> {
  const pages = paginateGetExecutionHistory(
    { client: sfn, pageSize: 100 },
    { executionArn, reverseOrder: true },
  );
  const newest: RunEvent[] = [];
  for await (const page of pages) {
    const events = (page.events ?? []).map(simplify);
    newest.push(...events.filter(({ id }) => id > lastId));
    if (events.some(({ id }) => id <= lastId)) break;
  }
  return newest.sort((a, b) => a.id - b.id);
}
