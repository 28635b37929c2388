import { priceOf } from '../../functions/x/price';
import type { Settings } from '../../infra/config';
import type { CostLine } from './money';
import { hoursPerMonth, prices } from './prices';
import { metricsCost, standingCosts } from './standing';

/** The billed usage of one run. */
export interface Usage {
  /** State transitions of the state machine. */
  transitions: number;
  /** Lambda invocations and their total seconds. */
  lambdaCalls: number;
  lambdaSeconds: number;
  crawls: number;
  glueSeconds: number;
  trainingSeconds: number;
  /** Of the transform job, on each of its instances. */
  transformSeconds: number;
  athenaQueries: number;
  /** Texts scored by the endpoint. */
  scored: number;
  /** Objects written to S3. */
  putRequests: number;
  /** Posts and users read from X. */
  posts: number;
  users: number;
}

/** Sizes that are not settings. */
const lambdaGb = 0.5;
/** A crawler uses 2 DPU and is billed for at least ten minutes. */
const crawlerDpu = 2;
const crawlerMinimumSeconds = 600;
/** Glue bills a Spark job for at least one minute. */
const glueMinimumSeconds = 60;
/** Athena bills each query for at least 10 MB; ours read less. */
const athenaMinimumTb = 10e6 / 1e12;
/** Texts per second that a serverless endpoint scores in batches, an assumption: a laptop scores several thousand. */
const scoredPerSecond = 1000;
/** Assumed spot price as a share of the on-demand price. It varies; AWS says only "up to 90 % less". */
const spotShare = 0.4;

const workerDpu = { 'G.1X': 1, 'G.2X': 2 };

const round = (value: number, digits = 1): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits });

const decimal = (price: number): string =>
  price.toLocaleString('en-US', { maximumFractionDigits: 10 });
const perThousand = (price: number): string => `$${decimal(price * 1000)}`;

/** The cost of instance hours. Without a price in our list it is 0, and the line says that it is not counted. */
function instanceCost(
  what: string,
  time: string,
  hours: number,
  instanceType: string,
  list: Readonly<Record<string, number>>,
  share = 1,
): CostLine {
  const price = list[instanceType];
  if (price === undefined)
    return {
      what,
      how: `not counted: cli/costs/prices.ts has no price of ${instanceType} (${time})`,
      usd: 0,
    };
  return {
    what,
    how: `${time} on ${instanceType} × $${price} per hour${share === 1 ? '' : ` × ${share} (spot)`}`,
    usd: hours * price * share,
  };
}

const trainingCost = (
  { trainingSeconds }: Pick<Usage, 'trainingSeconds'>,
  { training }: Pick<Settings, 'training'>,
): CostLine =>
  instanceCost(
    'SageMaker training',
    `${round(trainingSeconds)} s`,
    trainingSeconds / 3600,
    training.instanceType,
    prices.sageMakerTrainingPerHour,
    training.spot ? spotShare : 1,
  );

const transformCost = (
  { transformSeconds }: Pick<Usage, 'transformSeconds'>,
  { scoring: { instances, instanceType } }: Pick<Settings, 'scoring'>,
): CostLine =>
  instanceCost(
    'SageMaker transform job',
    `${round(transformSeconds)} s × ${instances}`,
    (transformSeconds / 3600) * instances,
    instanceType,
    prices.sageMakerTransformPerHour,
  );

/** The cost of a real-time endpoint per day, used or not. */
export const hostingCost = ({
  instances,
  instanceType,
}: Pick<Settings['endpoint'], 'instances' | 'instanceType'>): CostLine =>
  instanceCost(
    'SageMaker real-time endpoint, a day',
    `24 h × ${instances}`,
    24 * instances,
    instanceType,
    prices.sageMakerHostingPerHour,
  );

const aDayOf = ({ what, how, usd }: CostLine): CostLine => ({
  what: `${what}, a day`,
  how,
  usd: (usd * 24) / hoursPerMonth,
});

/** The costs of a run on AWS, in US dollars, line by line. Days without a run cost only the `standingCosts`. */
export function awsCosts(usage: Usage, settings: Settings): CostLine[] {
  const { glue, endpoint } = settings;
  const dpu = glue.workers * workerDpu[glue.workerType];
  const glueSeconds = usage.glueSeconds === 0 ? 0 : Math.max(glueMinimumSeconds, usage.glueSeconds);
  const crawlSeconds = usage.crawls * crawlerMinimumSeconds;
  const inferenceGb = endpoint.memoryMb / 1024;
  const inferenceSeconds = usage.scored / scoredPerSecond;
  return [
    {
      what: 'Step Functions',
      how: `${round(usage.transitions)} transitions × ${perThousand(prices.stepFunctionsPerTransition)} per 1,000`,
      usd: usage.transitions * prices.stepFunctionsPerTransition,
    },
    {
      what: 'Lambda',
      how: `${round(usage.lambdaCalls)} calls, ${round(usage.lambdaSeconds)} s × ${lambdaGb} GB × $${prices.lambdaPerGbSecond}`,
      usd:
        usage.lambdaCalls * prices.lambdaPerCall +
        usage.lambdaSeconds * lambdaGb * prices.lambdaPerGbSecond,
    },
    {
      what: 'Glue crawler',
      how: `${usage.crawls} × ${crawlerDpu} DPU × 10 min (the minimum) × $${prices.gluePerDpuHour} per DPU-hour`,
      usd: (crawlSeconds / 3600) * crawlerDpu * prices.gluePerDpuHour,
    },
    {
      what: 'Glue Spark job',
      how: `${round(glueSeconds)} s × ${dpu} DPU × $${prices.gluePerDpuHour} per DPU-hour`,
      usd: (glueSeconds / 3600) * dpu * prices.gluePerDpuHour,
    },
    {
      what: 'Athena',
      how: `${usage.athenaQueries} queries × 10 MB (the minimum) × $${prices.athenaPerTb} per TB`,
      usd: usage.athenaQueries * athenaMinimumTb * prices.athenaPerTb,
    },
    trainingCost(usage, settings),
    ...(usage.transformSeconds > 0 ? [transformCost(usage, settings)] : []),
    endpoint.kind === 'serverless'
      ? {
          what: 'SageMaker serverless endpoint',
          how: `${round(usage.scored)} texts at ${round(scoredPerSecond)} a second × ${round(inferenceGb)} GB × $${decimal(prices.serverlessInferencePerGbSecond)}`,
          usd: inferenceSeconds * inferenceGb * prices.serverlessInferencePerGbSecond,
        }
      : hostingCost(endpoint),
    {
      what: 'S3',
      how: `${round(usage.putRequests)} writes × ${perThousand(prices.s3PerPut)} per 1,000`,
      usd: usage.putRequests * prices.s3PerPut,
    },
    metricsCost(settings),
    ...standingCosts(settings).map(aDayOf),
  ];
}

/** X's charge for the posts read and for their authors' handles, in US dollars. */
export const xCosts = (usage: Usage, settings: Settings): CostLine => ({
  what: 'X API',
  how: [
    `${round(usage.posts)} posts × $${settings.x.usdPerPost} each`,
    ...(usage.users > 0 ? [`${round(usage.users)} authors × $${settings.x.usdPerUser} each`] : []),
  ].join(', '),
  usd: priceOf(settings.x, usage),
});
