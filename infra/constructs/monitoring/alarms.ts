import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { CustomAlarmThreshold, CustomThreshold } from 'cdk-monitoring-constructs';
import type { EnvironmentName } from '../../config';
import { lakeName } from '../../naming';

/** Every alarm with its description; docs/runbook.md says what to do. */
const sentences = {
  'run-failed': 'A run of the pipeline failed.',
  'run-timed-out': 'A run exceeded the time limit of the state machine and was stopped.',
  'run-aborted': 'A run was aborted.',
  'run-slow': 'A run took longer than expected.',
  'run-overdue': 'No scheduled nightly run has started for more than a day.',
  'checks-failed': 'The data checks found rows that must not be published.',
  'ingest-gap': 'No new tweet was stored for longer than expected.',
  'window-open':
    'No pull from X was complete for days; X does not return tweets older than seven days.',
  'tweets-lost': 'X no longer returns some tweets that no run has fetched.',
  'quarantine-share': 'Too many of the received tweets were quarantined.',
  'recall-low': 'The macro recall of the model in service is too low.',
  'recall-lost': 'The model in service is worse than before, or than the model it replaced.',
  drift: 'The newest tweets differ from those that the model was trained on.',
  'endpoint-5xx': 'The endpoint returned server errors.',
  'update-rollback':
    'The endpoint returned server errors during an update: SageMaker rolls it back.',
  'endpoint-slow': 'The model takes too long to respond.',
  'stream-late': 'Tweets in the stream wait too long for scoring.',
  'scorer-errors': 'The stream scorer failed.',
  'scorer-throttled': 'The stream scorer was throttled.',
  'archive-errors': 'A run could not be archived.',
  'archive-throttled': 'The function that archives runs was throttled.',
  'undelivered-events': 'Events could not be delivered; the queue keeps them.',
  'unscored-records': 'Stream records could not be scored; S3 holds them.',
} as const;

export type AlarmName = keyof typeof sentences;

/** The alarm's description with its place in the runbook. */
export const describeAlarm = (name: AlarmName): string =>
  `${sentences[name]} What to do: docs/runbook.md#${name}`;

/** How missing data is treated: as OK, as ALARM, or keeping the previous state. */
type Silence = 'fine' | 'alarming' | 'as before';

const treatments: Record<Silence, TreatMissingData> = {
  fine: TreatMissingData.NOT_BREACHING,
  alarming: TreatMissingData.BREACHING,
  'as before': TreatMissingData.IGNORE,
};

export interface AlarmOptions {
  readonly silence: Silence;
  /** The period of one datapoint. @default - the metric's own period */
  readonly period?: Duration;
  /** How many consecutive datapoints must exceed the threshold. @default 1 */
  readonly datapoints?: number;
}

/** Creates the alarms of one environment, each with a name, a description and its place in the runbook. */
export class Alarms {
  constructor(private readonly environment: EnvironmentName) {}

  /** The options of the library's ready-made alarms, keyed as the library expects. */
  named<Threshold extends object>(
    name: AlarmName,
    threshold: Threshold,
    { silence, period, datapoints = 1 }: AlarmOptions,
  ): Record<string, Threshold & CustomAlarmThreshold> {
    return {
      [name]: {
        ...threshold,
        period,
        datapointsToAlarm: datapoints,
        evaluationPeriods: datapoints,
        treatMissingDataOverride: treatments[silence],
        alarmNameOverride: lakeName(this.environment, name),
        alarmDescriptionOverride: describeAlarm(name),
      },
    };
  }

  above(
    name: AlarmName,
    threshold: number,
    options: AlarmOptions,
  ): Record<string, CustomThreshold> {
    const comparisonOperator = ComparisonOperator.GREATER_THAN_THRESHOLD;
    return this.named(name, { threshold, comparisonOperator }, options);
  }

  below(
    name: AlarmName,
    threshold: number,
    options: AlarmOptions,
  ): Record<string, CustomThreshold> {
    const comparisonOperator = ComparisonOperator.LESS_THAN_THRESHOLD;
    return this.named(name, { threshold, comparisonOperator }, options);
  }
}

/** Alarm only after this many consecutive hours. CloudWatch evaluates at most a week, in hours. */
export const everyHourOf = (hours: number): Pick<AlarmOptions, 'period' | 'datapoints'> => ({
  period: Duration.hours(1),
  datapoints: hours,
});
