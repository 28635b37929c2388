import { StepError } from '../../workflows/errors';
import { MAX_DAYS_A_RUN } from '../../workflows/payloads';
import { DAY_MS, utcDay } from '../shared/clock';
import { searchableSince } from './window';

/** X requires an end at least ten seconds before now; 30 s allow for clock differences. */
const SHORT_OF_NOW_MS = 30_000;

const isDay = (text: string): boolean => text.length === 10;
const refused = (field: string, demand: string, got: string): StepError =>
  new StepError('InvalidInput', `${field}: ${demand} (got "${got}")`);

/**
 * The time span to request from X. A day means the complete day, as far as X has it. Throws `InvalidInput` for a span
 * outside X's seven days.
 */
export function spanAtX(from = '', to = '', now: Date): { from: string; to: string } {
  const oldest = searchableSince(now);
  const newest = new Date(now.valueOf() - SHORT_OF_NOW_MS);
  const start = new Date(isDay(from) ? `${from}T00:00:00Z` : from);
  const end = isDay(to) ? new Date(Date.parse(`${to}T00:00:00Z`) + DAY_MS) : new Date(to);
  const reachable = isDay(from) ? start.valueOf() + DAY_MS > oldest.valueOf() : start >= oldest;
  if (!reachable) {
    throw refused(
      'from',
      `must not be before ${oldest.toISOString()}: X searches seven days back`,
      from,
    );
  }
  if (isDay(to) ? end.valueOf() - DAY_MS > now.valueOf() : end > now) {
    throw refused('to', `must not be after now, ${now.toISOString()}`, to);
  }
  const span = {
    from: (start < oldest ? oldest : start).toISOString(),
    to: (end > newest ? newest : end).toISOString(),
  };
  if (span.from >= span.to) {
    throw refused('to', 'must lie after from', to);
  }
  return span;
}

/** All days from `from` to `to`, both included. Throws `InvalidInput`. */
export function daysBetween(from = '', to = '', today: string): string[] {
  for (const [field, day] of Object.entries({ from, to })) {
    if (!isDay(day)) throw refused(field, 'must be a day like 2026-11-24', day);
    if (day > today) throw refused(field, `must not be after today, ${today}`, day);
  }
  const first = Date.parse(`${from}T00:00:00Z`);
  const count = Math.round((Date.parse(`${to}T00:00:00Z`) - first) / DAY_MS) + 1;
  if (count < 1) throw refused('to', 'must not be before from', to);
  if (count > MAX_DAYS_A_RUN) {
    throw refused(
      'to',
      `must be within ${MAX_DAYS_A_RUN} days of from, the most that one run takes`,
      to,
    );
  }
  return Array.from({ length: count }, (_, index) => utcDay(new Date(first + index * DAY_MS)));
}

/** The named days, sorted, without duplicates. Throws `InvalidInput` for a day after today. */
export function daysNamed(days: readonly string[], today: string): string[] {
  const late = days.find((day) => day > today);
  if (late !== undefined) throw refused('days', `must not be after today, ${today}`, late);
  return [...new Set(days)].sort();
}
