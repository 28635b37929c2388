import { StepError } from '../../workflows/errors';
import type { Gap } from '../../workflows/payloads';
import type { Forgotten } from '../lake/forgotten';
import type { StoredTweets } from '../lake/raw-pages';
import type { Budget } from './budget';
import { pageName, sortPage, storePage } from './page';
import { addCounts, savePlan } from './plan';
import type { PendingPage, Planned, QueryPlan } from './plan';
import type { PageAnswer, Source } from './source';
import { streamRows } from './streaming';
import type { Streaming } from './streaming';
import {
  agedOut,
  checkpointAfter,
  earlierOf,
  laterOf,
  restartWindow,
  searchableSince,
  stillOpen,
  turnPage,
  windowBehind,
} from './window';
import type { Lost, Window } from './window';

// Stop when a server keeps sending pages without a tweet.
const MAX_EMPTY_PAGES = 50;
const MAX_GAPS_KEPT = 100;

/** How one invocation of the ingest ends. */
export type Ending =
  | { kind: 'complete' }
  | { kind: 'more' }
  | { kind: 'rate-limited'; resumeAt: Date }
  | { kind: 'stopped'; why: string };

export interface Pulling extends Streaming {
  runId: string;
  stored: StoredTweets;
  forgotten: Forgotten;
  budget: Budget;
  lateSeconds: number;
  /** Pages and time left for this invocation. */
  allowance: { pages: number; until: number };
}

/**
 * Fetches a plan's window page by page. If an earlier run left a window open, that one is finished first, then this
 * run's own is opened. The plan records the possible cost before each call to X, and the page after each response;
 * only then is the page processed. So the invocation may end or be killed at any point.
 */
export async function pull(
  pulling: Pulling,
  source: Source,
  open: (plan: QueryPlan) => Window,
  start: Planned,
): Promise<{ planned: Planned; ending: Ending }> {
  const { lake, clock, budget, allowance } = pulling;
  let planned = start;
  const save = async (plan: QueryPlan) => {
    planned = await savePlan(lake, plan, planned.etag);
  };
  const end = async (ending: Ending, plan: QueryPlan) => {
    await save({ ...plan, ...nothingAsked });
    return { planned, ending };
  };

  let plan = planned.plan;
  let usedUpUntil: Date | null = null;
  let dayUsedUp: string | null = null;
  for (;;) {
    if (plan.pending !== null) {
      plan = await commit(pulling, plan, plan.pending);
    }
    if (plan.progress.complete) {
      return end({ kind: 'complete' }, plan);
    }
    if (dayUsedUp !== null) {
      return end({ kind: 'stopped', why: `X gives no more for now: ${dayUsedUp}` }, plan);
    }
    if (usedUpUntil !== null) {
      return end({ kind: 'rate-limited', resumeAt: usedUpUntil }, plan);
    }
    const window: Window = plan.window ?? open(plan);
    if (plan.window === null) {
      plan = { ...plan, window, windows: plan.windows + 1 };
    }
    if (window.empty_pages >= MAX_EMPTY_PAGES) {
      const why = `X sent ${window.empty_pages} pages without a tweet`;
      return end({ kind: 'stopped', why }, { ...plan, window: { ...window, empty_pages: 0 } });
    }
    const next = nextPage(source, budget);
    if ('usedUp' in next) {
      return end({ kind: 'stopped', why: next.usedUp }, plan);
    }
    if (allowance.pages <= 0 || clock.now().valueOf() > allowance.until) {
      return end({ kind: 'more' }, plan);
    }
    const asked = askedFor(source, next);
    if (plan.asked !== asked.asked || plan.asked_users !== asked.asked_users) {
      plan = { ...plan, ...asked };
      await save(plan);
    }

    const answer = await source.nextPage(window, next.results);
    allowance.pages -= 1;
    if (answer.kind === 'rate-limited') {
      return end(answer, plan);
    }
    if (answer.kind === 'capped') {
      return end({ kind: 'stopped', why: `X gives no more for now: ${answer.detail}` }, plan);
    }
    if (answer.kind === 'stale') {
      plan = behindWhatAged(pulling, plan, window, answer.detail);
      continue;
    }
    if (answer.kind === 'token-refused') {
      plan = { ...plan, window: windowBehind(window) };
      continue;
    }
    const page = await sortPage(
      answer,
      { queryName: plan.name, runId: pulling.runId },
      pulling.stored,
      pulling.forgotten,
    );
    const cost = source.charged ? page.counts.received + answer.included : 0;
    budget.spend(cost);
    const { users } = answer;
    ({ usedUpUntil, dayUsedUp } = answer);
    plan = {
      ...plan,
      window,
      pending: page,
      spent: {
        ...plan.spent,
        posts: plan.spent.posts + cost,
        users: plan.spent.users + users,
      },
      progress: {
        ...plan.progress,
        included: plan.progress.included + answer.included,
        users: plan.progress.users + users,
      },
      ...(goesOn(page, answer, allowance) ? askedNext(source, budget) : nothingAsked),
    };
    await save(plan);
  }
}

const goesOn = (
  page: PendingPage,
  { usedUpUntil, dayUsedUp }: PageAnswer,
  allowance: { pages: number },
) => page.next_token !== null && usedUpUntil === null && dayUsedUp === null && allowance.pages > 0;

type Asked = Pick<QueryPlan, 'asked' | 'asked_users'>;
const nothingAsked: Asked = { asked: 0, asked_users: 0 };

/** What X may bill for a page, even if its response is lost. */
const askedFor = (
  { usersAResult }: Source,
  { posts, results }: { posts: number; results: number },
): Asked => ({ asked: posts, asked_users: results * usersAResult });

function askedNext(source: Source, budget: Budget): Asked {
  const next = nextPage(source, budget);
  return 'posts' in next ? askedFor(source, next) : nothingAsked;
}

const nextPage = (source: Source, budget: Budget) =>
  source.charged ? budget.nextPage(source.postsAResult) : { results: 0, posts: 0 };

/** Writes a journalled page to the lake and the stream, and returns the plan that follows. Does not save the plan. */
export async function commit(
  pulling: Streaming & { stored: StoredTweets; lateSeconds: number },
  plan: QueryPlan,
  page: PendingPage,
): Promise<QueryPlan> {
  // In parallel: after a kill, both are written again from the journalled page.
  const [{ objects }, queued] = await Promise.all([
    storePage(pulling.lake, plan, page),
    streamRows(pulling, page.rows, pageName(plan)),
  ]);
  for (const { day, key } of objects) pulling.stored.wrote(day, key);
  const { progress, window } = plan;
  if (window === null) {
    throw new StepError('ContractBroken', `the plan of ${plan.of} holds a page, but no window`);
  }
  const next: QueryPlan = {
    ...plan,
    pending: null,
    progress: {
      ...progress,
      counts: addCounts(progress.counts, page.counts),
      queued: progress.queued + queued,
      days: [...new Set([...progress.days, ...objects.map(({ day }) => day)])].sort(),
    },
  };
  const turned = turnPage(window, {
    newestId: page.newest_id,
    oldestId: page.oldest_id,
    nextToken: page.next_token,
    received: page.counts.received,
    // The server's clock and ours may differ. Take the earlier one, so that late tweets are not missed.
    serverTime: earlierOf(page.server_time, page.fetched_at),
  });
  // A page whose next token is its own would repeat for ever: continue after the ids it holds.
  if (page.next_token !== null && page.next_token === window.next_token) {
    return { ...next, window: windowBehind(turned) };
  }
  return page.next_token === null
    ? closeWindow(next, turned, window, page, pulling.lateSeconds)
    : { ...next, window: turned };
}

/** Closes the window once its last page is stored; only now the checkpoint moves. */
function closeWindow(
  plan: QueryPlan,
  window: Window,
  before: Window,
  lastPage: PendingPage,
  lateSeconds: number,
): QueryPlan {
  const lost = agedOut(
    before,
    before.oldest_id,
    new Date(laterOf(lastPage.server_time, lastPage.fetched_at)),
  );
  const closed = { ...plan, ...checkpointAfter(window, plan, lateSeconds), window: null };
  // After a window that an earlier run left open, this run opens its own.
  const complete = window.opened_by === plan.progress.run_id;
  return withGap({ ...closed, progress: { ...closed.progress, complete } }, lost, {
    reason: 'X searches seven days back, and the window was fetched too late for its oldest part',
    foundAt: lastPage.fetched_at,
  });
}

/**
 * Restarts the window at the oldest day that X still has and records the rest as a gap. Closes the window if X has
 * nothing left of it.
 */
function behindWhatAged(
  { clock, lateSeconds }: Pick<Pulling, 'clock' | 'lateSeconds'>,
  plan: QueryPlan,
  window: Window,
  detail: string,
): QueryPlan {
  const now = clock.now();
  const restarted = restartWindow(window, now);
  if (restarted === null) {
    throw new StepError(
      'XRequestRejected',
      `X rejected every start time for the search (${plan.of}): ${detail}`,
    );
  }
  const found = {
    reason: 'X no longer reaches back to the last run',
    foundAt: now.toISOString(),
  };
  const { until } = stillOpen(window);
  if (until !== null && until <= searchableSince(now).toISOString()) {
    const complete = window.opened_by === plan.progress.run_id;
    const closed = { ...plan, ...checkpointAfter(window, plan, lateSeconds), window: null };
    return withGap(
      { ...closed, progress: { ...closed.progress, complete } },
      { from: window.due_from, until },
      found,
    );
  }
  return withGap({ ...plan, window: restarted.window }, restarted.lost, found);
}

/** Adds a gap to the plan: a time span whose tweets can no longer be fetched. */
export function withGap(
  plan: QueryPlan,
  lost: Lost | null,
  found: Pick<Gap, 'reason' | 'foundAt'>,
): QueryPlan {
  if (lost === null) {
    return plan;
  }
  const gap = { query: plan.name, ...lost, ...found, reported_by: null };
  return { ...plan, gaps: [...plan.gaps, gap].slice(-MAX_GAPS_KEPT) };
}
