import { createHash } from 'node:crypto';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { durable, lenient } from '../../workflows/durable';
import { StepError } from '../../workflows/errors';
import { Day, Gap, IngestCounts } from '../../workflows/payloads';
import { getJson, getText, listObjects, putIf, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { RawTweetRow, Refused } from '../x/tweets';
import { Window } from './window';

const Count = z.number().int().nonnegative();
const Instant = z.iso.datetime();

/**
 * A page as it was decided on, before anything was made of it. What is written to the lake and the stream
 * follows from this alone: after a kill the same again, whatever X answers the second time.
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

/** What one run has done for the query; kept here and not in the execution, so that a kill loses no count. */
const Progress = lenient(
  z.object({
    run_id: z.string(),
    counts: lenient(IngestCounts),
    /** Posts that came beside the results, and that X may charge for like them. */
    included: Count.default(0),
    /** Users that X may have charged for, those of lost answers included. */
    users: Count.default(0),
    /** Posts that X may have charged for without an answer that was kept. */
    unanswered: Count,
    parked: Count,
    days: z.array(Day),
    /** Whether the run's own window is done. */
    whole: z.boolean(),
  }),
);
export type Progress = z.infer<typeof Progress>;

/** A gap stays unreported when the run that found it was killed: then the next one reports it. */
const KnownGap = lenient(Gap.extend({ reported_by: z.string().nullable() }));

export const QueryPlan = durable(
  'A plan of the ingest',
  z.object({
    schema_version: z.literal(1),
    /** What the plan is of, in words: its key is this text's hash. */
    of: z.string(),
    name: z.string(),
    /** Where the next window begins: newest id of the last whole one, or a little before. */
    since_id: z.string().nullable(),
    /** Up to when every tweet was fetched or is in a recorded gap. */
    covered_until: Instant.nullable(),
    /** Windows opened so far. */
    windows: Count,
    /** How often an invocation took the plan up: each leaves the one before with an ETag of the past. */
    claims: Count,
    window: Window.nullable(),
    pending: PendingPage.nullable(),
    /** Posts that a call may be reading at X right now: whoever finds them here counts them as spent. */
    asked: Count,
    /** Users that may come with them. */
    asked_users: Count.default(0),
    /** Posts read at X in a month, for the month's budget, and users that came with them. */
    spent: lenient(z.object({ month: z.string(), posts: Count, users: Count.default(0) })),
    /** The last hundred that were found. */
    gaps: z.array(KnownGap),
    progress: Progress,
  }),
);
export type QueryPlan = z.infer<typeof QueryPlan>;

/** A durable plan, and the ETag its next write depends on. */
export interface Planned {
  plan: QueryPlan;
  etag: string | null;
}

const FOLDER = `${prefixes.plans}queries/`;
// Another write was in flight: a second look tells whether it was ours.
const MAX_WRITES = 3;

/** Names a plan in keys. */
export const planHash = (of: string): string =>
  createHash('sha256').update(of).digest('hex').slice(0, 16);

const keyFor = (of: string): string => `${FOLDER}${planHash(of)}.json`;

export const monthOf = (now: Date): string => now.toISOString().slice(0, 7);

/** Every plan of the lake, those of queries that are no longer asked included. */
export async function loadPlans(lake: LakeBucket): Promise<Planned[]> {
  const plans: Planned[] = [];
  for (const { key } of await listObjects(lake, FOLDER)) {
    const found = await getJson(lake, key, QueryPlan);
    if (found) plans.push({ plan: found.value, etag: found.etag });
  }
  return plans;
}

/** The plan as this run goes on with it: what an unknown end of the last call may have cost is counted. */
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
    schema_version: 1,
    of,
    name,
    since_id: null,
    covered_until: null,
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
 * Takes the plan up before anything is looked at that others could change: an invocation that outlived its
 * execution, or its own retry, fails at its next page, and stores nothing of it.
 */
export const claim = (lake: LakeBucket, { plan, etag }: Planned): Promise<Planned> =>
  savePlan(lake, { ...plan, claims: plan.claims + 1 }, etag);

/**
 * Writes the plan if it still is what was read. Throws `RunInProgress` when somebody else wrote it since.
 * An answer can be lost after the write was done: then the bucket holds what we wrote, and that is no conflict.
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
  parked: 0,
  days: [],
  whole: false,
});

export const noCounts: IngestCounts = {
  received: 0,
  written: 0,
  doubles: 0,
  quarantined: 0,
  pages: 0,
};

export const addCounts = (a: IngestCounts, b: IngestCounts): IngestCounts => ({
  received: a.received + b.received,
  written: a.written + b.written,
  doubles: a.doubles + b.doubles,
  quarantined: a.quarantined + b.quarantined,
  pages: a.pages + b.pages,
});
