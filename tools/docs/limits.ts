/**
 * What the design needs at a million tweets a day and more, and which limits it meets: two tables of docs/scale.md.
 * Quotas are those that AWS and X document; rates and prices are those of cli/costs.
 */
import { awsCosts, xCosts } from '../../cli/costs/night';
import { total } from '../../cli/costs/money';
import { hoursPerMonth, prices } from '../../cli/costs/prices';
import {
  rescoredDays,
  rowsPerSecond,
  runOf,
  sparkStartSeconds,
  transformedPerSecond,
  transformStartSeconds,
} from '../../cli/costs/table';
import { LARGEST_PAGE } from '../../functions/ingest/budget';
import { CLOSED_AFTER_DAYS } from '../../functions/lake/closed-days';
import { settingsFor } from '../../infra/config';
import { bytesPerRecord, mergedPages, pages } from './objects-a-day';

const sizes = [1e6, 10e6, 100e6] as const;
const settings = settingsFor('prod');
const daysPerMonth = 30;

/** X: requests to recent search in 15 minutes with one app's token. */
const requestsPerQuarter = 450;
/** Posts that one app reads in a month at pay-per-use prices. */
const postsPerMonth = 2e6;
/** Kinesis: records a shard takes in a second, and bytes. A record is a tweet's line of JSON. */
const recordsPerShard = 1000;
const bytesPerShard = 1e6;
/** Measured with `npm run bench:clean`: bytes of a tweet in a raw page of a hundred, and in Parquet. */
const rawBytes = 70;
const cleanedBytes = 200;
const scoredBytes = 60;
/** The columns that the questions read, and the days they look back. */
const questionBytes = 90;
const questionDays = 30;

/** Today's and those before that are not closed. */
const openDays = CLOSED_AFTER_DAYS + 1;
/** An estimate for a Lambda of 512 MB: 240 s at half the rate that `test/bench/compaction.ts` had on a busy machine. */
const compactedPerNight = 1e6;

const whole = (value: number): string => Math.ceil(value).toLocaleString('en-US');
const dollars = (usd: number): string => `$${Math.round(usd).toLocaleString('en-US')}`;
const some = (value: number): string =>
  value.toLocaleString('en-US', { maximumSignificantDigits: 2 });
const duration = (seconds: number): string =>
  seconds < 3600 ? `${some(seconds / 60)} min` : `${some(seconds / 3600)} h`;

interface Limit {
  what: string;
  needs: (tweets: number) => string;
  limit: string;
  beyond: string;
}

const postsPerDay = (requestsPerQuarter * LARGEST_PAGE * 24 * 60) / 15;
const readSeconds = (tweets: number): number => (tweets / postsPerDay) * 86_400;
const shards = (tweets: number): number => {
  const perSecond = tweets / Math.min(readSeconds(tweets), 86_400);
  return Math.max(perSecond / recordsPerShard, (perSecond * bytesPerRecord) / bytesPerShard);
};
const questionGb = (tweets: number): number => (tweets * questionDays * questionBytes) / 1e9;
const scanLimitGb = settings.athenaScanLimitBytes / 1e9;

const limits: readonly Limit[] = [
  {
    what: 'posts a month',
    needs: (tweets) => some((tweets * daysPerMonth) / 1e6) + ' million',
    limit: `${some(postsPerMonth / 1e6)} million at pay-per-use prices`,
    beyond: 'a contract with X (Enterprise); `x.maxTweetsPerMonth: null`',
  },
  {
    what: 'reading from X',
    needs: (tweets) => duration(readSeconds(tweets)),
    limit: `${requestsPerQuarter} pages in 15 min: ${some(postsPerDay / 1e6)} million posts a day; \`runTimeoutHours\` (${settings.runTimeoutHours})`,
    beyond:
      '`ingestEveryMinutes`, so that a night reads less; then a stream of X, which the ingest does not read',
  },
  {
    what: 'Kinesis shards',
    needs: (tweets) => whole(shards(tweets)),
    limit: 'one: 1,000 records and 1 MB a second',
    beyond: 'more shards in `infra/constructs`; the scorer gets a call at a time for each',
  },
  {
    what: 'raw objects: pages of open days, merged ones of the others',
    needs: (tweets) =>
      whole(openDays * pages(tweets) + (settings.keepDays.tweets - openDays) * mergedPages(tweets)),
    limit: `the crawler samples all of them each night; a night compacts about ${some(compactedPerNight / 1e6)} million tweets (estimated)`,
    beyond:
      '`memoryMb` of the ingest, which gives it processors; no crawler: publishing adds the partitions',
  },
  {
    what: 'cleaning a day',
    needs: (tweets) => duration(sparkStartSeconds + tweets / rowsPerSecond),
    limit: `\`glue.timeoutMinutes\` (${settings.glue.timeoutMinutes}) with ${settings.glue.workers} workers; new labels clean ${rescoredDays} days`,
    beyond: 'more `glue.workers`: a day is split by 250,000 rows',
  },
  {
    what: 'a question over 30 days',
    needs: (tweets) => `${some(questionGb(tweets))} GB`,
    limit: `\`athenaScanLimitBytes\` (${some(scanLimitGb)} GB)`,
    beyond: 'a higher limit, or a table of daily sums that each run adds to',
  },
  {
    what: 'training',
    needs: (tweets) =>
      `${some(Math.min(settings.training.tweetsGb, (tweets * cleanedBytes * 365) / 1e9))} GB`,
    limit: '`training.tweetsGb`: only the newest days',
    beyond: 'nothing: it does not grow',
  },
  {
    what: "a new champion's scores",
    needs: (tweets) =>
      duration(transformStartSeconds + (tweets * rescoredDays) / transformedPerSecond),
    limit: '`scoring.maxSeconds` and `runTimeoutHours`, one instance',
    beyond: 'more `scoring.instances`',
  },
];

/** The table `limits` of docs/scale.md. */
export const limitRows = (): string[][] => [
  ['a day', ...sizes.map((tweets) => `${some(tweets / 1e6)} M`), 'limit', 'beyond it'],
  ...limits.map(({ what, needs, limit, beyond }) => [what, ...sizes.map(needs), limit, beyond]),
];

const storage = (tweets: number): number =>
  (tweets *
    settings.keepDays.tweets *
    (rawBytes + cleanedBytes + scoredBytes) *
    prices.s3PerGbMonth) /
  1e9;
const kinesis = (tweets: number): number =>
  (Math.ceil(shards(tweets)) - 1) *
  hoursPerMonth *
  (prices.kinesisShardPerHour + prices.kinesisRetentionPerShardHour);
const athena = (tweets: number): number =>
  (daysPerMonth * questionGb(tweets) * prices.athenaPerTb) / 1000;

/** The table `months` of docs/scale.md: US dollars a month. */
export const monthRows = (): string[][] => {
  const lines: [string, (tweets: number) => number][] = [
    [
      'X, at pay-per-use prices',
      (tweets) => daysPerMonth * xCosts(runOf(tweets, 'prod'), settings).usd,
    ],
    [
      'nights on AWS ([formula](deploy.md#what-it-costs))',
      (tweets) => daysPerMonth * total(awsCosts(runOf(tweets, 'prod'), settings)),
    ],
    ['S3, a year of tweets', storage],
    ['Athena, one question over 30 days a night', athena],
    ['further Kinesis shards', kinesis],
  ];
  return [
    ['US dollars a month', ...sizes.map((tweets) => `${some(tweets / 1e6)} M a day`)],
    ...lines.map(([what, cost]) => [what, ...sizes.map((tweets) => dollars(cost(tweets)))]),
  ];
};
