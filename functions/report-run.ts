import { S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { prefixes } from '../workflows/datasets';
import { RunReport, StepInput } from '../workflows/payloads';
import type { Champion, RunState } from '../workflows/payloads';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { releaseLock } from './lake/lock';
import { uriOf } from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { keepRecord } from './lake/records';
import { emitter } from './shared/metrics';
import type { Emit } from './shared/metrics';
import { readChampion } from './model/champion';
import { describeMark, readForgottenMark } from './model/forgotten-mark';
import { runMetrics } from './report/run-metrics';
import { outcomeOf, summaryOf } from './report/run-summary';
import { onFirstCall, step } from './shared/step';
import { subjectOf } from './report/subject';

interface Dependencies {
  lake: LakeBucket;
  sns: SNSClient;
  topicArn: string;
  emit: Emit;
  clock: Clock;
}

/** Writes the run's report (one sentence and the complete state) and releases the run lock. */
export const reportRun = ({ lake, sns, topicArn, emit, clock }: Dependencies) =>
  step(StepInput, RunReport, async ({ execution, state }) => {
    const { plan, ingest, train } = state;
    const evaluation =
      train.status === 'DONE'
        ? `, evaluation of the model ${train.evaluationUri.replace(/json$/, 'html')}`
        : '';
    const key = `${prefixes.audit}reports/${plan.runId}.json`;
    const outcome = outcomeOf(state);
    const champion = (await readChampion(lake))?.value ?? null;
    const report: RunReport = {
      runId: plan.runId,
      mode: plan.mode,
      date: plan.date,
      outcome,
      summary: await summaryWith(lake, state, champion),
      modelInService: champion?.modelVersion ?? null,
      spendUsd: ingest.status === 'PENDING' ? 0 : ingest.spendUsd,
      reportUri: uriOf(lake, key),
    };
    const kept = await keepRecord(lake, key, { report, execution, state });
    report.reportUri = uriOf(lake, kept);
    await releaseLock(lake, execution.arn, clock.now());
    // No mail for ingest runs, which may start every few minutes, and for skipped duplicates.
    if (outcome !== 'INGESTED' && outcome !== 'SKIPPED') {
      await sns.send(
        new PublishCommand({
          TopicArn: topicArn,
          Subject: subjectOf(
            `sentiment-lake ${plan.date}: ${outcome.toLowerCase().replaceAll('_', ' ')}`,
          ),
          Message: `${report.summary}\n\nRun ${plan.runId}, report ${report.reportUri}${evaluation}`,
        }),
      );
    }
    // Metrics come last: a retry would count the run twice.
    emit(runMetrics(state, champion, clock.now()));
    return report;
  });

/** The run's sentence, and a second one if the model in service was trained on tweets erased since. */
async function summaryWith(
  lake: LakeBucket,
  state: RunState,
  champion: Champion | null,
): Promise<string> {
  const mark = champion && (await readForgottenMark(lake, champion.modelVersion));
  return mark && champion
    ? `${summaryOf(state)} ${champion.modelVersion} ${describeMark(mark)}.`
    : summaryOf(state);
}

export const handler = onFirstCall(() => {
  const { BUCKET, LAKE, TOPIC_ARN } = readEnvironment('report-run');
  return reportRun({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    sns: aws(SNSClient),
    topicArn: TOPIC_ARN,
    emit: emitter(LAKE),
    clock: systemClock,
  });
});
