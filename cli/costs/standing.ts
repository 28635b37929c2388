import type { Settings } from '../../infra/config';
import { dimensionOf, isMetricName, metrics } from '../../workflows/metrics';
import { steps } from '../../workflows/steps';
import type { CostLine } from './money';
import { hoursPerMonth, prices } from './prices';

/** The parts of one environment that cost while nothing runs; test/cli/costs counts them in the templates. */
export interface StandingParts {
  keys: number;
  secrets: number;
  shards: number;
  /** Metrics that alarms look at. */
  alarmMetrics: number;
  dashboards: number;
}

/** Settings that decide which alarms there are. */
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
  // A schedule that starts nothing cannot be late; SageMaker takes back updates of real-time endpoints alone.
  alarmMetrics:
    20 +
    (nightly.enabled ? 1 : 0) +
    (nightly.enabled || ingestEveryMinutes !== null ? 1 : 0) +
    (endpoint.kind === 'realtime' ? 1 : 0),
  dashboards: 1,
});

/** Both images as docs/images.md has them, unpacked: ECR stores them packed. With CUDA it is several GB more. */
const imagesGb = 2.3;

/** What one environment costs a month while nothing runs. A real-time endpoint comes on top once a model was promoted. */
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

/** Hours of a day in which a night sends values, and so does the stream's scorer. */
const metricHoursOfNight = 2;

/** Metrics of the pipeline's own that a run without errors sends. */
export const ownMetrics = (): number =>
  Object.keys(metrics)
    .filter(isMetricName)
    .map(dimensionOf)
    .reduce(
      (sum, dimension) =>
        sum + (dimension === 'Stage' ? steps.length : dimension === 'Error' ? 0 : 1),
      0,
    );

/** What CloudWatch takes for the pipeline's own metrics on a day with a night. */
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
