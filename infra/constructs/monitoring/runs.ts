import { Duration } from 'aws-cdk-lib';
import { GraphWidgetType } from 'cdk-monitoring-constructs';
import { errorNames } from '../../../workflows/errors';
import { steps } from '../../../workflows/steps';
import { everyHourOf } from './alarms';
import type { Watch } from './watch';

export function monitorRuns({ facade, alarms, own, props }: Watch): void {
  const { machine, settings } = props;
  const { runOverdueHours, runHours } = settings.alarms;
  const none = { maxErrorCount: 0 };
  const silence = 'fine';
  const overdue = alarms.below('run-overdue', 1, {
    silence: 'alarming',
    ...everyHourOf(runOverdueHours),
  });
  facade.monitorStepFunction({
    stateMachine: machine,
    alarmFriendlyName: 'runs',
    humanReadableName: 'Runs',
    addFailedExecutionCountAlarm: alarms.named('run-failed', none, { silence }),
    addTimedOutExecutionCountAlarm: alarms.named('run-timed-out', none, { silence }),
    addAbortedExecutionCountAlarm: alarms.named('run-aborted', none, { silence }),
    addDurationP99Alarm: alarms.named(
      'run-slow',
      { maxDuration: Duration.hours(runHours) },
      { silence },
    ),
  });
  const started = own.metric('ScheduledRunsStarted');
  const failed = (error: string) =>
    own.metric('RunsFailed', 'Sum', { label: error, by: { Error: error } });
  facade.monitorCustom({
    alarmFriendlyName: 'nights',
    humanReadableName: 'Nightly runs and stages',
    metricGroups: [
      {
        title: 'Nightly runs started, seconds to the report',
        metrics: [
          // Without a schedule, no nightly run can be overdue.
          settings.nightly.enabled
            ? { metric: started, alarmFriendlyName: 'nights', addAlarm: overdue }
            : started,
          own.metric('RunSeconds', 'Maximum'),
        ],
      },
      {
        title: 'Seconds per state',
        graphWidgetType: GraphWidgetType.STACKED_AREA,
        metrics: steps.map(({ state }) =>
          own.metric('StageSeconds', 'Maximum', { label: state, by: { Stage: state } }),
        ),
      },
      {
        title: 'Failed runs by error',
        graphWidgetType: GraphWidgetType.BAR,
        metrics: errorNames.map((error) =>
          error === 'ChecksFailed'
            ? {
                metric: failed(error),
                alarmFriendlyName: 'checks',
                addAlarm: alarms.above('checks-failed', 0, {
                  silence,
                  period: Duration.minutes(5),
                }),
              }
            : failed(error),
        ),
      },
    ],
  });
}
