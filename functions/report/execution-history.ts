import { paginateGetExecutionHistory } from '@aws-sdk/client-sfn';
import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { z } from 'zod';

/** An event may hold the state several times, up to 256 KiB each, and a page of events must fit in memory. */
const EVENTS_A_PAGE = 50;
/** Limit of characters kept from all payloads. The largest history has 25,000 events of up to 256 KiB. */
const KEPT_CHARACTERS = 24_000_000;
/** Shorter payloads are always kept: 25,000 events of them still fit. */
const SHORT_CHARACTERS = 500;

/** Payload fields of an event, and the field that says whether the payload is complete. */
const PAYLOADS = [
  ['input', 'inputDetails'],
  ['output', 'outputDetails'],
  ['parameters', undefined],
] as const;

/**
 * The history of an execution, oldest event first, small enough for a Lambda's memory. A payload that repeats an
 * earlier event's is replaced by a note with that event's id; after 24 million characters every long payload is
 * replaced. `inputDetails` and `outputDetails` then say `truncated`, as Step Functions itself does.
 */
export async function readHistory(
  sfn: SFNClient,
  executionArn: string,
  keptCharacters = KEPT_CHARACTERS,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  const keep = payloadKeeper(keptCharacters);
  const pages = paginateGetExecutionHistory(
    { client: sfn, pageSize: EVENTS_A_PAGE },
    { executionArn },
  );
  for await (const page of pages) {
    for (const event of page.events ?? []) {
      for (const details of Object.values(event)) {
        if (typeof details === 'object' && !(details instanceof Date)) keep(details, event.id);
      }
      events.push(event);
    }
  }
  return events;
}

function payloadKeeper(keptCharacters: number): (details: object, event?: number) => void {
  const firstSeen = new Map<string, number | undefined>();
  let left = keptCharacters;
  return (details, event) => {
    for (const [payload, flags] of PAYLOADS) {
      const text: unknown = Reflect.get(details, payload);
      if (typeof text !== 'string' || text.length <= SHORT_CHARACTERS) continue;
      const isRepeated = firstSeen.has(text);
      if (!isRepeated && text.length <= left) {
        firstSeen.set(text, event);
        left -= text.length;
        continue;
      }
      const note = isRepeated
        ? `(as in event ${firstSeen.get(text)})`
        : `(${text.length} characters are left out: the history is too long to keep)`;
      Reflect.set(details, payload, note);
      if (flags !== undefined) Reflect.set(details, flags, { truncated: true });
    }
  };
}

/** Newest events to search; they include the attempts of a failed state. */
const NEWEST_EVENTS = 200;

/** The last state that was entered, where a redrive resumes; null if none was found. */
export async function lastState(sfn: SFNClient, executionArn: string): Promise<string | null> {
  const pages = paginateGetExecutionHistory(
    { client: sfn, pageSize: EVENTS_A_PAGE },
    { executionArn, reverseOrder: true },
  );
  let seen = 0;
  for await (const { events = [] } of pages) {
    const entered = events.find((event) => event.stateEnteredEventDetails !== undefined);
    if (entered?.stateEnteredEventDetails?.name) return entered.stateEnteredEventDetails.name;
    seen += EVENTS_A_PAGE;
    if (seen >= NEWEST_EVENTS) break;
  }
  return null;
}

const Waiting = z.object({
  refresh: z.object({
    status: z.literal('RUNNING'),
    job: z.object({ name: z.string(), startedAt: z.string() }),
  }),
});

/** The transform job that the execution was waiting for when it ended; null if there is none. */
export function openTransform(events: readonly HistoryEvent[]): string | null {
  for (const { stateExitedEventDetails } of events.toReversed()) {
    let state: unknown;
    try {
      state = JSON.parse(stateExitedEventDetails?.output ?? '');
    } catch {
      // Another event, or an output that `readHistory` replaced, because it repeats an earlier one.
      continue;
    }
    return Waiting.safeParse(state).data?.refresh.job.name ?? null;
  }
  return null;
}

const LambdaCause = z.object({ errorMessage: z.string() });

/** A Lambda's cause is JSON with a trace; its message is what was written for people. */
export function readCause(cause: string): string {
  try {
    return LambdaCause.parse(JSON.parse(cause)).errorMessage;
  } catch {
    return cause;
  }
}
