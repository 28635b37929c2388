import { Duration } from 'aws-cdk-lib';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { GraphWidgetType } from 'cdk-monitoring-constructs';
import { everyHourOf } from './alarms';
import type { Watch } from './watch';

/** An hour contains at most one nightly run, or a few ingests. */
const A_RUN = Duration.hours(1);

export function monitorData({ facade, alarms, own, props }: Watch): void {
  const { nightly, ingestEveryMinutes, alarms: thresholds } = props.settings;
  const written = own.metric('TweetsWritten');
  const receivesTweets = nightly.enabled || ingestEveryMinutes !== null;
  const share = new MathExpression({
    expression: `IF(received >= ${thresholds.quarantine.minTweets}, quarantined / received)`,
    usingMetrics: {
      received: own.metric('TweetsReceived', 'Sum', { period: A_RUN }),
      quarantined: own.metric('TweetsQuarantined', 'Sum', { period: A_RUN }),
    },
    label: 'Share in quarantine',
    period: A_RUN,
  });
  facade.monitorCustom({
    alarmFriendlyName: 'data',
    humanReadableName: 'Tweets',
    metricGroups: [
      {
        title: 'Tweets in',
        metrics: [
          own.metric('TweetsReceived'),
          receivesTweets
            ? {
                metric: written,
                alarmFriendlyName: 'tweets',
                addAlarm: alarms.below('ingest-gap', 1, {
                  silence: 'alarming',
                  ...everyHourOf(thresholds.ingestGapHours),
                }),
              }
            : written,
          own.metric('TweetsDuplicate'),
          own.metric('RowsPublished'),
          own.metric('TweetsScored'),
        ],
      },
      {
        title: 'Quarantined',
        metrics: [
          {
            metric: share,
            alarmFriendlyName: 'quarantine',
            addAlarm: alarms.above('quarantine-share', thresholds.quarantine.maxShare, {
              silence: 'as before',
            }),
          },
          own.metric('TweetsQuarantined'),
        ],
      },
      {
        title: 'Windows left open',
        metrics: [
          {
            // The daily minimum: one complete pull is enough.
            metric: own.metric('WindowsLeftOpen', 'Minimum'),
            alarmFriendlyName: 'windows',
            addAlarm: alarms.above('window-open', 0, {
              silence: 'as before',
              period: Duration.days(1),
              datapoints: thresholds.openWindowDays,
            }),
          },
        ],
      },
      {
        title: 'Gaps found, records queued for retry, objects unreadable',
        metrics: [
          {
            metric: own.metric('IngestGaps'),
            alarmFriendlyName: 'gaps',
            addAlarm: alarms.above('tweets-lost', 0, { silence: 'as before', period: A_RUN }),
          },
          own.metric('RecordsQueued'),
          own.metric('RawDataUnreadable'),
        ],
      },
      {
        title: 'Labels of cleaned rows',
        graphWidgetType: GraphWidgetType.STACKED_AREA,
        metrics: [own.metric('HumanLabels'), own.metric('LexiconLabels')],
      },
    ],
  });
}

export function monitorModel({ facade, alarms, own, props }: Watch): void {
  const { macroRecall } = props.settings.alarms;
  const perRun = { silence: 'as before', period: A_RUN } as const;
  const predictions = {
    negative: own.metric('PredictionsNegative'),
    neutral: own.metric('PredictionsNeutral'),
    positive: own.metric('PredictionsPositive'),
  };
  facade.monitorCustom({
    alarmFriendlyName: 'model',
    humanReadableName: 'Model',
    metricGroups: [
      {
        title: 'Macro recall on held-out rows',
        metrics: [
          own.metric('CandidateMacroRecall', 'Average'),
          {
            metric: own.metric('ServingMacroRecall', 'Minimum'),
            alarmFriendlyName: 'recall',
            addAlarm: alarms.below('recall-low', macroRecall.atLeast, perRun),
          },
        ],
      },
      {
        title: 'Macro recall lost, models promoted',
        metrics: [
          {
            metric: own.metric('MacroRecallLost', 'Maximum'),
            alarmFriendlyName: 'loss',
            addAlarm: alarms.above('recall-lost', macroRecall.maxLost, perRun),
          },
          own.metric('ModelsPromoted'),
        ],
      },
      {
        title: 'Drift (1 is a limit)',
        metrics: [
          {
            metric: own.metric('DriftOfLimit', 'Maximum'),
            alarmFriendlyName: 'drift',
            addAlarm: alarms.above('drift', 1, perRun),
          },
        ],
      },
      {
        title: 'Shares of predictions (%)',
        graphWidgetType: GraphWidgetType.STACKED_AREA,
        metrics: Object.keys(predictions).map(
          (label) =>
            new MathExpression({
              expression: `100 * ${label} / (negative + neutral + positive)`,
              usingMetrics: predictions,
              label,
              period: Duration.days(1),
            }),
        ),
      },
    ],
  });
}
