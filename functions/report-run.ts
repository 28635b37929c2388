import { AthenaClient } from '@aws-sdk/client-athena';
import { GlueClient } from '@aws-sdk/client-glue';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { Query } from '../queries/query';
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
import { loadQueries } from './lake/queries';
import { keepRecord } from './lake/records';
import { emitter } from './shared/metrics';
import type { Emit } from './shared/metrics';
import { readChampion } from './model/champion';
import { describeMark, readForgottenMark } from './model/forgotten-mark';
import { compareDrift, keepDrift } from './report/drift';
import type { DriftDependencies } from './report/drift';
import { lookMetrics, notices } from './report/looks';
import { runMetrics } from './report/run-metrics';
import { gateOf, outcomeOf, summaryOf } from './report/run-summary';
import { streamBacklog } from './report/stream-backlog';
import type { BacklogDependencies } from './report/stream-backlog';
import { onFirstCall, step } from './shared/step';
import { subjectOf } from './report/subject';

interface Dependencies {
  lake: LakeBucket;
  sns: SNSClient;
  topicArn: string;
  emit: Emit;
  clock: Clock;
  /** What the newest tweets and the stream are compared with. */
  drift: Omit<DriftDependencies, 'lake' | 'clock'>;
  stream: Omit<BacklogDependencies, 'lake' | 'clock'>;
}

/** Writes the run's report (one sentence and the complete state) and releases the run lock. */
export const reportRun = ({ lake, sns, topicArn, emit, clock, ...deps }: Dependencies) =>
  step(StepInput, RunReport, async ({ execution, attempt, state }) => {
    const { plan, ingest, train } = state;
    const evaluation =
      train.status === 'DONE'
        ? `, evaluation of the model ${train.evaluationUri.replace(/json$/, 'html')}`
        : '';
    const key = `${prefixes.audit}reports/${plan.runId}.json`;
    const outcome = outcomeOf(state);
    const gate = gateOf(state);
    const champion = (await readChampion(lake))?.value ?? null;
    const hasWorked = outcome !== 'INGESTED' && outcome !== 'SKIPPED';
    const looks = hasWorked && {
      drift: await compareDrift({ ...deps.drift, lake, clock }, state, champion, [
        execution.arn,
        attempt,
      ]),
      stream: await streamBacklog({ ...deps.stream, lake, clock }, plan, champion),
    };
    const report: RunReport = {
      runId: plan.runId,
      mode: plan.mode,
      date: plan.date,
      outcome,
      summary: [await summaryWith(lake, state, champion), ...(looks ? notices(looks) : [])].join(
        ' ',
      ),
      modelInService: champion?.modelVersion ?? null,
      spendUsd: ingest.status === 'PENDING' ? 0 : ingest.spendUsd,
      reportUri: uriOf(lake, key),
      ...(gate && { gate }),
      ...looks,
    };
    if (looks) await keepDrift({ lake, clock }, plan.runId, looks.drift);
    const kept = await keepRecord(lake, key, { report, execution, state });
    report.reportUri = uriOf(lake, kept);
    await releaseLock(lake, execution.arn, clock.now());
    // No mail for ingest runs, which may start every few minutes, and for skipped duplicates.
    if (hasWorked) {
      await sns.send(
        new PublishCommand({
          TopicArn: topicArn,
          Subject: subjectOf(
            `sentiment-lake ${plan.date}: ${outcome.toLowerCase().replaceAll('_', ' ')}`,
          ),
          Message: [
            report.summary,
            ...(gate ? [['The gate:', ...gate.map((said) => `- ${said}`)].join('\n')] : []),
            `Run ${plan.runId}, report ${report.reportUri}${evaluation}`,
          ].join('\n\n'),
        }),
      );
    }
    // Metrics come last: a retry would count the run twice.
    emit({
      ...runMetrics(state, champion, clock.now()),
      ...(looks && lookMetrics(looks)),
    });
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
  const env = readEnvironment('report-run');
  const queries = loadQueries();
  const query = (wanted: string): Query => {
    const found = queries.find(({ name }) => name === wanted);
    if (!found) throw new Error(`queries.json holds no ${wanted}. Deploy the stack again.`);
    return found;
  };
  return reportRun({
    lake: { s3: aws(S3Client), bucket: env.BUCKET },
    sns: aws(SNSClient),
    topicArn: env.TOPIC_ARN,
    emit: emitter(env.LAKE),
    clock: systemClock,
    drift: {
      athena: { athena: aws(AthenaClient), workgroup: env.WORKGROUP, database: env.DATABASE },
      queries: { drift: query('drift'), risingWords: query('rising_words') },
      settings: env.SETTINGS.drift,
      languages: env.SETTINGS.model.languages,
    },
    stream: {
      catalog: { glue: aws(GlueClient), database: env.DATABASE },
      kinesis: aws(KinesisClient),
      stream: env.STREAM_NAME,
    },
  });
});
