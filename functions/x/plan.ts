import { createHash } from 'node:crypto';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import { Day, IngestCounts } from '../../workflows/payloads';
import { DAY_MS } from '../clock';
import { getJson, putJsonIf, uriOf } from '../lake/objects';
import type { Lake } from '../lake/objects';

/** X searches seven days back and refuses a start before that; the margin grows when clocks disagree. */
const SEARCHABLE_MS = 7 * DAY_MS;
const MARGINS_MS = [60_000, 10 * 60_000, 60 * 60_000];

/** How many ids a window remembers to tell a double from a new tweet: ten pages, 20 KB. */
const REMEMBERED_IDS = 1000;

/**
 * A stretch of time that is fetched page by page, newest first. It stays in the plan until its last page
 * is in the lake and on the stream: whoever comes next, after a kill or a month, goes on from there.
 */
export const Window = z.strictObject({
  opened_by: z.string(),
  since_id: z.string().nullable(),
  start_time: z.string().nullable(),
  until_id: z.string().nullable(),
  next_token: z.string().nullable(),
  /** The first page's newest id: where the next window begins, once this one is whole. */
  newest_id: z.string().nullable(),
  oldest_id: z.string().nullable(),
  pages: z.number().int().nonnegative(),
  /** How often X found the start too old and the window was begun anew behind what it has. */
  restarts: z.number().int().nonnegative(),
  recent_ids: z.array(z.string()),
});
export type Window = z.infer<typeof Window>;

/** What one run has done for the query; kept here and not in the execution, so that a kill loses no count. */
const Progress = z.strictObject({
  run_id: z.string(),
  counts: IngestCounts,
  days: z.array(Day),
  notes: z.array(z.string()),
  whole: z.boolean(),
});
export type Progress = z.infer<typeof Progress>;

const QueryPlan = z.strictObject({
  query: z.string(),
  /** Newest id of the last whole window. */
  since_id: z.string().nullable(),
  window: Window.nullable(),
  progress: Progress,
});
export type QueryPlan = z.infer<typeof QueryPlan>;

/** A query's durable plan, and the ETag its next write depends on. */
export interface Planned {
  plan: QueryPlan;
  etag: string | null;
}

export const queryHash = (query: string): string =>
  createHash('sha256').update(query).digest('hex').slice(0, 16);

const keyFor = (query: string): string => `${prefixes.plans}${queryHash(query)}.json`;

/** The query's plan with this run's progress; another run's progress is over and begins at nought. */
export async function loadPlan(lake: Lake, query: string, runId: string): Promise<Planned> {
  const found = await getJson(lake, keyFor(query), QueryPlan);
  const fresh = freshProgress(runId);
  if (found === null) {
    return { plan: { query, since_id: null, window: null, progress: fresh }, etag: null };
  }
  const plan = found.value;
  return {
    plan: plan.progress.run_id === runId ? plan : { ...plan, progress: fresh },
    etag: found.etag,
  };
}

/** Throws `RunInProgress` when somebody else wrote the plan since it was read. */
export async function savePlan(lake: Lake, plan: QueryPlan, etag: string | null): Promise<Planned> {
  const written = await putJsonIf(lake, keyFor(plan.query), plan, { ifMatch: etag });
  if (written === null) {
    throw new StepError(
      'RunInProgress',
      `${uriOf(lake, keyFor(plan.query))} was changed by another execution. Let it end, then redrive this one.`,
    );
  }
  return { plan, etag: written };
}

export function openWindow(plan: QueryPlan, runId: string, now: Date): Window {
  return {
    opened_by: runId,
    since_id: plan.since_id,
    start_time: plan.since_id === null ? searchableSince(now, 0) : null,
    until_id: null,
    next_token: null,
    newest_id: null,
    oldest_id: null,
    pages: 0,
    restarts: 0,
    recent_ids: [],
  };
}

/** The same window from the oldest day X still has up to what was fetched already; null after too many. */
export function restartWindow(window: Window, now: Date): Window | null {
  return window.restarts >= MARGINS_MS.length
    ? null
    : {
        ...window,
        since_id: null,
        start_time: searchableSince(now, window.restarts),
        until_id: window.oldest_id,
        next_token: null,
        restarts: window.restarts + 1,
      };
}

/** The window after a page of these tweets. */
export function turnPage(
  window: Window,
  page: { newestId: string | null; oldestId: string | null; nextToken: string | null },
  ids: readonly string[],
): Window {
  return {
    ...window,
    newest_id: window.newest_id ?? page.newestId,
    oldest_id: page.oldestId ?? window.oldest_id,
    next_token: page.nextToken,
    pages: window.pages + 1,
    recent_ids: [...window.recent_ids, ...ids].slice(-REMEMBERED_IDS),
  };
}

/** The plan once the window's last page is durable: only now does the checkpoint move. */
export function closeWindow(plan: QueryPlan, window: Window): QueryPlan {
  return {
    ...plan,
    since_id: window.newest_id ?? plan.since_id,
    window: null,
    // A window that an earlier run left behind is followed by one of this run's own.
    progress: { ...plan.progress, whole: window.opened_by === plan.progress.run_id },
  };
}

const searchableSince = (now: Date, restarts: number): string =>
  new Date(now.valueOf() - SEARCHABLE_MS + (MARGINS_MS[restarts] ?? 0)).toISOString();

const freshProgress = (runId: string): Progress => ({
  run_id: runId,
  counts: { received: 0, written: 0, doubles: 0, quarantined: 0, pages: 0 },
  days: [],
  notes: [],
  whole: false,
});

export function addCounts(a: IngestCounts, b: IngestCounts): IngestCounts {
  return {
    received: a.received + b.received,
    written: a.written + b.written,
    doubles: a.doubles + b.doubles,
    quarantined: a.quarantined + b.quarantined,
    pages: a.pages + b.pages,
  };
}
