import { createHash } from 'node:crypto';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { durable, lenient } from '../../workflows/durable';
import { StepError } from '../../workflows/errors';
import { fieldsWithTodaysNames } from '../../workflows/older-names';
import { Day, Gap, IngestCounts } from '../../workflows/payloads';
import { getJson, getText, listObjects, putIf, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { RawTweetRow, Refused } from '../x/tweets';
import { Window } from './window';

const Count = z.number().int().nonnegative();
const Instant = z.iso.datetime();

/**
 * A page in the journal, before anything is written from it. The lake's objects and the stream's records derive from
 * this alone, so a retry after a kill writes the same ones, whatever X answers the second time.
 */
export const PendingPage = lenient(
  z.object({
    run_id: z.string(),
    fetched_at: Instant,
    server_time: Instant,
    counts: lenient(IngestCounts),
    rows: z.array(lenient(RawTweetRow)),
    refused: z.array(lenient(Refused)),
    newest_id: z.string().nullable(),
    oldest_id: z.string().nullable(),
    next_token: z.string().nullable(),
  }),
);
export type PendingPage = z.infer<typeof PendingPage>;

/** What one run has done for the query. Kept here and not in the execution, so a kill loses no count. */
const Progress = lenient(
  z.object({
    run_id: z.string(),
    counts: lenient(IngestCounts),
    /** Referenced posts that came with the results; X may charge for them, too. */
    included: Count.default(0),
    /** Users X may have billed, including those of lost responses. */
    users: Count.default(0),
    /** Posts X may have billed although we lost the response (the process was killed). */
    unanswered: Count,
    queued: Count,
    days: z.array(Day),
    /** Whether the run's own window is complete. */
    complete: z.boolean(),
  }),
);
export type Progress = z.infer<typeof Progress>;

/** If the run that found a gap is killed, `reported_by` stays null and the next run reports it. */
const KnownGap = lenient(Gap.extend({ reported_by: z.string().nullable() }));

export const QueryPlan = durable(
  'A plan of the ingest',
  z.object({
    schema_version: z.literal(2),
    /** What the plan fetches, as text. The plan's key is the hash of this text. */
    of: z.string(),
    name: z.string(),
    /** Start of the next window: newest id of the last complete one, or a little earlier. */
    since_id: z.string().nullable(),
    /** Watermark: every tweet before it was fetched or lies in a recorded gap. */
    watermark: Instant.nullable(),
    /** Windows opened so far. */
    windows: Count,
    /** Number of claims. Each claim changes the ETag, so an older invocation's writes fail. */
    claims: Count,
    window: Window.nullable(),
    pending: PendingPage.nullable(),
    /** Posts requested by a call that has not returned. If a later invocation finds them here, it counts them as spent. */
    asked: Count,
    /** Users that X may bill with these posts. */
    asked_users: Count.default(0),
    /** Posts and users read from X in a month; the monthly budget counts the posts. */
    spent: lenient(z.object({ month: z.string(), posts: Count, users: Count.default(0) })),
    /** The hundred newest gaps. */
    gaps: z.array(KnownGap),
    progress: Progress,
  }),
  { 1: fieldsWithTodaysNames },
);
export type QueryPlan = z.infer<typeof QueryPlan>;

/** A stored plan and its ETag; the next write succeeds only while the ETag matches. */
export interface Planned {
  plan: QueryPlan;
  etag: string | null;
}

const FOLDER = `${prefixes.plans}queries/`;
// S3 answers 409 while another write is in progress: read again to see whose write won.
const MAX_WRITES = 3;

/** Names a plan in keys. */
export const planHash = (of: string): string =>
  createHash('sha256').update(of).digest('hex').slice(0, 16);

const keyFor = (of: string): string => `${FOLDER}${planHash(of)}.json`;

export const monthOf = (now: Date): string => now.toISOString().slice(0, 7);

/** Every plan of the lake, including those of removed queries. */
export async function loadPlans(lake: LakeBucket): Promise<Planned[]> {
  const plans: Planned[] = [];
  for (const { key } of await listObjects(lake, FOLDER)) {
    const found = await getJson(lake, key, QueryPlan);
    if (found) plans.push({ plan: found.value, etag: found.etag });
  }
  return plans;
}

/** Resumes a plan. If the outcome of the last call is unknown, its posts are counted as billed. */
export function resume(found: Planned, runId: string, now: Date): Planned {
  const { plan, etag } = found;
  const sameRun = plan.progress.run_id === runId;
  const progress = sameRun ? plan.progress : freshProgress(runId);
  const month = monthOf(now);
  const { posts, users } = plan.spent.month === month ? plan.spent : { posts: 0, users: 0 };
  return {
    etag,
    plan: {
      ...plan,
      asked: 0,
      asked_users: 0,
      spent: { month, posts: posts + plan.asked, users: users + plan.asked_users },
      progress: {
        ...progress,
        unanswered: progress.unanswered + plan.asked,
        users: progress.users + plan.asked_users,
      },
    },
  };
}

export const newPlan = (of: string, name: string, runId: string, now: Date): Planned => ({
  etag: null,
  plan: {
    schema_version: 2,
    of,
    name,
    since_id: null,
    watermark: null,
    windows: 0,
    claims: 0,
    window: null,
    pending: null,
    asked: 0,
    asked_users: 0,
    spent: { month: monthOf(now), posts: 0, users: 0 },
    gaps: [],
    progress: freshProgress(runId),
  },
});

/**
 * Claims the plan before reading anything that another invocation could change. An invocation that outlived its
 * execution then fails at its next page and stores nothing of it.
 */
export const claim = (lake: LakeBucket, { plan, etag }: Planned): Promise<Planned> =>
  savePlan(lake, { ...plan, claims: plan.claims + 1 }, etag);

/**
 * Writes the plan if it is unchanged since it was read. Throws `RunInProgress` when another execution changed it.
 * If our write succeeded but its response was lost, the bucket holds our own text: that is no conflict.
 */
export async function savePlan(
  lake: LakeBucket,
  plan: QueryPlan,
  etag: string | null,
): Promise<Planned> {
  const key = keyFor(plan.of);
  const body = JSON.stringify(plan);
  for (let write = 0; write < MAX_WRITES; write += 1) {
    const written = await putIf(lake, key, body, 'application/json', { ifMatch: etag });
    if (written !== null) {
      return { plan, etag: written };
    }
    const found = await getText(lake, key);
    if (found?.text === body) {
      return { plan, etag: found.etag };
    }
    if ((found?.etag ?? null) !== etag) {
      break;
    }
  }
  throw new StepError(
    'RunInProgress',
    `${uriOf(lake, key)} was changed by another execution. Let it end, then redrive this one.`,
  );
}

const freshProgress = (runId: string): Progress => ({
  run_id: runId,
  counts: noCounts,
  included: 0,
  users: 0,
  unanswered: 0,
  queued: 0,
  days: [],
  complete: false,
});

export const noCounts: IngestCounts = {
  received: 0,
  written: 0,
  duplicates: 0,
  quarantined: 0,
  pages: 0,
};

export const addCounts = (a: IngestCounts, b: IngestCounts): IngestCounts => ({
  received: a.received + b.received,
  written: a.written + b.written,
  duplicates: a.duplicates + b.duplicates,
  quarantined: a.quarantined + b.quarantined,
  pages: a.pages + b.pages,
});
