import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { StepError } from '../workflows/errors';
import { IngestTweetsOutput, StepInput } from '../workflows/payloads';
import type { IngestCounts, RunPlan } from '../workflows/payloads';
import { systemClock } from './clock';
import type { Clock } from './clock';
import { environments, readEnvironment } from './environment';
import type { Lake } from './lake/objects';
import { onFirstCall, step } from './step';
import { recentSearch } from './x/client';
import type { Search } from './x/client';
import { sortPage, storePage } from './x/page';
import {
  addCounts,
  closeWindow,
  loadPlan,
  openWindow,
  restartWindow,
  savePlan,
  turnPage,
} from './x/plan';
import type { Planned } from './x/plan';
import { bearerToken } from './x/token';

// An invocation works for four minutes at most, and through 40 pages: then it answers MORE.
const INVOCATION = { milliseconds: 4 * 60 * 1000, pages: 40 };
// X's limits of `max_results`.
const LARGEST_PAGE = 100;
const SMALLEST_PAGE = 10;

interface Dependencies {
  lake: Lake;
  kinesis: KinesisClient;
  stream: string;
  search: Search;
  usdPerPost: number;
  /** What one call may take. */
  limits: { milliseconds: number; pages: number };
  clock: Clock;
}

type Ending =
  | { kind: 'whole' }
  | { kind: 'more' }
  | { kind: 'rate-limited'; resumeAt: Date }
  | { kind: 'stopped'; why: string };

/**
 * Fetches what is new for each query and writes it to the lake and the stream, page by page. Where it stands
 * is kept in the bucket after every page, so this call may end, or be killed, anywhere.
 */
export const ingestTweets = (given: Dependencies) =>
  step(StepInput, IngestTweetsOutput, async ({ state: { plan } }): Promise<IngestTweetsOutput> => {
    const allowance = {
      until: given.clock.now().valueOf() + given.limits.milliseconds,
      pages: given.limits.pages,
    };
    let planned = await Promise.all(
      plan.queries.map(({ query }) => loadPlan(given.lake, query, plan.runId)),
    );
    let ending: Ending = { kind: 'whole' };
    for (const [index, { name }] of plan.queries.entries()) {
      while (ending.kind === 'whole' && planned[index] && !planned[index].plan.progress.whole) {
        const left = plan.maxTweets - totalOf(planned).received;
        const turned = await fetchPage(given, plan, name, planned[index], left, allowance);
        ending = turned.ending;
        planned = planned.with(index, turned.planned);
      }
    }
    const counts = totalOf(planned);
    const said = {
      ...counts,
      days: [...new Set(planned.flatMap(({ plan: { progress } }) => progress.days))].sort(),
      spendUsd: Number((counts.received * given.usdPerPost).toFixed(6)),
    };
    if (ending.kind === 'more') {
      return { status: 'MORE', ...said };
    }
    if (ending.kind === 'rate-limited') {
      return { status: 'RATE_LIMITED', resumeAt: ending.resumeAt.toISOString(), ...said };
    }
    mustAddUp(counts);
    return {
      status: 'DONE',
      complete: ending.kind === 'whole',
      note: noteOf(planned, ending),
      ...said,
    };
  });

/** Fetches and stores one page of a query's window; the checkpoint moves with the last. */
async function fetchPage(
  { lake, kinesis, stream, search, clock }: Dependencies,
  run: RunPlan,
  queryName: string,
  { plan, etag }: Planned,
  tweetsLeft: number,
  allowance: { until: number; pages: number },
): Promise<{ planned: Planned; ending: Ending }> {
  const stay = (ending: Ending) => ({ planned: { plan, etag }, ending });
  if (tweetsLeft < SMALLEST_PAGE) {
    return stay({ kind: 'stopped', why: `the budget of ${run.maxTweets} tweets is used up` });
  }
  if (allowance.pages === 0 || clock.now().valueOf() > allowance.until) {
    return stay({ kind: 'more' });
  }
  const window = plan.window ?? openWindow(plan, run.runId, clock.now());
  const answer = await search({
    query: plan.query,
    maxResults: Math.min(LARGEST_PAGE, tweetsLeft),
    sinceId: window.since_id,
    startTime: window.start_time,
    untilId: window.until_id,
    nextToken: window.next_token,
  });
  allowance.pages -= 1;
  if (answer.kind === 'rate-limited') {
    return stay(answer);
  }
  if (answer.kind === 'capped') {
    return stay({ kind: 'stopped', why: `X gives no more for now: ${answer.detail}` });
  }
  const { progress } = plan;
  if (answer.kind === 'stale') {
    const restarted = restartWindow(window, clock.now());
    if (restarted === null) {
      throw new StepError(
        'XRequestRejected',
        `X takes no start for the search (${plan.query}): ${answer.detail}`,
      );
    }
    const gap = `X no longer reaches back to the last run: tweets from before ${restarted.start_time} may be missing`;
    const notes = window.since_id === null ? progress.notes : [...progress.notes, gap];
    const next = { ...plan, window: restarted, progress: { ...progress, notes } };
    return { planned: await savePlan(lake, next, etag), ending: { kind: 'whole' } };
  }

  const page = sortPage(answer.tweets, window.recent_ids, {
    usernames: answer.usernames,
    queryName,
    runId: run.runId,
    fetchedAt: answer.fetchedAt,
  });
  await storePage(
    page,
    { lake, kinesis, stream, clock },
    { query: plan.query, window, runId: run.runId },
  );

  const turned = turnPage(window, answer, page.ids);
  const days = [...new Set([...progress.days, ...page.days])].sort();
  const next = {
    ...plan,
    window: turned,
    progress: { ...progress, counts: addCounts(progress.counts, page.counts), days },
  };
  const planned = await savePlan(
    lake,
    answer.nextToken === null ? closeWindow(next, turned) : next,
    etag,
  );
  return answer.usedUpUntil === null || planned.plan.progress.whole
    ? { planned, ending: { kind: 'whole' } }
    : { planned, ending: { kind: 'rate-limited', resumeAt: answer.usedUpUntil } };
}

const totalOf = (planned: readonly Planned[]): IngestCounts =>
  planned
    .map(({ plan }) => plan.progress.counts)
    .reduce(addCounts, { received: 0, written: 0, doubles: 0, quarantined: 0, pages: 0 });

function mustAddUp({ received, written, doubles, quarantined }: IngestCounts): void {
  if (received !== written + doubles + quarantined) {
    throw new StepError(
      'IngestDoesNotAddUp',
      `${received} tweets received, but ${written} written + ${doubles} doubles + ${quarantined} quarantined`,
    );
  }
}

/** Why the pull is not whole, or why it is empty; null when there is nothing to say. */
function noteOf(planned: readonly Planned[], ending: Ending): string | null {
  const notes = planned.flatMap(({ plan }) => plan.progress.notes);
  if (ending.kind === 'stopped') {
    notes.push(`stopped early, ${ending.why}; the next run goes on from here`);
  } else if (totalOf(planned).received === 0) {
    notes.push('X has no tweet on these keywords that is newer than the last run');
  }
  return notes.length === 0 ? null : notes.join('; ');
}

export const handler = onFirstCall(() => {
  const { BUCKET, STREAM_NAME, TOKEN_SECRET_ARN, SETTINGS } = readEnvironment(
    environments['ingest-tweets'],
  );
  const token = bearerToken(new SecretsManagerClient({}), TOKEN_SECRET_ARN, systemClock);
  return ingestTweets({
    lake: { s3: new S3Client({}), bucket: BUCKET },
    // The client's default is HTTP/2, which fails against a plain-http endpoint.
    kinesis: new KinesisClient({ requestHandler: new NodeHttpHandler() }),
    stream: STREAM_NAME,
    search: recentSearch(SETTINGS.x.apiBaseUrl, token, systemClock),
    usdPerPost: SETTINGS.x.usdPerPost,
    limits: INVOCATION,
    clock: systemClock,
  });
});
