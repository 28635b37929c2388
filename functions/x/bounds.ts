import { byAge, idAt, timeOfId } from './ids';

/** Between what a search looks. The ids themselves are left out; so is the end, but not the start. */
export interface Bounds {
  sinceId: string | null;
  startTime: string | null;
  endTime: string | null;
  untilId: string | null;
}

/**
 * The bounds as parameters that X takes: it refuses `since_id` and `until_id` beside `start_time` and `end_time`. Where
 * both kinds are given, a time becomes the id that a post of this instant has, and the narrower bound counts.
 */
export function boundsAtX({
  sinceId,
  startTime,
  endTime,
  untilId,
}: Bounds): Record<string, string> {
  const ids = [sinceId, untilId].filter((id) => id !== null);
  if (ids.length === 0) {
    return named({ start_time: startTime, end_time: endTime });
  }
  // Such an id says nothing of when its post was made: no time can be told in ids beside it.
  const comparable = ids.every((id) => timeOfId(id) !== null);
  const start = comparable && startTime !== null ? idBefore(startTime) : null;
  const end = comparable && endTime !== null ? idAt(new Date(endTime)) : null;
  return named({
    since_id: narrower(sinceId, start, (a, b) => byAge(a, b) > 0),
    until_id: narrower(untilId, end, (a, b) => byAge(a, b) < 0),
  });
}

/** The last id before a post of this instant; null before X's ids held a time. */
function idBefore(instant: string): string | null {
  const first = BigInt(idAt(new Date(instant)));
  return first === 0n ? null : String(first - 1n);
}

const narrower = (
  a: string | null,
  b: string | null,
  isNarrower: (a: string, b: string) => boolean,
): string | null => (a === null ? b : b === null || isNarrower(a, b) ? a : b);

const named = (bounds: Record<string, string | null>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(bounds).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
