import { createHash } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { StepError } from '../workflows/errors';
import { PlanRunInput, PlanRunOutput, RunRequest } from '../workflows/payloads';
import type { RunPlan } from '../workflows/payloads';
import { aws } from './shared/aws';
import { systemClock, utcDay } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { explain } from './shared/explain';
import { loadPlans, monthOf } from './ingest/plan';
import { daysBetween, daysNamed, spanAtX } from './ingest/span';
import { postsIn } from './ingest/summary';
import { executionRuns } from './lake/lease';
import type { IsRunning } from './lake/lease';
import { takeLock } from './lake/lock';
import type { Acquired } from './lake/lock';
import type { LakeBucket } from './lake/objects';
import { emitter } from './shared/metrics';
import type { Emit } from './shared/metrics';
import { takeForceGrant } from './model/force-grant';
import type { FunctionSettings } from './settings/settings';
import { onFirstCall, step } from './shared/step';
import { highestPrice, postsAndAuthors } from './x/price';
import { KEYWORDS, buildQueries } from './x/queries';

interface Dependencies {
  lake: LakeBucket;
  isRunning: IsRunning;
  emit: Emit;
  clock: Clock;
  secrets: SecretsManagerClient;
  forceGrantSecretArn: string;
  settings: Pick<FunctionSettings, 'x' | 'poll' | 'evaluation'>;
}

/** Validates the execution's input and turns it into the plan for all later steps. Throws `InvalidInput`, `RunInProgress`. */
export const planRun = ({ lake, isRunning, emit, clock, settings, ...given }: Dependencies) =>
  step(PlanRunInput, PlanRunOutput, async ({ execution, input }) => {
    const now = clock.now();
    const request = parseRequest(input, utcDay(now));
    const source = sourceOf(request, now);
    const asksX = source.kind === 'news' || source.kind === 'backfill';
    if (asksX) mustBeAffordable(request, settings.x);
    const queries = asksX ? buildQueries(queriesOf(request, settings.x), settings.x) : [];
    const lock = await lockFor(request, () =>
      takeLock(lake, isRunning, {
        executionArn: execution.arn,
        scheduledFor: request.scheduledFor ?? null,
        now,
      }),
    );
    const { secrets, forceGrantSecretArn: secretArn } = given;
    const hours = settings.evaluation.forceGrantHours;
    // After the lock, so that a skipped run leaves the grant to the next one. A failed run releases its lock.
    const force =
      request.force && lock.taken
        ? await takeForceGrant({ secrets, secretArn, lake, hours }, execution.arn, now)
        : null;
    if (request.mode === 'nightly' && request.scheduledFor !== undefined) {
      emit({ ScheduledRunsStarted: 1 });
    }
    const maxTweets =
      asksX && request.mode !== 'retrain' && request.mode !== 'rollback'
        ? await affordable(lake, request, settings.x, now)
        : 0;
    return {
      runId: runIdOf(execution),
      mode: request.mode,
      date: request.date ?? utcDay(now),
      startedAt: execution.startTime,
      skip: lock.taken ? null : lock.reason,
      source,
      queries,
      maxTweets,
      maxSpendUsd: highestPrice(settings.x, maxTweets),
      reprocess: request.mode === 'replay' ? daysToReplay(request, utcDay(now)) : [],
      force,
      training: request.training,
      ...(request.mode === 'rollback' && { rollbackTo: request.model ?? null }),
      poll: settings.poll,
    };
  });

/** The console sends `{}`, an API call without input sends null: both start a nightly run. */
function parseRequest(input: unknown, today: string): RunRequest {
  const result = RunRequest.safeParse(input ?? {});
  if (!result.success) {
    throw new StepError('InvalidInput', explain(result.error, input, 'input'));
  }
  const { date } = result.data;
  if (date !== undefined && date > today) {
    throw new StepError('InvalidInput', `date: must not be after today, ${today} (got "${date}")`);
  }
  return result.data;
}

function sourceOf(request: RunRequest, now: Date): RunPlan['source'] {
  switch (request.mode) {
    case 'backfill':
      return { kind: 'backfill', ...spanAtX(request.from, request.to, now) };
    case 'replay':
      return { kind: 'replay', stream: request.stream };
    case 'import':
      return { kind: 'import', name: request.import ?? '' };
    default:
      return { kind: 'news' };
  }
}

const daysToReplay = ({ days, from, to }: RunRequest, today: string): string[] =>
  days === undefined ? daysBetween(from, to, today) : daysNamed(days, today);

const queriesOf = ({ keywords, queries }: RunRequest, x: FunctionSettings['x']) =>
  queries ?? (keywords === undefined ? x.queries : [{ name: KEYWORDS, keywords }]);

/**
 * A run of mode `ingest` changes neither days nor models, so it may run beside a nightly run; only their ingest steps
 * exclude each other.
 */
const lockFor = (request: RunRequest, take: () => Promise<Acquired>): Promise<Acquired> =>
  request.mode === 'ingest' ? Promise.resolve({ taken: true }) : take();

/** Rejects a run that could cost more at X than the settings allow. */
function mustBeAffordable({ maxTweets }: RunRequest, x: FunctionSettings['x']): void {
  const { maxTweetsPerRun } = x;
  if (maxTweets !== undefined && maxTweets > maxTweetsPerRun) {
    const price = highestPrice(x, maxTweetsPerRun).toFixed(2);
    throw new StepError(
      'InvalidInput',
      `maxTweets: must not be above x.maxTweetsPerRun, ${postsAndAuthors(x, `${maxTweetsPerRun} posts`)} ($${price}) (got ${maxTweets}). ` +
        'Start several runs one after the other: each continues where the last one stopped. Or raise x.maxTweetsPerRun in infra/config.ts and deploy.',
    );
  }
}

/** Posts that the run may read: its own budget, limited by the rest of the month's. */
async function affordable(
  lake: LakeBucket,
  { maxTweets }: RunRequest,
  x: FunctionSettings['x'],
  now: Date,
): Promise<number> {
  const run = maxTweets ?? x.maxTweetsPerRun;
  if (x.maxTweetsPerMonth === null) {
    return run;
  }
  const posts = postsIn(monthOf(now), await loadPlans(lake));
  return Math.max(0, Math.min(run, x.maxTweetsPerMonth - posts));
}

/** Start time plus a hash of the execution: readable, sortable, and valid in every derived name. */
function runIdOf({ arn, startTime }: PlanRunInput['execution']): string {
  const [day = '', time = ''] = new Date(startTime).toISOString().split('T');
  const hash = createHash('sha256').update(arn).digest('hex').slice(0, 8);
  return `${day.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${hash}`;
}

export const handler = onFirstCall(() => {
  const { BUCKET, LAKE, FORCE_GRANT_SECRET_ARN, SETTINGS } = readEnvironment('plan-run');
  return planRun({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    isRunning: executionRuns(aws(SFNClient)),
    emit: emitter(LAKE),
    clock: systemClock,
    secrets: aws(SecretsManagerClient),
    forceGrantSecretArn: FORCE_GRANT_SECRET_ARN,
    settings: SETTINGS,
  });
});
