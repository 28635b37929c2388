import type { IncomingHttpHeaders } from 'node:http';

type Headers = IncomingHttpHeaders | Record<string, unknown>;

const PAST_RESET_TOLERANCE_MS = 60 * 1000;
// X's longest period is a month. A later reset is a mistake, such as milliseconds for seconds.
const FURTHEST_RESET_MS = 32 * 24 * 60 * 60 * 1000;
/** X counts the requests of 24 hours by app and by user, each with headers of its own. */
const DAY_LIMITS = ['x-app-limit-24hour', 'x-user-limit-24hour'];

/** When the 15-minute window resets, if the response says that no request is left. */
export const windowUsedUp = (headers: Headers, now: Date): Date | null =>
  remaining(headers, 'x-rate-limit') === 0 ? windowReset(headers, now) : null;

/** When the 15-minute window ends; null if the response has no credible reset time. */
export const windowReset = (headers: Headers, now: Date): Date | null =>
  resetOf(headers, 'x-rate-limit', now);

/** Message if the requests of 24 hours are used up, with their reset time; null while some are left. */
export function dayUsedUp(headers: Headers, now: Date): string | null {
  const used = DAY_LIMITS.filter((limit) => remaining(headers, limit) === 0);
  if (used.length === 0) return null;
  const resets = used.flatMap((limit) => resetOf(headers, limit, now) ?? []);
  const last = resets.sort((a, b) => a.valueOf() - b.valueOf()).at(-1);
  return last === undefined
    ? 'the requests of 24 hours are used up; X does not say until when'
    : `the requests of 24 hours are used up; the limit ends at ${last.toISOString()}`;
}

/** Whole numbers alone: `Number` reads an empty header as 0. */
function numberIn(headers: Headers, name: string): number | null {
  const value: unknown = Reflect.get(headers, name);
  return typeof value === 'string' && /^\s*-?\d{1,15}\s*$/.test(value) ? Number(value) : null;
}

/** Requests left; negative numbers count as 0. */
function remaining(headers: Headers, limit: string): number | null {
  const left = numberIn(headers, `${limit}-remaining`);
  return left === null ? null : Math.max(0, left);
}

/**
 * One second after the reset, so that a small clock difference does not cause a second rejection. A reset in the past
 * is ignored; otherwise the ingest would retry every second.
 */
function resetOf(headers: Headers, limit: string, now: Date): Date | null {
  const reset = (numberIn(headers, `${limit}-reset`) ?? NaN) * 1000;
  const isCredible =
    reset >= now.valueOf() - PAST_RESET_TOLERANCE_MS && reset <= now.valueOf() + FURTHEST_RESET_MS;
  return isCredible ? new Date(Math.max(reset, now.valueOf()) + 1000) : null;
}
