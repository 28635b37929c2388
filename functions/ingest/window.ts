import { z } from 'zod';
import { lenient } from '../../workflows/durable';
import type { Gap, OpenWindow } from '../../workflows/payloads';
import { DAY_MS } from '../shared/clock';
import { idAt, byAge, timeOfId } from '../x/ids';

/** X searches seven days back and refuses a start before that; the margin grows when clocks disagree. */
const SEARCHABLE_MS = 7 * DAY_MS;
const MARGINS_MS = [60_000, 10 * 60_000, 60 * 60_000];

const Instant = z.iso.datetime();
const Id = z.string().nullable();

/**
 * A stretch of time that is fetched page by page, newest first. It stays in the plan until its last page
 * is in the lake and on the stream: whoever comes next, after a kill or a month, goes on from there.
 */
export const Window = lenient(
  z.object({
    /** Counts the query's windows, so that no two pages of it ever share a name. */
    number: z.number().int().nonnegative(),
    opened_by: z.string(),
    /** By the server's clock, when its first page was answered; null before that. */
    opened_at: Instant.nullable(),
    /** From when on tweets are owed: what X no longer has of them is a gap. null for tweets that are not X's to give. */
    owed_from: Instant.nullable(),
    since_id: Id,
    start_time: Instant.nullable(),
    end_time: Instant.nullable(),
    until_id: Id,
    next_token: z.string().nullable(),
    /** The first page's newest id: where the next window begins, once this one is whole. */
    newest_id: Id,
    oldest_id: Id,
    pages: z.number().int().nonnegative(),
    /** Pages without a tweet, one after the other, up to now. */
    empty_pages: z.number().int().nonnegative(),
    /** How often X found the start too old and the window was begun anew behind what it has. */
    restarts: z.number().int().nonnegative(),
  }),
);
export type Window = z.infer<typeof Window>;

/** The oldest instant that X takes as a start; it is refused when the clocks disagree by more than the margin. */
export const searchableSince = (now: Date, restarts = 0): Date =>
  new Date(now.valueOf() - SEARCHABLE_MS + (MARGINS_MS[restarts] ?? 0));

/** A window of what came in since the last one. */
export function newsWindow(
  plan: { windows: number; since_id: string | null; covered_until: string | null },
  runId: string,
  now: Date,
): Window {
  const { since_id, covered_until } = plan;
  const oldest = searchableSince(now).toISOString();
  return {
    ...emptyWindow(plan.windows, runId),
    since_id,
    start_time: since_id === null ? oldest : null,
    owed_from: covered_until ?? oldest,
  };
}

/** A window between two instants. */
export const spanWindow = (
  plan: { windows: number },
  runId: string,
  span: { from: string; to: string },
): Window => ({
  ...emptyWindow(plan.windows, runId),
  start_time: span.from,
  end_time: span.to,
  owed_from: span.from,
});

export const emptyWindow = (number: number, runId: string): Window => ({
  number,
  opened_by: runId,
  opened_at: null,
  owed_from: null,
  since_id: null,
  start_time: null,
  end_time: null,
  until_id: null,
  next_token: null,
  newest_id: null,
  oldest_id: null,
  pages: 0,
  empty_pages: 0,
  restarts: 0,
});

/** The same window from the oldest day X still has up to what was fetched already; null after too many tries. */
export function restartWindow(
  window: Window,
  now: Date,
): { window: Window; lost: Lost | null } | null {
  if (window.restarts >= MARGINS_MS.length) {
    return null;
  }
  const start = searchableSince(now, window.restarts).toISOString();
  return {
    window: {
      ...window,
      since_id: null,
      start_time: start,
      until_id: window.oldest_id ?? window.until_id,
      next_token: null,
      owed_from: window.owed_from === null ? null : laterOf(window.owed_from, start),
      restarts: window.restarts + 1,
    },
    lost: lostBetween(window.owed_from, start),
  };
}

/** The same window without its token, which X does not go on from: behind what was fetched already. */
export const windowBehind = (window: Window): Window => ({
  ...window,
  until_id: window.oldest_id ?? window.until_id,
  next_token: null,
});

/** What a page says of its place in the window. */
export interface Turn {
  newestId: string | null;
  oldestId: string | null;
  nextToken: string | null;
  received: number;
  serverTime: string;
}

/** The window after a page. */
export function turnPage(window: Window, page: Turn): Window {
  return {
    ...window,
    opened_at: window.opened_at ?? page.serverTime,
    newest_id: window.newest_id ?? page.newestId,
    oldest_id: older(window.oldest_id, page.oldestId),
    next_token: page.nextToken,
    pages: window.pages + 1,
    empty_pages: page.received === 0 ? window.empty_pages + 1 : 0,
  };
}

/** A stretch whose tweets X no longer gives. */
export type Lost = Pick<Gap, 'from' | 'until'>;

const lostBetween = (from: string | null, until: string): Lost | null =>
  from === null || from >= until ? null : { from, until };

/**
 * What grew older than X searches before its page was fetched. `next_token` goes on without a word where
 * the rest has left the index, so a window that ends is not whole by that alone.
 */
export function agedOut(window: Window, fetchedUpTo: string | null, at: Date): Lost | null {
  const edge = new Date(at.valueOf() - SEARCHABLE_MS).toISOString();
  const reached = fetchedUpTo === null ? null : timeOfId(fetchedUpTo);
  const until = reached === null || reached.toISOString() > edge ? edge : reached.toISOString();
  return lostBetween(window.owed_from, until);
}

/**
 * Where the next window begins: at the newest tweet, or earlier when that was so fresh that older ones may
 * still have been on their way into X's index.
 */
export function checkpointAfter(
  window: Window,
  before: { since_id: string | null; covered_until: string | null },
  lateSeconds: number,
): { since_id: string | null; covered_until: string | null } {
  const opened = window.opened_at;
  if (opened === null) {
    return before;
  }
  const settled = new Date(Date.parse(opened) - lateSeconds * 1000);
  const newest = window.newest_id ?? before.since_id;
  return {
    since_id:
      newest === null ? null : newer(before.since_id, older(newest, idAt(settled)) ?? newest),
    covered_until: settled.toISOString(),
  };
}

/** What of the window is still to be fetched. */
export const stillOpen = (window: Window): Pick<OpenWindow, 'from' | 'until'> => ({
  from: window.owed_from ?? window.start_time,
  until:
    (window.oldest_id === null ? null : timeOfId(window.oldest_id)?.toISOString()) ??
    window.end_time ??
    window.opened_at,
});

const older = (a: string | null, b: string | null): string | null =>
  a === null ? b : b === null ? a : byAge(a, b) < 0 ? a : b;
const newer = (a: string | null, b: string): string => (a === null || byAge(a, b) < 0 ? b : a);
/** Of two instants, written alike. */
export const earlierOf = (a: string, b: string): string => (a < b ? a : b);
export const laterOf = (a: string, b: string): string => (a > b ? a : b);
