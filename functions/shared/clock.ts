import { setTimeout as delay } from 'node:timers/promises';
import { currentDeadline } from './deadline';

/** Time and waiting; tests pass their own. */
export interface Clock {
  now(): Date;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (milliseconds) => {
    await delay(milliseconds, undefined, { signal: currentDeadline()?.signal });
  },
};

export const DAY_MS = 24 * 60 * 60 * 1000;

export const utcDay = (instant: Date): string => instant.toISOString().slice(0, 10);

/** The day and those before it, newest first. */
export function lastDays(day: string, count: number): string[] {
  const newest = Date.parse(`${day}T00:00:00Z`);
  return Array.from({ length: count }, (_, age) => utcDay(new Date(newest - age * DAY_MS)));
}
