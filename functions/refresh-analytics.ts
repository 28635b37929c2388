import { createHash } from 'node:crypto';
import { AthenaClient } from '@aws-sdk/client-athena';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import type { Query } from '../queries/query';
import { resultPrefixes } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import { RefreshAnalyticsOutput, StepInput } from '../workflows/payloads';
import type { Champion, RunState } from '../workflows/payloads';
import { aws } from './shared/aws';
import { lastDays, systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { hasSucceeded, rowsOf, startQuery } from './lake/athena';
import type { Row, AthenaContext } from './lake/athena';
import type { Catalog } from './lake/catalog';
import { getTimedJson, listObjects, uriOf } from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { publishedDays } from './lake/published';
import { loadQueries } from './lake/queries';
import { MOST_ENDPOINT_TWEETS } from './settings/settings';
import { compactScores } from './model/compact-scores';
import { scoreInBatches, writeScored } from './model/scored';
import { emitter } from './shared/metrics';
import type { Emit } from './shared/metrics';
import { readChampion } from './model/champion';
import { describeEndpoint, pointEndpoint, scoringClient } from './model/endpoint';
import type { Endpoint } from './model/endpoint';
import { languageList } from './model/languages';
import { CHAMPION_KEY } from './model/names';
import {
  completedTransform,
  removeTransformModel,
  isUsable,
  startTransform,
  transformJobName,
  transformKeys,
} from './model/transform-job';
import type { Transforms } from './model/transform-job';
import { publishScores, removeTransforms } from './model/transform-scores';
import { predictionMetrics } from './report/run-metrics';
import { inParallel } from './shared/in-parallel';
import { log, onFirstCall, step } from './shared/step';

/** Days that the analysts' questions cover. */
const LOOKBACK_DAYS = 8;
// A call starts no new work after two minutes; the work in progress fits into its Lambda's other eight.
const BUDGET_MS = 2 * 60 * 1000;
// From the start of a call; an object takes seconds, and the Lambda has ten minutes.
const COMPACTION_ENDS_MS = 7 * 60 * 1000;
const PAUSE_MS = 300;
/** Days whose tweets Athena writes to the job's input at the same time. */
const UNLOADS_AT_ONCE = 4;
/** One row more than the endpoint may score tells that a day is for a transform job. */
const ROWS_LISTED = MOST_ENDPOINT_TWEETS + 1;

interface Dependencies {
  lake: LakeBucket;
  catalog: Catalog;
  athena: AthenaContext;
  sageMaker: SageMakerClient;
  endpoint: Endpoint;
  transforms: Transforms;
  unscoredTweets: Query;
  languages: readonly string[];
  emit: Emit;
  clock: Clock;
}

type Running = Extract<RefreshAnalyticsOutput, { status: 'RUNNING' }>;
type Progress = Omit<Running, 'status' | 'attempt'>;
type Job = NonNullable<Progress['job']>;

/**
 * Scores every published tweet of the last days that the model in service has not scored yet. The endpoint scores the
 * tweets of days that have few. Those of the other days are written to one transform job's input by Athena, and
 * published from its output: a new champion's first run scores millions.
 */
export const refreshAnalytics = (deps: Dependencies) =>
  step(StepInput, RefreshAnalyticsOutput, async (input): Promise<RefreshAnalyticsOutput> => {
    const until = deps.clock.now().valueOf() + COMPACTION_ENDS_MS;
    const answer = await refresh(deps, input);
    if (answer.status === 'DONE' && input.state.plan.mode === 'nightly') await compact(deps, until);
    return answer;
  });

/** What does not fit into the time is left to the next run. */
async function compact({ lake, clock }: Dependencies, until: number): Promise<void> {
  const { answeredAt } = await getTimedJson(lake, CHAMPION_KEY, z.unknown());
  const done = await compactScores({
    lake,
    now: clock.now(),
    storageTime: answeredAt ?? clock.now(),
    isLate: () => clock.now().valueOf() > until,
  });
  if (done.sources > 0) log({ function: 'refresh-analytics', compacted: done });
}

async function refresh(
  deps: Dependencies,
  { execution, attempt, state }: StepInput,
): Promise<RefreshAnalyticsOutput> {
  const champion = (await readChampion(deps.lake))?.value ?? null;
  if (champion === null) {
    return { status: 'DONE', scored: 0, modelVersion: null };
  }
  const idempotencyKey = [execution.arn, attempt];
  let progress = await begun(deps, champion, attempt, state);
  if (await servesChampion(deps, champion)) {
    const until = deps.clock.now().valueOf() + BUDGET_MS;
    do {
      const { pending, job } = progress;
      if (pending.length > 0 && progress.query === null && job !== undefined) {
        const more = await unloaded(deps, champion, progress, { idempotencyKey, job, until });
        if (more === null) break;
        progress = more;
      } else if (pending.length > 0) {
        const name = transformJobName(state.plan.date, idempotencyKey, deps.transforms.modelPrefix);
        progress = await listed(deps, champion, progress, { idempotencyKey, name });
      } else if (job === undefined) {
        const { scored } = progress;
        return { status: 'DONE', scored, modelVersion: champion.modelVersion };
      } else if (job.startedAt === undefined) {
        await startTransform(deps.lake, job.name, champion, deps.transforms);
        log({ transform: job.name, days: job.days.length });
        const startedAt = deps.clock.now().toISOString();
        progress = { ...progress, job: { ...job, startedAt } };
      } else {
        const done = await published(deps, progress, job);
        if (done === null) break;
        if ('status' in done) return done;
        progress = done;
      }
    } while (deps.clock.now().valueOf() < until);
  }
  return { status: 'RUNNING', attempt, ...progress };
}

/** The progress that a call continues. A job that an earlier attempt started is published, unless it failed. */
async function begun(
  deps: Dependencies,
  { modelVersion }: Champion,
  attempt: number,
  state: RunState,
): Promise<Progress> {
  const { refresh } = state;
  if (refresh.status === 'RUNNING') {
    const { attempt: before, pending, query, scored, byEndpoint, job } = refresh;
    const progress = { pending, query, scored, byEndpoint, job };
    if (before === attempt) return progress;
    const isReusable =
      job?.startedAt !== undefined &&
      job.modelVersion === modelVersion &&
      (await isUsable(deps.lake, job.name, deps.transforms));
    if (isReusable) return progress;
  }
  const { scored, byEndpoint } = scoredBefore(state);
  return { pending: await daysToScore(deps.catalog, state), query: null, scored, byEndpoint };
}

/** Lists the next day's tweets and scores them, or has them written to the job's input. */
async function listed(
  deps: Dependencies,
  champion: Champion,
  progress: Progress,
  { idempotencyKey, name }: { idempotencyKey: readonly (string | number)[]; name: string },
): Promise<Progress> {
  const { athena, clock, unscoredTweets, transforms } = deps;
  const { pending, query, scored, byEndpoint = scored } = progress;
  const [day = '', ...later] = pending;
  const start = async (sql: string): Promise<Progress['query']> => {
    const key = [...idempotencyKey, scored];
    return { date: day, queryExecutionId: await startDay(deps, champion, day, sql, key) };
  };
  if (query === null) {
    return { ...progress, query: await start(`${unscoredTweets.sql}\nlimit ${ROWS_LISTED}`) };
  }
  if (!(await hasSucceeded(athena, query.queryExecutionId))) {
    await clock.sleep(PAUSE_MS);
    return progress;
  }
  if (query.unloads) {
    const { job = { name, modelVersion: champion.modelVersion, days: [] } } = progress;
    const days = [...job.days, day];
    return { ...progress, pending: later, query: null, job: { ...job, days } };
  }
  const rows = await rowsOf(athena, query.queryExecutionId, ROWS_LISTED);
  if (byEndpoint + rows.length > transforms.settings.endpointTweets && rows.length > 0) {
    const unload = await start(unloading(deps, name, day));
    return { ...progress, query: unload && { ...unload, unloads: true } };
  }
  await score(deps, champion, day, rows);
  return {
    ...progress,
    pending: later,
    query: null,
    scored: scored + rows.length,
    byEndpoint: byEndpoint + rows.length,
  };
}

/**
 * Writes the tweets of the next days to the input of a job that has tweets already: however few a day has, it needs no
 * listing. Null if Athena is not done in time; a later call gets the same queries by their tokens.
 */
async function unloaded(
  deps: Dependencies,
  champion: Champion,
  progress: Progress,
  call: { idempotencyKey: readonly (string | number)[]; job: Job; until: number },
): Promise<Progress | null> {
  const { athena, lake, clock } = deps;
  const { job, until } = call;
  const key = [...call.idempotencyKey, progress.scored];
  const next = progress.pending.slice(0, UNLOADS_AT_ONCE);
  const found = await inParallel(UNLOADS_AT_ONCE, next, async (day) => {
    const id = await startDay(deps, champion, day, unloading(deps, job.name, day), key);
    while (!(await hasSucceeded(athena, id))) {
      if (clock.now().valueOf() > until) return null;
      await clock.sleep(PAUSE_MS);
    }
    // Athena writes no object for a day that is scored already.
    const written = await listObjects(lake, `${transformKeys(job.name).input}dt=${day}/`);
    return { day, hasTweets: written.length > 0 };
  });
  const done = found.filter((each) => each !== null);
  if (done.length < next.length) return null;
  const days = done.filter(({ hasTweets }) => hasTweets).map(({ day }) => day);
  const pending = progress.pending.slice(next.length);
  return { ...progress, pending, job: { ...job, days: [...job.days, ...days] } };
}

/** Starts a query of a day's tweets without scores, once for each key. */
const startDay = (
  { athena, unscoredTweets, languages }: Dependencies,
  { modelVersion }: Champion,
  day: string,
  sql: string,
  idempotencyKey: readonly (string | number)[],
): Promise<string> =>
  startQuery(
    athena,
    { ...unscoredTweets, sql },
    { day, model_version: modelVersion, languages: languageList(languages) },
    idempotencyKey,
  );

/** Has Athena write a day's rows as JSON lines, in as many objects as it likes. */
function unloading({ lake, unscoredTweets }: Dependencies, job: string, day: string): string {
  const uri = uriOf(lake, `${transformKeys(job).input}dt=${day}/`);
  return `unload (\n${unscoredTweets.sql}\n) to '${uri}' with (format = 'JSON', compression = 'NONE')`;
}

/** Publishes the next day of the job; null while the job runs. After the last day, deletes the job's objects and its model. */
async function published(
  deps: Dependencies,
  progress: Progress,
  job: Job,
): Promise<Progress | RefreshAnalyticsOutput | null> {
  const { lake, catalog, transforms, clock, emit } = deps;
  const ended = await completedTransform(job.name, transforms, clock);
  if (ended === null) return null;
  const [day, ...days] = job.days;
  const { TransformStartTime: start, TransformEndTime: end } = ended;
  const endedAt = end ?? clock.now();
  if (day === undefined) {
    await removeTransforms(lake, resultPrefixes.scoring);
    if (ended.ModelName !== undefined)
      await removeTransformModel(transforms.sageMaker, ended.ModelName);
    const { scored, byEndpoint = 0 } = progress;
    return {
      status: 'DONE',
      scored,
      modelVersion: job.modelVersion,
      job: {
        name: job.name,
        scored: scored - byEndpoint,
        seconds: start ? (endedAt.valueOf() - start.valueOf()) / 1000 : 0,
      },
    };
  }
  const { name, modelVersion } = job;
  const rows = await publishScores(lake, catalog, { name, modelVersion, endedAt }, day, (some) =>
    emit(predictionMetrics(some)),
  );
  return { ...progress, scored: progress.scored + rows, job: { ...job, days } };
}

const Unscored = z.object({ tweet_id: z.string(), text: z.string().nullable() });

async function score(
  deps: Dependencies,
  champion: Champion,
  day: string,
  rows: readonly Row[],
): Promise<void> {
  const { lake, catalog, endpoint, clock } = deps;
  // Athena returns an empty text as a missing value.
  const tweets = rows
    .map((row) => Unscored.parse(row))
    .map(({ tweet_id: id, text }) => ({ id, text: text ?? '' }));
  if (tweets.length === 0) return;
  const predictions = await scoreInBatches(endpoint, tweets, {
    clock,
    modelVersion: champion.modelVersion,
  });
  const ids = createHash('sha256')
    .update(tweets.map(({ id }) => id).join())
    .digest('hex')
    .slice(0, 16);
  await writeScored(lake, catalog, day, `${champion.modelVersion}-${ids}`, predictions);
  deps.emit(predictionMetrics(predictions));
}

async function daysToScore(catalog: Catalog, { plan, ingest }: RunState): Promise<string[]> {
  const touched = ingest.status === 'PENDING' ? [] : ingest.days;
  const wanted = new Set([...lastDays(plan.date, LOOKBACK_DAYS), ...touched]);
  return (await publishedDays(catalog)).map(({ date }) => date).filter((date) => wanted.has(date));
}

/** Tweets scored by earlier attempts. */
function scoredBefore({ refresh }: RunState): { scored: number; byEndpoint: number } {
  if (refresh.status !== 'RUNNING') return { scored: 0, byEndpoint: 0 };
  const { scored, byEndpoint = scored } = refresh;
  return { scored, byEndpoint };
}

/**
 * Whether the endpoint serves the champion. A run that failed between update and promotion leaves its candidate there;
 * then the champion is put back first.
 */
async function servesChampion(
  { sageMaker, endpoint }: Dependencies,
  { configName }: Champion,
): Promise<boolean> {
  const found = await describeEndpoint(sageMaker, endpoint.name);
  if (found?.EndpointStatus === 'InService' && found.EndpointConfigName !== configName) {
    await pointEndpoint(sageMaker, { name: endpoint.name, configName: configName, exists: true });
    return false;
  }
  switch (found?.EndpointStatus) {
    case 'InService':
      return true;
    case 'Creating':
    case 'Updating':
    case 'SystemUpdating':
    case 'RollingBack':
      return false;
    default:
      throw new StepError(
        'ScoringFailed',
        `The endpoint ${endpoint.name} is ${found?.EndpointStatus ?? 'gone'}: ${found?.FailureReason ?? 'no reason given'}. ` +
          'Start a new execution with {"mode":"retrain","force":true} to put a model into service.',
      );
  }
}

export const handler = onFirstCall(() => {
  const env = readEnvironment('refresh-analytics');
  const sageMaker = aws(SageMakerClient);
  const unscoredTweets = loadQueries().find(({ name }) => name === 'unscored_tweets');
  if (unscoredTweets === undefined) {
    throw new Error('queries.json holds no unscored_tweets. Deploy the stack again.');
  }
  return refreshAnalytics({
    lake: { s3: aws(S3Client), bucket: env.BUCKET },
    catalog: { glue: aws(GlueClient), database: env.DATABASE },
    athena: { athena: aws(AthenaClient), workgroup: env.WORKGROUP, database: env.DATABASE },
    sageMaker,
    endpoint: { runtime: scoringClient(), name: env.ENDPOINT_NAME, clock: systemClock },
    transforms: {
      sageMaker,
      settings: env.SETTINGS.scoring,
      image: env.SERVING_IMAGE,
      roleArn: env.TRAINING_ROLE_ARN,
      keyArn: env.KEY_ARN,
      lakeName: env.LAKE,
      modelPrefix: env.MODEL_PREFIX,
    },
    unscoredTweets,
    languages: env.SETTINGS.model.languages,
    emit: emitter(env.LAKE),
    clock: systemClock,
  });
});
