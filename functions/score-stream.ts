import { isUtf8 } from 'node:buffer';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import type {
  KinesisStreamBatchResponse,
  KinesisStreamEvent,
  KinesisStreamRecord,
} from 'aws-lambda';
import { datasets } from '../workflows/datasets';
import { aws } from './shared/aws';
import { systemClock, utcDay } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { withinDeadline } from './shared/deadline';
import type { CallContext } from './shared/deadline';
import { explain } from './shared/explain';
import type { Catalog } from './lake/catalog';
import { putText } from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { keepPosition } from './lake/stream-position';
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
  clock: Clock;
}

/**
 * Scores new tweets from the stream. A record that is no tweet goes to the quarantine and holds up no other: another
 * delivery would not change it. If the endpoint does not answer, the complete batch fails, and is retried, bisected and
 * at last written to S3 by the mapping (infra/constructs/pipeline/stream-scoring.ts).
 * Object names derive from the batch, so a retry overwrites its own objects. Before the first promotion records are
 * consumed but not scored: the promoting run's *Refresh analytics* scores the last 8 days, more than the stream keeps.
 * Not Powertools' BatchProcessor: it handles records one by one, and the endpoint is asked in batches.
 */
export const scoreStream = ({ lake, catalog, endpoint, languages, emit, clock }: Dependencies) => {
  // Days whose partition this Lambda environment has added. Publishing drops one only a year later.
  const known = new Set<string>();
  return (
    { Records }: KinesisStreamEvent,
    context?: CallContext,
  ): Promise<KinesisStreamBatchResponse> =>
    withinDeadline(context, async () => {
      const read = Records.map(readRecord);
      const hasModel = (await readChampion(lake)) !== null;
      const rows = read.flatMap(({ row }) => (row && isRead(languages, row.lang) ? [row] : []));
      const tweets = hasModel ? rows : [];
      const refused = read.flatMap((one) => (one.row === null ? [one] : []));

      for (const day of new Set(tweets.map(dayOf))) {
        const ofDay = tweets.filter((row) => dayOf(row) === day);
        const scored = await scoreInBatches(endpoint, ofDay);
        await writeScored(lake, catalog, day, batchName(Records), scored, known);
        emit(predictionMetrics(scored));
      }
      // After the scores: a batch that fails is bisected, and each record would be quarantined once for each part.
      if (refused.length > 0) await quarantine(lake, batchName(Records), refused, clock.now());
      log({
        function: 'score-stream',
        records: Records.length,
        scored: tweets.length,
        withoutModel: rows.length - tweets.length,
        quarantined: refused.length,
      });
      if (refused.length > 0) emit({ StreamRecordsQuarantined: refused.length });
      if (rows.length > tweets.length)
        emit({ StreamRecordsWithoutModel: rows.length - tweets.length });
      const last = Records.at(-1);
      if (last) await keepPosition(lake, shardOf(last), last.kinesis.sequenceNumber, clock.now());
      return { batchItemFailures: [] };
    });
};

/** An event id is `shardId-000000000000:<sequence number>`. */
const shardOf = ({ eventID }: KinesisStreamRecord): string => eventID.split(':')[0] ?? 'shard';

type Refused = { row: null; raw: string; reason: string; arrivedAt: Date };

/** A record's tweet, or the record as text with what is wrong with it. */
function readRecord({ kinesis }: KinesisStreamRecord): { row: RawTweetRow } | Refused {
  const bytes = Buffer.from(kinesis.data, 'base64');
  const refuse = (reason: string, raw = bytes.toString('utf8')): Refused => ({
    row: null,
    raw,
    reason: `stream record ${kinesis.sequenceNumber}: ${reason}`,
    arrivedAt: new Date(kinesis.approximateArrivalTimestamp * 1000),
  });
  // One character for each byte loses nothing, and ids in it can still be found when they are to be erased.
  if (!isUtf8(bytes))
    return refuse('not UTF-8; each character is one byte', bytes.toString('latin1'));
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return refuse('not JSON');
  }
  const parsed = RawTweetRow.safeParse(value);
  return parsed.success ? { row: parsed.data } : refuse(explain(parsed.error));
}

/**
 * Writes records to the quarantine under the day on which the first of them arrived. A batch that is delivered again
 * overwrites its own object.
 */
async function quarantine(
  lake: LakeBucket,
  batch: string,
  refused: readonly Refused[],
  now: Date,
): Promise<void> {
  const [first] = refused;
  const day = utcDay(first?.arrivedAt ?? now);
  const lines = refused.map(({ reason, raw }) =>
    JSON.stringify({
      run_id: 'score-stream',
      stage: 'stream',
      reason,
      raw,
      refused_at: now.toISOString(),
    }),
  );
  const key = `${datasets.quarantine.prefix}dt=${day}/${batch}.ndjson`;
  log({ function: 'score-stream', quarantined: refused.length, key, first: first?.reason });
  await putText(lake, key, `${lines.join('\n')}\n`, 'application/x-ndjson');
}

/** Name of a batch: shard, first and last record. */
function batchName(records: readonly KinesisStreamRecord[]): string {
  const [first, last] = [records.at(0), records.at(-1)];
  const shard = first ? shardOf(first) : 'shard';
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
    clock: systemClock,
  });
});
