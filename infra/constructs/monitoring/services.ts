import { Duration } from 'aws-cdk-lib';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { stepNames } from '../../../workflows/steps';
import { lakeName } from '../../naming';
import { athenaBytes, endpointMetric, lambdaMetric, microseconds } from './own-metrics';
import type { Watch } from './watch';

export function monitorEndpoint({ facade, alarms, props }: Watch): void {
  const { endpoint, settings } = props;
  const metric = (name: string, statistic: 'Sum' | 'p99' | 'Average') =>
    endpointMetric(endpoint, name, statistic);
  facade.monitorCustom({
    alarmFriendlyName: 'endpoint',
    humanReadableName: 'Endpoint',
    metricGroups: [
      {
        title: 'Latency (microseconds)',
        metrics: [
          {
            metric: metric('ModelLatency', 'p99'),
            alarmFriendlyName: 'latency',
            addAlarm: alarms.above(
              'endpoint-slow',
              microseconds(settings.alarms.modelLatencySeconds),
              // Three periods of five minutes, because the smoke test after an update may start a cold container.
              { silence: 'fine', datapoints: 3 },
            ),
          },
          metric('OverheadLatency', 'p99'),
        ],
      },
      {
        title: 'Errors',
        metrics: [
          {
            metric: metric('Invocation5XXErrors', 'Sum'),
            alarmFriendlyName: 'errors',
            addAlarm: alarms.above('endpoint-5xx', 0, { silence: 'fine' }),
          },
          metric('Invocation4XXErrors', 'Sum'),
        ],
      },
    ],
  });
}

export function monitorScoring({ facade, alarms, own, props }: Watch): void {
  const { scoreStream, archive, stream, undelivered, failures, settings } = props;
  const none = { maxErrorCount: 0 };
  const silence = 'fine';
  const maxAgeInMillis = Duration.minutes(settings.alarms.iteratorAgeMinutes).toMilliseconds();
  facade
    .monitorLambdaFunction({
      lambdaFunction: scoreStream,
      alarmFriendlyName: 'scorer',
      humanReadableName: 'Stream scorer',
      addFaultCountAlarm: alarms.named('scorer-errors', none, { silence }),
      addThrottlesCountAlarm: alarms.named('scorer-throttled', none, { silence }),
      addMaxIteratorAgeAlarm: alarms.named('stream-late', { maxAgeInMillis }, { silence }),
    })
    .monitorKinesisDataStream({
      streamName: stream.streamName,
      alarmFriendlyName: 'stream',
      humanReadableName: 'Stream',
    })
    .monitorLambdaFunction({
      lambdaFunction: archive,
      alarmFriendlyName: 'archive',
      humanReadableName: 'Archive of runs',
      isIterator: false,
      addFaultCountAlarm: alarms.named('archive-errors', none, { silence }),
      addThrottlesCountAlarm: alarms.named('archive-throttled', none, { silence }),
    })
    .monitorSqsQueue({
      queue: undelivered,
      alarmFriendlyName: 'undelivered',
      humanReadableName: 'Undelivered events',
      addQueueMaxSizeAlarm: alarms.named('undelivered-events', { maxMessageCount: 0 }, { silence }),
    })
    .monitorCustom({
      alarmFriendlyName: 'failures',
      humanReadableName: 'Records of the stream',
      metricGroups: [
        {
          title: 'Not scored: batches given up, records that are no tweets',
          metrics: [
            {
              metric: new MathExpression({
                expression: 'FILL(written, 0) + FILL(dropped, 0) + FILL(quarantined, 0)',
                usingMetrics: {
                  ...failures,
                  quarantined: own.metric('StreamRecordsQuarantined', 'Sum', {
                    period: Duration.minutes(5),
                  }),
                },
                label: 'Not scored',
                period: Duration.minutes(5),
              }),
              alarmFriendlyName: 'unscored',
              addAlarm: alarms.above('unscored-records', 0, { silence }),
            },
          ],
        },
        {
          title: 'Not scored yet: after a run, and before the first model',
          metrics: [
            own.metric('StreamBacklog', 'Maximum'),
            own.metric('StreamRecordsWithoutModel'),
          ],
        },
      ],
    });
}

/** Metrics of everything charged per use; the budget covers the bill itself. */
export function monitorMoney({ facade, own, props }: Watch): void {
  const { endpoint, workGroup, analystsWorkGroup } = props;
  facade.monitorCustom({
    alarmFriendlyName: 'money',
    humanReadableName: 'What costs money',
    metricGroups: [
      { title: 'Spent at X (US dollars)', metrics: [own.metric('SpendUsd')] },
      { title: 'Training (seconds)', metrics: [own.metric('TrainingSeconds')] },
      {
        title: 'Endpoint invocations',
        metrics: [endpointMetric(endpoint, 'Invocations', 'Sum')],
      },
      {
        title: 'Athena (bytes scanned)',
        metrics: [athenaBytes(workGroup, 'By runs'), athenaBytes(analystsWorkGroup, 'By analysts')],
      },
    ],
  });
}

/** Adds the services to the dashboard without alarms: a failed or throttled step fails its run, which has one. */
export function monitorServices({ facade, props }: Watch): void {
  const { environment, glueJob } = props;
  const perStep = (name: 'Errors' | 'Throttles') =>
    stepNames.map((step) => lambdaMetric(lakeName(environment, step), name));
  facade
    .monitorCustom({
      alarmFriendlyName: 'steps',
      humanReadableName: 'Functions of the steps',
      metricGroups: [
        { title: 'Errors', metrics: perStep('Errors') },
        { title: 'Throttles', metrics: perStep('Throttles') },
      ],
    })
    .monitorGlueJob({
      jobName: glueJob,
      alarmFriendlyName: 'clean',
      humanReadableName: 'Spark job',
    });
}
