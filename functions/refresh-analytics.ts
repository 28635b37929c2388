import { createHash } from 'node:crypto';
import { AthenaClient } from '@aws-sdk/client-athena';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import type { Query } from '../queries/query';
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
import type { LakeBucket } from './lake/objects';
import { publishedDays } from './lake/published';
import { loadQueries } from './lake/queries';
import { scoreInBatches, writeScored } from './model/scored';
import { emitter } from './shared/metrics';
import type { Emit } from './shared/metrics';
import { readChampion } from './model/champion';
import { describeEndpoint, pointEndpoint, scoringClient } from './model/endpoint';
import type { Endpoint } from './model/endpoint';
import { languageList } from './model/languages';
import { predictionMetrics } from './report/run-metrics';
import { onFirstCall, step } from './shared/step';

/** Days that the analysts' questions cover. */
const LOOKBACK_DAYS = 8;
// A call starts no new work after two minutes; the work in progress fits into its Lambda's other three.
const BUDGET_MS = 2 * 60 * 1000;
const PAUSE_MS = 300;
/** Rows per query; a day with more rows is queried again until none is left. */
const ROWS_A_QUERY = 5000;

interface Dependencies {
  lake: LakeBucket;
  catalog: Catalog;
  athena: AthenaContext;
  sageMaker: SageMakerClient;
  endpoint: Endpoint;
  unscoredTweets: Query;
  languages: readonly string[];
  emit: Emit;
  clock: Clock;
}

type Progress = Pick<
  Extract<RefreshAnalyticsOutput, { status: 'RUNNING' }>,
  'pending' | 'query' | 'scored'
>;

/** Scores every published tweet of the last days that the model in service has not scored yet. */
export const refreshAnalytics = (deps: Dependencies) =>
  step(
    StepInput,
    RefreshAnalyticsOutput,
    async ({ execution, attempt, state }): Promise<RefreshAnalyticsOutput> => {
      const { refresh } = state;
      const champion = (await readChampion(deps.lake))?.value ?? null;
      if (champion === null) {
        return { status: 'DONE', scored: 0, modelVersion: null };
      }
      const isOurs = refresh.status === 'RUNNING' && refresh.attempt === attempt;
      let progress: Progress = isOurs
        ? { pending: refresh.pending, query: refresh.query, scored: refresh.scored }
        : {
            pending: await daysToScore(deps.catalog, state),
            query: null,
            scored: scoredBefore(state),
          };
      if (await servesChampion(deps, champion)) {
        const until = deps.clock.now().valueOf() + BUDGET_MS;
        while (progress.pending.length > 0 && deps.clock.now().valueOf() < until) {
          progress = await advance(deps, champion, progress, [execution.arn, attempt]);
        }
        if (progress.pending.length === 0) {
          return { status: 'DONE', scored: progress.scored, modelVersion: champion.modelVersion };
        }
      }
      return { status: 'RUNNING', attempt, ...progress };
    },
  );

/** Queries the next day's tweets, waits for the result, or scores it. */
async function advance(
  deps: Dependencies,
  champion: Champion,
  { pending, query, scored }: Progress,
  idempotencyKey: readonly (string | number)[],
): Promise<Progress> {
  const { athena: athena, clock, unscoredTweets, languages } = deps;
  const [day = '', ...later] = pending;
  if (query === null) {
    const values = {
      day,
      model_version: champion.modelVersion,
      languages: languageList(languages),
    };
    const queryExecutionId = await startQuery(athena, unscoredTweets, values, [
      ...idempotencyKey,
      scored,
    ]);
    return { pending, query: { date: day, queryExecutionId }, scored };
  }
  if (!(await hasSucceeded(athena, query.queryExecutionId))) {
    await clock.sleep(PAUSE_MS);
    return { pending, query, scored };
  }
  const rows = await rowsOf(athena, query.queryExecutionId, ROWS_A_QUERY);
  await score(deps, champion, day, rows);
  return {
    pending: rows.length === ROWS_A_QUERY ? pending : later,
    query: null,
    scored: scored + rows.length,
  };
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

/** Rows scored by earlier attempts. */
const scoredBefore = ({ refresh }: RunState): number =>
  refresh.status === 'RUNNING' ? refresh.scored : 0;

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
  const { BUCKET, DATABASE, WORKGROUP, ENDPOINT_NAME, LAKE, SETTINGS } =
    readEnvironment('refresh-analytics');
  const unscoredTweets = loadQueries().find(({ name }) => name === 'unscored_tweets');
  if (unscoredTweets === undefined) {
    throw new Error('queries.json holds no unscored_tweets. Deploy the stack again.');
  }
  return refreshAnalytics({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    catalog: { glue: aws(GlueClient), database: DATABASE },
    athena: { athena: aws(AthenaClient), workgroup: WORKGROUP, database: DATABASE },
    sageMaker: aws(SageMakerClient),
    endpoint: { runtime: scoringClient(), name: ENDPOINT_NAME, clock: systemClock },
    unscoredTweets,
    languages: SETTINGS.model.languages,
    emit: emitter(LAKE),
    clock: systemClock,
  });
});
