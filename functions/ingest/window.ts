import { z } from 'zod';
import { lenient } from '../../workflows/durable';
import type { Gap, OpenWindow } from '../../workflows/payloads';
import { DAY_MS } from '../shared/clock';
import { idAt, byAge, timeOfId } from '../x/ids';

/** X searches seven days back and rejects an earlier start; each restart adds a margin for clock differences. */
const SEARCHABLE_MS = 7 * DAY_MS;
const MARGINS_MS = [60_000, 10 * 60_000, 60 * 60_000];

const Instant = z.iso.datetime();
const Id = z.string().nullable();

/**
 * A time span that is fetched page by page, newest first. It stays in the plan until its last page is in the lake and
 * on the stream, so that a later run can resume it, even after a kill.
 */
export const Window = lenient(
  z.object({
    /** Number of the window within its query; it makes page names unique. */
    number: z.number().int().nonnegative(),
    opened_by: z.string(),
    /** Time of the first response, by X's clock; null before it. */
    opened_at: Instant.nullable(),
    /** Tweets from this time on must be fetched; those X no longer has become a gap. null for imports. */
    due_from: Instant.nullable(),
    since_id: Id,
    start_time: Instant.nullable(),
    end_time: Instant.nullable(),
    until_id: Id,
    next_token: z.string().nullable(),
    /** The first page's newest id: the next window starts there once this one is complete. */
    newest_id: Id,
    oldest_id: Id,
    pages: z.number().int().nonnegative(),
    /** Consecutive pages without a tweet. */
    empty_pages: z.number().int().nonnegative(),
    /** How often X found the start too old and the window was restarted at a later time. */
    restarts: z.number().int().nonnegative(),
  }),
);
export type Window = z.infer<typeof Window>;

/** The oldest start time that X accepts, unless the clocks differ by more than the margin. */
export const searchableSince = (now: Date, restarts = 0): Date =>
  new Date(now.valueOf() - SEARCHABLE_MS + (MARGINS_MS[restarts] ?? 0));

/** An incremental window: everything since the last one. */
export function newsWindow(
  plan: { windows: number; since_id: string | null; watermark: string | null },
  runId: string,
  now: Date,
): Window {
  const { since_id, watermark } = plan;
  const oldest = searchableSince(now).toISOString();
  return {
    ...emptyWindow(plan.windows, runId),
    since_id,
    start_time: since_id === null ? oldest : null,
    due_from: watermark ?? oldest,
  };
}

/** A window with a fixed start and end. */
export const spanWindow = (
  plan: { windows: number },
  runId: string,
  span: { from: string; to: string },
): Window => ({
  ...emptyWindow(plan.windows, runId),
  start_time: span.from,
  end_time: span.to,
  due_from: span.from,
});

export const emptyWindow = (number: number, runId: string): Window => ({
  number,
  opened_by: runId,
  opened_at: null,
  due_from: null,
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

/** The window restarted at the oldest day X still has, up to the tweets fetched already; null after too many restarts. */
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
      due_from: window.due_from === null ? null : laterOf(window.due_from, start),
      restarts: window.restarts + 1,
    },
    lost: lostBetween(window.due_from, start),
  };
}

/** The window without the token that X rejected: it continues after the tweets fetched already. */
export const windowBehind = (window: Window): Window => ({
  ...window,
  until_id: window.oldest_id ?? window.until_id,
  next_token: null,
});

/** A page's position in its window. */
export interface Turn {
  newestId: string | null;
  oldestId: string | null;
  nextToken: string | null;
  received: number;
  serverTime: string;
}

/** Moves the window past a page. */
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

/** A time span whose tweets X no longer returns. */
export type Lost = Pick<Gap, 'from' | 'until'>;

const lostBetween = (from: string | null, until: string): Lost | null =>
  from === null || from >= until ? null : { from, until };

/**
 * The part of the window that became too old for X's search before its page was fetched. X keeps returning
 * `next_token` even after older tweets drop out of its index, so reaching the last page does not prove the window is
 * complete.
 */
export function agedOut(window: Window, fetchedUpTo: string | null, at: Date): Lost | null {
  const edge = new Date(at.valueOf() - SEARCHABLE_MS).toISOString();
  const reached = fetchedUpTo === null ? null : timeOfId(fetchedUpTo);
  const until = reached === null || reached.toISOString() > edge ? edge : reached.toISOString();
  return lostBetween(window.due_from, until);
}

/**
 * Start of the next window: the newest tweet, or earlier if that tweet was so fresh that older ones may not have
 * reached X's index yet.
 */
export function checkpointAfter(
  window: Window,
  before: { since_id: string | null; watermark: string | null },
  lateSeconds: number,
): { since_id: string | null; watermark: string | null } {
  const opened = window.opened_at;
  if (opened === null) {
    return before;
  }
  const watermark = new Date(Date.parse(opened) - lateSeconds * 1000);
  const newest = window.newest_id ?? before.since_id;
  return {
    since_id:
      newest === null ? null : newer(before.since_id, older(newest, idAt(watermark)) ?? newest),
    watermark: watermark.toISOString(),
  };
}

/** The part of the window that is still to be fetched. */
export const stillOpen = (window: Window): Pick<OpenWindow, 'from' | 'until'> => ({
  from: window.due_from ?? window.start_time,
  until:
    (window.oldest_id === null ? null : timeOfId(window.oldest_id)?.toISOString()) ??
    window.end_time ??
    window.opened_at,
});

const older = (a: string | null, b: string | null): string | null =>
  a === null ? b : b === null ? a : byAge(a, b) < 0 ? a : b;
const newer = (a: string | null, b: string): string => (a === null || byAge(a, b) < 0 ? b : a);
/** The earlier of two ISO 8601 instants in the same notation. */
export const earlierOf = (a: string, b: string): string => (a < b ? a : b);
export const laterOf = (a: string, b: string): string => (a > b ? a : b);
