import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { KinesisClient, PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import { StepError } from '../../workflows/errors';
import type { Clock } from '../clock';

// Kinesis takes 500 records and 5 MB (keys included) a call.
const MAX_RECORDS = 500;
const MAX_BYTES = 5 * 1000 * 1000;
// 6 tries: 0.2+0.4+0.8+1.6+3.2 s ≈ 6 s; a shard's throughput limit counts by the second.
const MAX_TRIES = 6;
const FIRST_PAUSE_MS = 200;

export interface StreamRecord {
  key: string;
  data: string;
}

/**
 * Puts every record on the stream. A call that succeeds may still refuse some of its records: only those
 * are sent again, a bounded number of times, then `StreamWriteFailed`.
 */
export async function putRecords(
  kinesis: KinesisClient,
  stream: string,
  records: readonly StreamRecord[],
  clock: Clock,
): Promise<void> {
  for (const batch of batches(records)) {
    await putBatch(kinesis, stream, batch, clock);
  }
}

async function putBatch(
  kinesis: KinesisClient,
  stream: string,
  batch: readonly PutRecordsRequestEntry[],
  clock: Clock,
): Promise<void> {
  let waiting = batch;
  for (let attempt = 1; ; attempt += 1) {
    const { Records = [] } = await kinesis.send(
      new PutRecordsCommand({ StreamName: stream, Records: [...waiting] }),
    );
    const results = Records;
    const failed = waiting.filter((_, index) => results[index]?.SequenceNumber === undefined);
    if (failed.length === 0) {
      return;
    }
    if (attempt === MAX_TRIES) {
      const reason = results.find(({ ErrorCode }) => ErrorCode !== undefined);
      throw new StepError(
        'StreamWriteFailed',
        `The stream ${stream} refused ${failed.length} of ${batch.length} records in ${MAX_TRIES} tries: ` +
          `${reason?.ErrorCode ?? 'no reason given'} ${reason?.ErrorMessage ?? ''}`.trimEnd(),
      );
    }
    waiting = failed;
    await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (1 + Math.random() / 2));
  }
}

function batches(records: readonly StreamRecord[]): PutRecordsRequestEntry[][] {
  const all: PutRecordsRequestEntry[][] = [];
  let bytes = 0;
  for (const { key, data } of records) {
    const entry = { PartitionKey: key, Data: Buffer.from(data) };
    const size = entry.Data.byteLength + key.length;
    const batch = all.at(-1);
    if (batch && batch.length < MAX_RECORDS && bytes + size <= MAX_BYTES) {
      batch.push(entry);
      bytes += size;
    } else {
      all.push([entry]);
      bytes = size;
    }
  }
  return all;
}
