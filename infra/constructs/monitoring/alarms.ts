import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { CustomAlarmThreshold, CustomThreshold } from 'cdk-monitoring-constructs';
import type { EnvironmentName } from '../../config';
import { lakeName } from '../../naming';

/** Every alarm, with what it says when it goes off; docs/runbook.md says what to do. */
const sentences = {
  'run-failed': 'A run of the pipeline failed.',
  'run-timed-out': 'A run took longer than the state machine allows, and was ended.',
  'run-aborted': 'A run was stopped before its end.',
  'run-slow': 'A run took longer than it should.',
  'night-overdue': 'No scheduled night has begun for longer than a day.',
  'checks-failed': 'The checks found rows that must not be published.',
  'ingest-gap': 'No new tweet was written for longer than expected.',
  'window-open':
    'For days no pull from X was whole; tweets older than seven days will be out of reach.',
  'tweets-lost': 'There are tweets that X no longer gives, and that no run has fetched.',
  'quarantine-share': 'Too many of the received tweets were put into quarantine.',
  'recall-low': 'The macro recall of the model in service is too low.',
  'recall-lost': 'The model in service is worse than it was, or than the one it replaced.',
  'endpoint-5xx': 'The endpoint answered with errors of its own.',
  'update-rollback':
    'The endpoint failed requests: an update that is under way is taken back by SageMaker.',
  'endpoint-slow': 'The model takes too long for its answers.',
  'stream-late': 'Tweets in the stream wait too long to be scored.',
  'scorer-errors': 'The stream scorer failed.',
  'scorer-throttled': 'The stream scorer was throttled.',
  'archive-errors': 'The end of a run could not be archived.',
  'archive-throttled': 'The archive of runs was throttled.',
  'undelivered-events': 'Events could not be delivered, and wait in the queue.',
  'unscored-records': 'Records of the stream could not be scored, and are noted in the queue.',
} as const;

export type AlarmName = keyof typeof sentences;

/** What an alarm says, and where the runbook goes on. */
export const describeAlarm = (name: AlarmName): string =>
  `${sentences[name]} What to do: docs/runbook.md#${name}`;

/** What holds while there is no data: nothing is wrong, something is, or what held before. */
type Silence = 'fine' | 'alarming' | 'as before';

const treatments: Record<Silence, TreatMissingData> = {
  fine: TreatMissingData.NOT_BREACHING,
  alarming: TreatMissingData.BREACHING,
  'as before': TreatMissingData.IGNORE,
};

export interface AlarmOptions {
  readonly silence: Silence;
  /** What one datapoint covers. @default - the metric's own period */
  readonly period?: Duration;
  /** How many datapoints in a row have to be bad. @default 1 */
  readonly datapoints?: number;
}

/** Makes the alarms of one environment, each under its own name, with its sentence and its place in the runbook. */
export class Alarms {
  constructor(private readonly environment: EnvironmentName) {}

  /** What the library's ready-made alarms take beside their threshold, keyed as they want it. */
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

/** Every hour of so many: CloudWatch looks back a week at most, and by hours. */
export const everyHourOf = (hours: number): Pick<AlarmOptions, 'period' | 'datapoints'> => ({
  period: Duration.hours(1),
  datapoints: hours,
});
