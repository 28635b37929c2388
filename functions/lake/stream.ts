import { ListShardsCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { KinesisClient, PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import { isPassing } from '../shared/aws';
import type { Clock } from '../shared/clock';

// Kinesis accepts 500 records and 5 MB (keys included) per call.
const MAX_RECORDS = 500;
const MAX_BYTES = 5 * 1000 * 1000;
// 6 tries: 0.2+0.4+0.8+1.6+3.2 s ≈ 6 s; a shard's throughput limit counts by the second.
const MAX_TRIES = 6;
const FIRST_PAUSE_MS = 200;

export interface StreamRecord {
  key: string;
  data: string;
}

/** Records that Kinesis rejected in every attempt, and its last error. */
export interface Refusal {
  records: StreamRecord[];
  reason: string;
}

/**
 * Puts records on the stream and returns the rejected ones. A successful call may still reject some records; only those
 * are sent again, a bounded number of times. Throws errors that waiting cannot fix, such as AccessDenied.
 */
export async function putRecords(
  kinesis: KinesisClient,
  stream: string,
  records: readonly StreamRecord[],
  clock: Clock,
): Promise<Refusal | null> {
  const refused: StreamRecord[] = [];
  let reason = '';
  for (const batch of batches(records)) {
    const refusal = await putBatch(kinesis, stream, batch, clock);
    refused.push(...(refusal?.records ?? []));
    reason = refusal?.reason ?? reason;
  }
  return refused.length === 0 ? null : { records: refused, reason };
}

async function putBatch(
  kinesis: KinesisClient,
  stream: string,
  batch: readonly StreamRecord[],
  clock: Clock,
): Promise<Refusal | null> {
  let waiting = batch;
  for (let attempt = 1; ; attempt += 1) {
    const { failed, reason } = await tryOnce(kinesis, stream, waiting);
    if (failed.length === 0) {
      return null;
    }
    if (attempt === MAX_TRIES) {
      return {
        records: [...failed],
        reason: `refused ${failed.length} of ${batch.length} records in ${MAX_TRIES} tries: ${reason}`,
      };
    }
    waiting = failed;
    await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (1 + Math.random() / 2));
  }
}

async function tryOnce(
  kinesis: KinesisClient,
  stream: string,
  records: readonly StreamRecord[],
): Promise<{ failed: readonly StreamRecord[]; reason: string }> {
  try {
    const { Records: results = [] } = await kinesis.send(
      new PutRecordsCommand({ StreamName: stream, Records: records.map(entryOf) }),
    );
    const said = results.find(({ ErrorCode }) => ErrorCode !== undefined);
    return {
      // The response does not mention this record: sending it twice is better than losing it.
      failed: records.filter((_, index) => results[index]?.SequenceNumber === undefined),
      reason: `${said?.ErrorCode ?? 'no reason given'} ${said?.ErrorMessage ?? ''}`.trimEnd(),
    };
  } catch (error) {
    if (!isPassing(error)) {
      throw error;
    }
    return { failed: records, reason: `${error.name}: ${error.message}` };
  }
}

const entryOf = ({ key, data }: StreamRecord): PutRecordsRequestEntry => ({
  PartitionKey: key,
  Data: Buffer.from(data),
});

function batches(records: readonly StreamRecord[]): StreamRecord[][] {
  const all: StreamRecord[][] = [];
  let bytes = 0;
  for (const record of records) {
    const size = Buffer.byteLength(record.data) + Buffer.byteLength(record.key);
    const batch = all.at(-1);
    if (batch && batch.length < MAX_RECORDS && bytes + size <= MAX_BYTES) {
      batch.push(record);
      bytes += size;
    } else {
      all.push([record]);
      bytes = size;
    }
  }
  return all;
}

/** The ids of the stream's shards, those that a change of their number has closed among them. */
export async function shardsOf(kinesis: KinesisClient, stream: string): Promise<string[]> {
  const ids: string[] = [];
  let token: string | undefined;
  do {
    const { Shards = [], NextToken } = await kinesis.send(
      new ListShardsCommand(token === undefined ? { StreamName: stream } : { NextToken: token }),
    );
    ids.push(...Shards.flatMap(({ ShardId }) => ShardId ?? []));
    token = NextToken;
  } while (token !== undefined);
  return ids;
}
