import { priceOf } from '../../functions/x/price';
import type { Settings } from '../../infra/config';

/** What a night did, as far as it is billed. */
export interface Usage {
  /** State transitions of the machine. */
  transitions: number;
  /** Invocations of step functions and seconds they took together. */
  lambdaCalls: number;
  lambdaSeconds: number;
  crawls: number;
  glueSeconds: number;
  trainingSeconds: number;
  athenaQueries: number;
  /** Texts that the endpoint scored. */
  scored: number;
  /** Objects written to S3. */
  putRequests: number;
  /** Posts read from X, and users that came with them. */
  posts: number;
  users: number;
}

export interface CostLine {
  what: string;
  /** How the figure comes about. */
  how: string;
  usd: number;
}

/**
 * Public list prices, us-east-1, on-demand, US dollars, as of November 2026; aws.amazon.com/<service>/pricing has them.
 * Free tiers, data transfer and log storage are left out. docs/deploy.md says which could not be checked again.
 */
export const prices = {
  stepFunctionsPerTransition: 0.025 / 1000,
  lambdaPerCall: 0.2 / 1e6,
  lambdaPerGbSecond: 0.0000166667,
  gluePerDpuHour: 0.44,
  sageMakerTrainingPerHour: { 'ml.m5.xlarge': 0.23 } satisfies Record<string, number>,
  serverlessInferencePerGbSecond: 0.00002,
  athenaPerTb: 5,
  s3PerPut: 0.005 / 1000,
  s3PerGbMonth: 0.023,
  logsPerGbMonth: 0.03,
  sageMakerHostingPerHour: { 'ml.c6i.large': 0.102 } satisfies Record<string, number>,
  kinesisShardPerHour: 0.015,
  /** For keeping records longer than a day, up to a week. */
  kinesisRetentionPerShardHour: 0.02,
  kmsKeyPerMonth: 1,
  secretPerMonth: 0.4,
};

/** Sizes of the pipeline's parts that its settings do not name. */
const lambdaGb = 0.5;
/** A crawler of this size works with 2 DPU and is billed for ten minutes at least. */
const crawlerDpu = 2;
const crawlerMinimumSeconds = 600;
/** Glue bills a Spark job's first minute whole. */
const glueMinimumSeconds = 60;
/** Athena bills each query for 10 MB at least; these read less. */
const athenaMinimumTb = 10e6 / 1e12;
/** Texts a serverless endpoint scores in a second, in batches; our own machine does several thousand. */
const scoredPerSecond = 1000;
const hoursPerMonth = 730;
/** What is paid of the on-demand price for spot capacity: it varies, and AWS says only "up to 90 % less". */
const spotShare = 0.4;

const workerDpu = { 'G.1X': 1, 'G.2X': 2 };

const round = (value: number, digits = 1): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits });

/** What the night would have cost on AWS, line by line; idle days cost the standing lines alone. */
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
      how: `${round(usage.transitions)} transitions × $0.025 per 1,000`,
      usd: usage.transitions * prices.stepFunctionsPerTransition,
    },
    {
      what: 'Lambda',
      how: `${round(usage.lambdaCalls)} calls, ${round(usage.lambdaSeconds)} s × ${lambdaGb} GB × $0.0000166667`,
      usd:
        usage.lambdaCalls * prices.lambdaPerCall +
        usage.lambdaSeconds * lambdaGb * prices.lambdaPerGbSecond,
    },
    {
      what: 'Glue crawler',
      how: `${usage.crawls} × ${crawlerDpu} DPU × 10 min (the minimum) × $0.44 per DPU-hour`,
      usd: (crawlSeconds / 3600) * crawlerDpu * prices.gluePerDpuHour,
    },
    {
      what: 'Glue Spark job',
      how: `${round(glueSeconds)} s × ${dpu} DPU × $0.44 per DPU-hour`,
      usd: (glueSeconds / 3600) * dpu * prices.gluePerDpuHour,
    },
    {
      what: 'Athena',
      how: `${usage.athenaQueries} queries × 10 MB (the minimum) × $5 per TB`,
      usd: usage.athenaQueries * athenaMinimumTb * prices.athenaPerTb,
    },
    {
      what: 'SageMaker training',
      how: `${round(usage.trainingSeconds)} s on ${settings.training.instanceType} × $0.23 per hour${settings.training.spot ? ` × ${spotShare} (spot)` : ''}`,
      usd:
        (usage.trainingSeconds / 3600) *
        prices.sageMakerTrainingPerHour['ml.m5.xlarge'] *
        (settings.training.spot ? spotShare : 1),
    },
    endpoint.kind === 'serverless'
      ? {
          what: 'SageMaker serverless endpoint',
          how: `${round(usage.scored)} texts at ${round(scoredPerSecond)} a second × ${round(inferenceGb)} GB × $0.00002`,
          usd: inferenceSeconds * inferenceGb * prices.serverlessInferencePerGbSecond,
        }
      : {
          what: 'SageMaker real-time endpoint, a day',
          how: `24 h × ${endpoint.instances} × ${endpoint.instanceType} × $0.102 per hour`,
          usd: 24 * endpoint.instances * prices.sageMakerHostingPerHour['ml.c6i.large'],
        },
    {
      what: 'S3',
      how: `${round(usage.putRequests)} writes × $0.005 per 1,000`,
      usd: usage.putRequests * prices.s3PerPut,
    },
    {
      what: 'Kinesis, key and secret, a day',
      how: '24 h × ($0.015 + $0.02) for the shard and its week, and a thirtieth of $1 and $0.40 a month',
      usd:
        24 * (prices.kinesisShardPerHour + prices.kinesisRetentionPerShardHour) +
        (24 / hoursPerMonth) * (prices.kmsKeyPerMonth + prices.secretPerMonth),
    },
  ];
}

/** What X charges for the posts read and for their authors' handles. */
export const xCosts = (usage: Usage, settings: Settings): CostLine => ({
  what: 'X API',
  how: [
    `${round(usage.posts)} posts × $${settings.x.usdPerPost} each`,
    ...(usage.users > 0 ? [`${round(usage.users)} authors × $${settings.x.usdPerUser} each`] : []),
  ].join(', '),
  usd: priceOf(settings.x, usage),
});

export const total = (lines: readonly CostLine[]): number =>
  lines.reduce((sum, { usd }) => sum + usd, 0);

/** Half a cent is a cent, also where its binary fraction lies a little below. */
export const dollars = (usd: number): string =>
  usd > 0 && usd < 0.01 ? 'under $0.01' : `$${(Math.round(usd * 100 + 1e-6) / 100).toFixed(2)}`;
