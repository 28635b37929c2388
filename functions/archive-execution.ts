import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { z } from 'zod';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { withinDeadline } from './shared/deadline';
import type { CallContext } from './shared/deadline';
import { ArchivedExecution, archiveFolder } from './report/archived-execution';
import { completeExecutions } from './report/complete-executions';
import { lastState, openTransform, readCause, readHistory } from './report/execution-history';
import { executionRow, keepExecutionRow } from './report/execution-row';
import { callsOf } from './report/started-by';
import { explain } from './shared/explain';
import { releaseLock } from './lake/lock';
import { uriOf } from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { stopTransform } from './model/transform-job';
import { keepRecord } from './lake/records';
import { emitter } from './shared/metrics';
import type { Emit } from './shared/metrics';
import { stageSeconds } from './report/run-metrics';
import { log, onFirstCall } from './shared/step';
import { subjectOf } from './report/subject';

// SNS accepts 256 KB, but a mail must stay readable.
const MAX_CAUSE_CHARACTERS = 8000;

const Event = z.object({
  detail: z.object({
    executionArn: z.string(),
    name: z.string(),
    status: z.enum(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
  }),
});

const Ended = ArchivedExecution.shape.execution;

interface Dependencies {
  lake: LakeBucket;
  sfn: SFNClient;
  sns: SNSClient;
  sageMaker: SageMakerClient;
  cloudTrail: CloudTrailClient;
  topicArn: string;
  emit: Emit;
  clock: Clock;
}

/**
 * Runs after every execution: reports a failure by mail, releases the execution's locks, stops the transform job of an
 * execution that was ended from outside, and archives the history, because Step Functions deletes it after 90 days. The
 * history becomes a row of the table `executions`; after a nightly run, rows that are missing or not confirmed by
 * CloudTrail are completed. If it fails after the mail, the retry sends the mail again.
 */
export const archiveExecution =
  ({ lake, sfn, sns, sageMaker, cloudTrail, topicArn, emit, clock }: Dependencies) =>
  (event: unknown, context?: CallContext): Promise<{ archiveUri: string; events: number }> =>
    withinDeadline(context, async () => {
      const parsed = Event.safeParse(event);
      if (!parsed.success) {
        throw new Error(`Not the end of an execution: ${explain(parsed.error, event)}`);
      }
      const { executionArn, name, status } = parsed.data.detail;
      const execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      // A redriven execution ends more than once, so each end gets its own archive.
      const planned = `${archiveFolder}${name}-${execution.redriveCount ?? 0}.json`;
      // The mail goes first: archiving the history of a long run may exceed this call's time.
      if (status !== 'SUCCEEDED') {
        const { error, cause } = execution;
        await sns.send(
          new PublishCommand({
            TopicArn: topicArn,
            Subject: subjectOf(
              `sentiment-lake ${status.toLowerCase().replace('_', ' ')}: ${error ?? name}`,
            ),
            Message: failureMessage(
              executionArn,
              status,
              await lastState(sfn, executionArn),
              error,
              cause,
              uriOf(lake, planned),
            ),
          }),
        );
      }
      await releaseLock(lake, executionArn, clock.now());
      const events = await readHistory(sfn, executionArn);
      // A failed execution's job goes on: its redrive publishes it.
      const job = status === 'ABORTED' || status === 'TIMED_OUT' ? openTransform(events) : null;
      if (job !== null) await stopTransform(sageMaker, job);
      const key = await keepRecord(lake, planned, {
        execution: { ...execution, $metadata: undefined },
        events,
      });
      const ended = { execution: Ended.parse({ ...execution, name }), events };
      const row = await executionRow(
        lake,
        ended,
        uriOf(lake, key),
        await callsOf({ cloudTrail, clock }, ended.execution),
      );
      await keepExecutionRow(lake, row);
      if (row.mode === 'nightly')
        log({ completed: await completeExecutions({ lake, cloudTrail, clock }) });
      // Last: a repeated call would count the run twice.
      for (const [Stage, seconds] of stageSeconds(events))
        emit({ StageSeconds: seconds }, { Stage });
      if (status !== 'SUCCEEDED') emit({ RunsFailed: 1 }, { Error: execution.error ?? status });
      log({ function: 'archive-execution', execution: name, status, events: events.length });
      return { archiveUri: uriOf(lake, key), events: events.length };
    });

function failureMessage(
  executionArn: string,
  status: string,
  state: string | null,
  error: string | undefined,
  cause: string | undefined,
  archiveUri: string,
): string {
  return [
    `The execution ${executionArn} ended as ${status}${state === null ? '' : ` in the state "${state}"`}.`,
    error === undefined ? null : `Error: ${error}`,
    cause === undefined ? null : `Cause: ${readCause(cause).slice(0, MAX_CAUSE_CHARACTERS)}`,
    'When the cause is fixed, resume from that state:',
    `  aws stepfunctions redrive-execution --execution-arn ${executionArn}`,
    `History: ${archiveUri}`,
  ]
    .filter((line) => line !== null)
    .join('\n\n');
}

export const handler = onFirstCall(() => {
  const { BUCKET, LAKE, TOPIC_ARN } = readEnvironment('archive-execution');
  return archiveExecution({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    sfn: aws(SFNClient),
    sns: aws(SNSClient),
    sageMaker: aws(SageMakerClient),
    cloudTrail: aws(CloudTrailClient),
    topicArn: TOPIC_ARN,
    emit: emitter(LAKE),
    clock: systemClock,
  });
});
