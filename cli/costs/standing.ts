import type { Settings } from '../../infra/config';
import { dimensionOf, isMetricName, metrics } from '../../workflows/metrics';
import { steps } from '../../workflows/steps';
import type { CostLine } from './money';
import { hoursPerMonth, prices } from './prices';

/** The resources of one environment that are billed while nothing runs. test/cli/costs counts them in the templates. */
export interface StandingParts {
  keys: number;
  secrets: number;
  shards: number;
  /** Metrics of alarms. */
  alarmMetrics: number;
  dashboards: number;
}

/** The settings that decide which alarms exist. */
type AlarmSettings = Pick<Settings, 'ingestEveryMinutes'> & {
  nightly: Pick<Settings['nightly'], 'enabled'>;
  endpoint: Pick<Settings['endpoint'], 'kind'>;
};

export const standingParts = ({
  nightly,
  ingestEveryMinutes,
  endpoint,
}: AlarmSettings): StandingParts => ({
  keys: 1,
  secrets: 3,
  shards: 1,
  // A disabled schedule has no alarm, and SageMaker rolls back updates of real-time endpoints only.
  alarmMetrics:
    23 +
    (nightly.enabled ? 1 : 0) +
    (nightly.enabled || ingestEveryMinutes !== null ? 1 : 0) +
    (endpoint.kind === 'realtime' ? 1 : 0),
  dashboards: 1,
});

/** Unpacked size of both images (docs/images.md); ECR stores them compressed. CUDA adds several GB. */
const imagesGb = 2.3;

/** One environment's US dollars a month while nothing runs. A real-time endpoint after a promotion is extra. */
export function standingCosts(settings: AlarmSettings): CostLine[] {
  const { keys, secrets, shards, alarmMetrics, dashboards } = standingParts(settings);
  return [
    {
      what: 'Kinesis',
      how: `${shards} shard × ($${prices.kinesisShardPerHour} + $${prices.kinesisRetentionPerShardHour} for a week of records) per hour`,
      usd:
        shards * hoursPerMonth * (prices.kinesisShardPerHour + prices.kinesisRetentionPerShardHour),
    },
    {
      what: 'KMS and Secrets Manager',
      how: `${keys} key × $${prices.kmsKeyPerMonth} and ${secrets} secrets × $${prices.secretPerMonth.toFixed(2)} per month`,
      usd: keys * prices.kmsKeyPerMonth + secrets * prices.secretPerMonth,
    },
    {
      what: 'CloudWatch alarms and dashboard',
      how: `${alarmMetrics} metrics of alarms × $${prices.alarmMetricPerMonth.toFixed(2)} and ${dashboards} dashboard × $${prices.dashboardPerMonth} per month`,
      usd: alarmMetrics * prices.alarmMetricPerMonth + dashboards * prices.dashboardPerMonth,
    },
    {
      what: 'ECR',
      how: `two images of ${imagesGb} GB together × $${prices.ecrPerGbMonth.toFixed(2)} per GB and month`,
      usd: imagesGb * prices.ecrPerGbMonth,
    },
  ];
}

/** Hours of a day in which a nightly run and the stream's scorer send metrics. */
const metricHoursOfNight = 2;

/** The number of custom metrics that a run without errors sends. */
export const ownMetrics = (): number =>
  Object.keys(metrics)
    .filter(isMetricName)
    .map(dimensionOf)
    .reduce(
      (sum, dimension) =>
        sum + (dimension === 'Stage' ? steps.length : dimension === 'Error' ? 0 : 1),
      0,
    );

/** The cost of the custom metrics on a day with a nightly run, in US dollars. */
export function metricsCost({
  ingestEveryMinutes,
}: Pick<Settings, 'ingestEveryMinutes'>): CostLine {
  const hours = ingestEveryMinutes === null ? metricHoursOfNight : 24;
  return {
    what: 'CloudWatch metrics',
    how: `${ownMetrics()} metrics × ${hours} h × $${prices.metricPerMonth.toFixed(2)} per month`,
    usd: (ownMetrics() * hours * prices.metricPerMonth) / hoursPerMonth,
  };
}
