import { byAge, idAt, timeOfId } from './ids';

/** Bounds of a search. The ids and the end are exclusive, the start is inclusive. */
export interface Bounds {
  sinceId: string | null;
  startTime: string | null;
  endTime: string | null;
  untilId: string | null;
}

/**
 * The bounds as X's parameters. X rejects `since_id` and `until_id` beside `start_time` and `end_time`. If both kinds
 * are given, a time is converted to the id of that instant, and the narrower bound is used.
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
  // An id without a time: times cannot be converted to ids next to it.
  const comparable = ids.every((id) => timeOfId(id) !== null);
  const start = comparable && startTime !== null ? idBefore(startTime) : null;
  const end = comparable && endTime !== null ? idAt(new Date(endTime)) : null;
  return named({
    since_id: narrower(sinceId, start, (a, b) => byAge(a, b) > 0),
    until_id: narrower(untilId, end, (a, b) => byAge(a, b) < 0),
  });
}

/** The last id before this instant; null for times before X's ids contained a time. */
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
