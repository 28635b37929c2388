import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import type {
  KinesisStreamBatchResponse,
  KinesisStreamEvent,
  KinesisStreamRecord,
} from 'aws-lambda';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { withinDeadline } from './shared/deadline';
import type { CallContext } from './shared/deadline';
import { explain } from './shared/explain';
import type { Catalog } from './lake/catalog';
import type { LakeBucket } from './lake/objects';
import { scoreInBatches, writeScored } from './model/scored';
import { emitter } from './shared/metrics';
import type { Emit } from './shared/metrics';
import { readChampion } from './model/champion';
import { scoringClient } from './model/endpoint';
import type { Endpoint } from './model/endpoint';
import { isRead } from './model/languages';
import { predictionMetrics } from './report/run-metrics';
import { log, onFirstCall } from './shared/step';
import { RawTweetRow, dayOf } from './x/tweets';

interface Dependencies {
  lake: LakeBucket;
  catalog: Catalog;
  endpoint: Endpoint;
  languages: readonly string[];
  emit: Emit;
}

/**
 * Scores new tweets from the stream. An invalid record is reported as failed, so that the mapping bisects down to it
 * and sends it to the failure destination. If the endpoint does not answer, the complete batch fails and is retried.
 * Object names derive from the batch, so a retry overwrites its own objects. Before the first promotion records are
 * consumed but not scored: the promoting run's *Refresh analytics* scores the last 8 days, more than the stream keeps.
 * Not Powertools' BatchProcessor: it handles records one by one, and the endpoint is asked in batches.
 */
export const scoreStream = ({ lake, catalog, endpoint, languages, emit }: Dependencies) => {
  // Days whose partition this Lambda environment has added. Publishing drops one only a year later.
  const known = new Set<string>();
  return (
    { Records }: KinesisStreamEvent,
    context?: CallContext,
  ): Promise<KinesisStreamBatchResponse> =>
    withinDeadline(context, async () => {
      const sorted = Records.map((record) => ({ record, row: readRow(record) }));
      const hasModel = (await readChampion(lake)) !== null;
      const read = sorted.flatMap(({ row }) => (row && isRead(languages, row.lang) ? [row] : []));
      const tweets = hasModel ? read : [];
      const poison = sorted
        .filter(({ row }) => row === null)
        .map(({ record }) => record.kinesis.sequenceNumber);

      for (const day of new Set(tweets.map(dayOf))) {
        const ofDay = tweets.filter((row) => dayOf(row) === day);
        const rows = await scoreInBatches(endpoint, ofDay);
        await writeScored(lake, catalog, day, batchName(Records), rows, known);
        emit(predictionMetrics(rows));
      }
      log({
        function: 'score-stream',
        records: Records.length,
        scored: tweets.length,
        withoutModel: read.length - tweets.length,
        poison: poison.length,
      });
      return { batchItemFailures: poison.map((itemIdentifier) => ({ itemIdentifier })) };
    });
};

function readRow(record: KinesisStreamRecord): RawTweetRow | null {
  const { sequenceNumber, data } = record.kinesis;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data, 'base64').toString('utf8'));
  } catch {
    log({ function: 'score-stream', sequenceNumber, refused: 'not JSON' });
    return null;
  }
  const parsed = RawTweetRow.safeParse(value);
  if (!parsed.success) {
    log({ function: 'score-stream', sequenceNumber, refused: explain(parsed.error) });
    return null;
  }
  return parsed.data;
}

/** Name of a batch: shard, first and last record. An event id is `shardId-000000000000:<sequence number>`. */
function batchName(records: readonly KinesisStreamRecord[]): string {
  const [first, last] = [records.at(0), records.at(-1)];
  const shard = first?.eventID.split(':')[0] ?? 'shard';
  return ['stream', shard, first?.kinesis.sequenceNumber, last?.kinesis.sequenceNumber].join('-');
}

export const handler = onFirstCall<KinesisStreamBatchResponse, KinesisStreamEvent>(() => {
  const { BUCKET, DATABASE, ENDPOINT_NAME, LAKE, SETTINGS } = readEnvironment('score-stream');
  return scoreStream({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    catalog: { glue: aws(GlueClient), database: DATABASE },
    endpoint: { runtime: scoringClient(), name: ENDPOINT_NAME, clock: systemClock },
    languages: SETTINGS.model.languages,
    emit: emitter(LAKE),
  });
});
