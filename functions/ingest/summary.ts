import { Gap } from '../../workflows/payloads';
import type { IngestTweetsOutput, OpenWindow, SetAside } from '../../workflows/payloads';
import { priceOf } from '../x/price';
import { addCounts, monthOf, noCounts } from './plan';
import type { Planned, QueryPlan } from './plan';
import type { Ending } from './pull';
import { stillOpen } from './window';

type Done = Extract<IngestTweetsOutput, { status: 'DONE' }>;
export type IngestCounts = Omit<Done, 'status' | 'complete' | 'note'>;

/** The run's counts so far. `others` are plans of queries that this run does not fetch. */
export function countsOf(
  run: readonly Planned[],
  others: readonly Planned[],
  given: {
    unreadable: SetAside | undefined;
    resent: number;
    charged: boolean;
    prices: { usdPerPost: number; usdPerUser: number };
    monthLimit: number | null;
    now: Date;
    runId: string;
    ending: Ending;
  },
): IngestCounts {
  const plans = run.map(({ plan }) => plan);
  const counts = plans.map(({ progress }) => progress.counts).reduce(addCounts, noCounts);
  const unanswered = sum(plans, ({ progress }) => progress.unanswered);
  const included = sum(plans, ({ progress }) => progress.included);
  const posts = given.charged ? counts.received + included + unanswered : 0;
  const users = given.charged ? sum(plans, ({ progress }) => progress.users) : 0;
  const month = monthOf(given.now);
  return {
    ...counts,
    days: [...new Set(plans.flatMap(({ progress }) => progress.days))].sort(),
    queries: plans.map(({ name, progress }) => ({
      name,
      complete: progress.complete,
      ...progress.counts,
    })),
    gaps: [...run, ...others].flatMap(({ plan }) => gapsFor(plan, given.runId)),
    open: [
      ...plans.flatMap((plan) => openWindow(plan, whyOpen(given.ending))),
      ...others.flatMap(({ plan }) => openWindow(plan, 'the run does not ask for this query')),
    ],
    queued: sum(plans, ({ progress }) => progress.queued),
    resent: given.resent,
    unanswered,
    users,
    spendUsd: priceOf(given.prices, { posts, users }),
    month: {
      month,
      posts: postsIn(month, [...run, ...others]),
      users: usersIn(month, [...run, ...others]),
      limit: given.monthLimit,
    },
    ...(given.unreadable && { unreadable: given.unreadable }),
  };
}

/** Gaps that no other run has reported. */
const gapsFor = (plan: QueryPlan, runId: string): Gap[] =>
  plan.gaps
    .filter(({ reported_by }) => reported_by === null || reported_by === runId)
    .map((gap) => Gap.strip().parse(gap));

/** Marks the plan's gaps as reported by this run; null if there are none. */
export function withReported(plan: QueryPlan, runId: string): QueryPlan | null {
  const gaps = plan.gaps.map((gap) => ({ ...gap, reported_by: gap.reported_by ?? runId }));
  return plan.gaps.some(({ reported_by }) => reported_by === null) ? { ...plan, gaps } : null;
}

/** Posts of a month, including those of a call that has not returned. */
export const postsIn = (month: string, planned: readonly Planned[]): number =>
  sum(
    planned.map(({ plan }) => plan).filter(({ spent }) => spent.month === month),
    ({ spent, asked }) => spent.posts + asked,
  );

/** Users of a month, counted the same way. */
const usersIn = (month: string, planned: readonly Planned[]): number =>
  sum(
    planned.map(({ plan }) => plan).filter(({ spent }) => spent.month === month),
    ({ spent, asked_users }) => spent.users + asked_users,
  );

const openWindow = (plan: QueryPlan, reason: string): OpenWindow[] =>
  plan.window === null || plan.window.pages === 0
    ? []
    : [{ query: plan.name, ...stillOpen(plan.window), reason }];

function whyOpen(ending: Ending): string {
  switch (ending.kind) {
    case 'stopped':
      return ending.why;
    case 'rate-limited':
      return "X's rate window is used up";
    default:
      return 'more pages wait';
  }
}

/** Why the ingest is incomplete or empty, for the report; null if it is neither. */
export function noteOf(figures: IngestCounts, ending: Ending, ifEmpty: string): string | null {
  const { gaps, open, queued, resent, unanswered, received } = figures;
  const notes = gaps.map(
    ({ query, from, until, reason }) =>
      `gap in ${query} from ${from ?? 'an unknown time'} to ${until}: ${reason}`,
  );
  if (ending.kind === 'stopped') {
    notes.push(`stopped early: ${ending.why}; the next run continues from here`);
  } else if (received === 0) {
    notes.push(ifEmpty);
  }
  const abandoned = open.filter(({ reason }) => reason.startsWith('the run does not'));
  if (abandoned.length > 0) {
    notes.push(`left open by earlier runs: ${abandoned.map(({ query }) => query).join(', ')}`);
  }
  if (queued > 0) notes.push(`${queued} records queued for retry (rejected by the stream)`);
  if (resent > 0) notes.push(`${resent} queued records sent`);
  if (unanswered > 0)
    notes.push(`up to ${unanswered} posts may have been billed although the response was lost`);
  notes.push(...unreadableNote(figures.unreadable));
  return notes.length === 0 ? null : notes.join('; ');
}

/** Names the first unreadable object and counts the others. */
export function unreadableNote(unreadable: SetAside | undefined): string[] {
  const [first] = unreadable?.objects ?? [];
  if (!unreadable || !first) return [];
  const others = unreadable.count > 1 ? `, and ${unreadable.count - 1} more` : '';
  return [`skipped an unreadable object: ${first.key} ${first.problem}${others}`];
}

const sum = <Item>(items: readonly Item[], value: (item: Item) => number): number =>
  items.reduce((total, item) => total + value(item), 0);
