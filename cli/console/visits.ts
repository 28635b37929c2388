import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { RunView, StateVisit } from '../../console/contract';
import { readCause } from '../../functions/report/execution-history';
import { simplify } from '../run/events';

/** A pass with its input and output as JSON. */
export type Pass = Omit<StateVisit, 'input' | 'output'> & Record<'input' | 'output', string | null>;

/** The passes with their payloads beside them, each once: a state hands on nearly all that it got. */
export function withPayloads(passes: readonly Pass[]): Pick<RunView, 'visits' | 'payloads'> {
  const places = new Map<string, number>();
  const placeOf = (payload: string | null): number | null => {
    if (payload === null) return null;
    const place = places.get(payload) ?? places.size;
    places.set(payload, place);
    return place;
  };
  const visits = passes.map((pass) => ({
    ...pass,
    input: placeOf(pass.input),
    output: placeOf(pass.output),
  }));
  return { visits, payloads: [...places.keys()] };
}

/** The passes through all states, in order of their entry. A pass that was cut off has no exit. */
export function visitsOf(history: readonly HistoryEvent[]): Pass[] {
  const visits: Pass[] = [];
  let current: Pass | undefined;
  for (const event of history) {
    const at = event.timestamp?.valueOf() ?? 0;
    const entered = event.stateEnteredEventDetails;
    const exited = event.stateExitedEventDetails;
    const { error, cause } = simplify(event);
    if (entered?.name !== undefined) {
      current = {
        state: entered.name,
        enteredAt: at,
        exitedAt: null,
        input: entered.input ?? null,
        output: null,
        errors: [],
      };
      visits.push(current);
    } else if (exited !== undefined && current !== undefined) {
      current.exitedAt = at;
      current.output = exited.output ?? null;
    } else if (error !== undefined && current !== undefined && !/^Execution/.test(event.type ?? ''))
      current.errors.push({ error, cause: readCause(cause ?? '') });
  }
  return visits;
}
