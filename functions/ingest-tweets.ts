import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { leaseKeys } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import { IngestTweetsOutput, StepInput } from '../workflows/payloads';
import type { RunPlan } from '../workflows/payloads';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { Budget } from './ingest/budget';
import { compactClosedDays } from './ingest/compaction';
import { mustAddUp } from './ingest/page';
import {
  addCounts,
  claim,
  loadPlans,
  monthOf,
  newPlan,
  noCounts,
  resume,
  savePlan,
} from './ingest/plan';
import type { Planned, QueryPlan } from './ingest/plan';
import { pull, commit } from './ingest/pull';
import type { Ending, Pulling } from './ingest/pull';
import { replayDays } from './ingest/replay';
import { fromImport, fromX, removeImport } from './ingest/source';
import type { Source } from './ingest/source';
import { streamQueued } from './ingest/streaming';
import type { Streaming } from './ingest/streaming';
import { countsOf, noteOf, postsIn, unreadableNote, withReported } from './ingest/summary';
import { agedPlan } from './ingest/aged';
import { emptyWindow, newsWindow, spanWindow } from './ingest/window';
import type { Window } from './ingest/window';
import { Forgotten, readForgotten, readMarker, renewMarks } from './lake/forgotten';
import type { Marker } from './lake/forgotten';
import { Lease, executionRuns, releaseLease, takeLease } from './lake/lease';
import type { IsRunning } from './lake/lease';
import { getTimedJson } from './lake/objects';
import { StoredTweets } from './lake/raw-pages';
import { Unreadables } from './lake/set-aside';
import type { FunctionSettings } from './settings/settings';
import { log, onFirstCall, step } from './shared/step';
import { recentSearch } from './x/client';
import type { Search } from './x/client';
import { bearerToken } from './x/token';

// An invocation works for at most 2.5 minutes or 40 pages, then returns MORE. A page started in the last second may
// take as long again: five attempts at X and six at the stream.
const INVOCATION = { milliseconds: 150 * 1000, pages: 40 };
// From the start of the call; an object of a closed day takes seconds, and the Lambda has 360.
const COMPACTION_ENDS_MS = 240 * 1000;
/** An ingest never waits longer than X's rate window; several windows mean it is stuck. */
const LONGEST_WAIT_MS = 60 * 60 * 1000;

interface Dependencies extends Streaming {
  search: Search;
  isRunning: IsRunning;
  /** Marker for the list of erased ids. */
  marker: () => Promise<Marker>;
  settings: Pick<
    FunctionSettings['x'],
    'usdPerPost' | 'usdPerUser' | 'authorNames' | 'maxTweetsPerMonth' | 'lateTweetSeconds'
  >;
  /** Limits of one invocation. */
  limits: { milliseconds: number; pages: number };
}

/** One search, import or backfill of the run: its plan, and the source of its pages. */
interface Task {
  of: string;
  name: string;
  source: Source;
  open: (plan: QueryPlan) => Window;
}

/**
 * Fetches tweets from X or from an import, and writes them to the lake and the stream, page by page. Its progress is
 * stored in the bucket, so this call may end or be killed at any point.
 */
export const ingestTweets = (deps: Dependencies) =>
  step(StepInput, IngestTweetsOutput, async ({ execution, state }): Promise<IngestTweetsOutput> => {
    const { plan } = state;
    const before = state.ingest.status === 'PENDING' ? null : state.ingest;
    if (plan.source.kind === 'replay') {
      return replay(deps, plan, plan.source.stream, before);
    }
    const { clock, lake } = deps;
    const lease = await takeLease(lake, leaseKeys.ingest, deps.isRunning, {
      executionArn: execution.arn,
      scheduledFor: null,
      now: clock.now(),
    });
    if (!lease.taken) {
      return waitFor(deps, plan, lease.holder, before);
    }
    const until = clock.now().valueOf() + COMPACTION_ENDS_MS;
    const answer = await ingest(deps, plan, before);
    if (answer.status === 'DONE') {
      // Only a run with the run lock, so that no replay or Spark job reads the pages that are merged.
      if (plan.mode === 'nightly') await compact(deps, until);
      await releaseLease(lake, leaseKeys.ingest, execution.arn, clock.now());
    }
    return answer;
  });

/** What does not fit into the time is left to the next run. */
async function compact({ lake, clock }: Dependencies, until: number): Promise<void> {
  const { answeredAt } = await getTimedJson(lake, leaseKeys.ingest, Lease);
  const done = await compactClosedDays({
    lake,
    now: clock.now(),
    storageTime: answeredAt ?? clock.now(),
    isLate: () => clock.now().valueOf() > until,
  });
  if (done.sources > 0) log({ function: 'ingest-tweets', compacted: done });
}

async function ingest(
  deps: Dependencies,
  run: RunPlan,
  before: Before,
): Promise<IngestTweetsOutput> {
  const { clock, lake, settings, limits } = deps;
  const allowance = { pages: limits.pages, until: clock.now().valueOf() + limits.milliseconds };
  const unreadables = new Unreadables();
  const resent = (before?.resent ?? 0) + (await streamQueued(deps, allowance.until, unreadables));
  const stored = new StoredTweets(lake, unreadables);
  const tasks = await tasksOf(deps, run, unreadables);
  const { taken, others } = await claimPlans(deps, run, tasks, stored);
  let planned = taken;

  const marker = await deps.marker();
  const forgotten = new Forgotten((await readForgotten(lake, marker)).list, marker);
  const charged = run.source.kind !== 'import';
  const budget = budgetOf(deps, run, planned, others);
  const pulling: Pulling = {
    ...deps,
    runId: run.runId,
    stored,
    forgotten,
    budget,
    lateSeconds: settings.lateTweetSeconds,
    allowance,
  };
  let ending: Ending = { kind: 'complete' };
  for (const [index, { source, open }] of tasks.entries()) {
    const start = planned[index];
    if (start === undefined || ending.kind !== 'complete') break;
    const pulled = await pull(pulling, source, open, start);
    planned = planned.with(index, pulled.planned);
    ending = pulled.ending;
  }

  await renewMarks(lake, forgotten, marker);

  const unreadable = unreadables.report(before?.unreadable);
  const figures = countsOf(planned, others, {
    unreadable,
    resent,
    charged,
    prices: settings,
    monthLimit: settings.maxTweetsPerMonth,
    now: clock.now(),
    runId: run.runId,
    ending,
  });
  if (ending.kind === 'more') {
    return { status: 'MORE', cursor: null, ...figures };
  }
  if (ending.kind === 'rate-limited') {
    return { status: 'RATE_LIMITED', resumeAt: ending.resumeAt.toISOString(), ...figures };
  }
  mustAddUp(figures, `run ${run.runId}`);
  for (const { plan, etag } of [...planned, ...others]) {
    const reported = withReported(plan, run.runId);
    if (reported !== null) await savePlan(lake, reported, etag);
  }
  if (run.source.kind === 'import' && ending.kind === 'complete') {
    await removeImport(lake, run.source.name, unreadable);
  }
  const nothing =
    run.source.kind === 'import'
      ? 'the import holds no tweet'
      : run.source.kind === 'backfill'
        ? 'X has no tweets for these queries in this time span'
        : 'X has no tweets for these queries since the last run';
  return {
    status: 'DONE',
    complete: ending.kind === 'complete',
    note: noteOf(figures, ending, nothing),
    ...figures,
  };
}

/** The run's tasks, each with a plan of its own. */
async function tasksOf(
  { search, lake, clock, settings }: Dependencies,
  { source, queries, runId }: RunPlan,
  unreadables: Unreadables,
): Promise<Task[]> {
  switch (source.kind) {
    case 'news':
      return queries.map(({ name, query }) => ({
        of: query,
        name,
        source: fromX(search, query, settings.authorNames),
        open: (plan) => newsWindow(plan, runId, clock.now()),
      }));
    case 'backfill':
      return queries.map(({ name, query }) => ({
        of: `${query} from ${source.from} to ${source.to}`,
        name,
        source: fromX(search, query, settings.authorNames),
        open: (plan) => spanWindow(plan, runId, source),
      }));
    case 'import':
      return [
        {
          of: `import ${source.name}`,
          name: source.name,
          source: await fromImport(lake, source.name, clock, unreadables),
          open: (plan) => emptyWindow(plan.windows, runId),
        },
      ];
    case 'replay':
      return [];
  }
}

/**
 * Claims all plans. Then stores pages that were journalled but not stored, including those of removed queries;
 * otherwise another query could bring the same tweets again.
 */
async function claimPlans(
  deps: Dependencies,
  run: RunPlan,
  tasks: readonly Task[],
  stored: StoredTweets,
): Promise<{ taken: Planned[]; others: Planned[] }> {
  const { lake, clock, settings } = deps;
  const now = clock.now();
  const all = await loadPlans(lake);
  const isOfTask = ({ plan }: Planned) => tasks.some(({ of }) => of === plan.of);
  const claimed: { taken: Planned[]; others: Planned[] } = { taken: [], others: [] };
  for (const { of, name } of tasks) {
    const found = all.find(({ plan }) => plan.of === of);
    const planned =
      found === undefined
        ? newPlan(of, name, run.runId, now)
        : resume({ ...found, plan: { ...found.plan, name } }, run.runId, now);
    claimed.taken.push(await claim(lake, planned));
  }
  for (const other of all.filter((planned) => !isOfTask(planned))) {
    // A complete plan has no work in progress, so it needs no claim.
    claimed.others.push(other.plan.progress.complete ? other : await claim(lake, other));
  }

  const committing = { ...deps, stored, lateSeconds: settings.lateTweetSeconds };
  const committed = async ({ plan, etag }: Planned): Promise<Planned> =>
    plan.pending === null
      ? { plan, etag }
      : savePlan(lake, await commit(committing, plan, plan.pending), etag);
  const others: Planned[] = [];
  for (const other of claimed.others) {
    const { plan, etag } = await committed(other);
    const aged = agedPlan(plan, now, settings.lateTweetSeconds);
    others.push(aged === null ? { plan, etag } : await savePlan(lake, aged, etag));
  }
  const taken: Planned[] = [];
  for (const one of claimed.taken) taken.push(await committed(one));
  return { taken, others };
}

function budgetOf(
  { settings, clock }: Dependencies,
  run: RunPlan,
  planned: readonly Planned[],
  others: readonly Planned[],
): Budget {
  const used = planned
    .map(
      ({ plan: { progress } }) =>
        progress.counts.received + progress.included + progress.unanswered,
    )
    .reduce((sum, posts) => sum + posts, 0);
  const limit = settings.maxTweetsPerMonth;
  const month =
    limit === null ? null : limit - postsIn(monthOf(clock.now()), [...planned, ...others]);
  return new Budget(run.maxTweets - used, month, { run: run.maxTweets, month: limit });
}

type Before = IngestTweetsOutput | null;

/** Another execution is ingesting: an `ingest` run ends, because the schedule starts the next one; a nightly run waits. */
function waitFor(
  { clock, settings }: Dependencies,
  plan: RunPlan,
  holder: Lease,
  before: Before,
): IngestTweetsOutput {
  const now = clock.now();
  const nothing = countsOf([], [], {
    unreadable: undefined,
    resent: 0,
    charged: true,
    prices: settings,
    monthLimit: settings.maxTweetsPerMonth,
    now,
    runId: plan.runId,
    ending: { kind: 'complete' },
  });
  if (plan.mode === 'ingest') {
    return {
      status: 'DONE',
      complete: false,
      note: `${holder.executionArn} has been ingesting since ${holder.takenAt}; the next scheduled run continues after it`,
      ...nothing,
    };
  }
  const since = before?.status === 'BUSY' ? before.since : now.toISOString();
  if (now.valueOf() - Date.parse(since) > LONGEST_WAIT_MS) {
    throw new StepError(
      'RunInProgress',
      `${holder.executionArn} has been ingesting since ${holder.takenAt}, and this run has waited for it since ${since}. ` +
        'Wait until it has ended, or stop it, and redrive this one.',
    );
  }
  const resumeAt = new Date(now.valueOf() + plan.poll.ingest * 1000).toISOString();
  return { status: 'BUSY', resumeAt, holder: holder.executionArn, since, ...nothing };
}

/** Sends the days' tweets to the stream again, without any request to X. */
async function replay(
  deps: Dependencies,
  plan: RunPlan,
  stream: boolean,
  before: Before,
): Promise<IngestTweetsOutput> {
  const { clock, limits, settings } = deps;
  const until = clock.now().valueOf() + limits.milliseconds;
  const cursor = before?.status === 'MORE' ? before.cursor : null;
  const unreadables = new Unreadables();
  const sent = stream
    ? await replayDays(deps, plan, cursor, until, unreadables)
    : { counts: noCounts, queued: 0, cursor: null };
  const figures = {
    ...countsOf([], [], {
      unreadable: unreadables.report(before?.unreadable),
      resent: 0,
      charged: false,
      prices: settings,
      monthLimit: settings.maxTweetsPerMonth,
      now: clock.now(),
      runId: plan.runId,
      ending: { kind: 'complete' },
    }),
    ...addCounts(before ?? noCounts, sent.counts),
    queued: (before?.queued ?? 0) + sent.queued,
    days: plan.reprocess,
  };
  if (sent.cursor !== null) {
    return { status: 'MORE', ...figures, cursor: sent.cursor };
  }
  mustAddUp(figures, `run ${plan.runId}`);
  const sentAgain = stream
    ? `${figures.written} tweets of ${plan.reprocess.length} days sent to the stream again`
    : 'nothing was to be sent again';
  const note = [sentAgain, ...unreadableNote(figures.unreadable)].join('; ');
  return { status: 'DONE', complete: true, note, ...figures };
}

export const handler = onFirstCall(() => {
  const { BUCKET, STREAM_NAME, TOKEN_SECRET_ARN, FORGOTTEN_SECRET_ARN, SETTINGS } =
    readEnvironment('ingest-tweets');
  const secrets = aws(SecretsManagerClient);
  const token = bearerToken(secrets, TOKEN_SECRET_ARN, systemClock);
  return ingestTweets({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    kinesis: aws(KinesisClient),
    stream: STREAM_NAME,
    search: recentSearch(SETTINGS.x.apiBaseUrl, token, systemClock),
    isRunning: executionRuns(aws(SFNClient)),
    marker: () => readMarker(secrets, FORGOTTEN_SECRET_ARN),
    settings: SETTINGS.x,
    limits: INVOCATION,
    clock: systemClock,
  });
});
