import { createHash } from 'node:crypto';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { prefixes } from '../../workflows/datasets';
import type { Clock } from '../shared/clock';
import { getText, listObjects, putIf, removeObject } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { putRecords } from '../lake/stream';
import type { StreamRecord } from '../lake/stream';
import type { Unreadables } from '../lake/set-aside';
import { jsonOf } from '../lake/unpack';
import { log } from '../shared/step';
import { RawTweetRow } from '../x/tweets';

export interface Streaming {
  lake: LakeBucket;
  kinesis: KinesisClient;
  stream: string;
  clock: Clock;
}

/**
 * Puts rows on the stream; what it refuses for now is parked in the lake, for the next ingest to send.
 * Answers how many that are. `name` is the page's.
 */
export async function streamRows(
  { lake, kinesis, stream, clock }: Streaming,
  rows: readonly RawTweetRow[],
  name: string,
): Promise<number> {
  const records = rows.map((row) => ({ key: row.id, data: JSON.stringify(row) }));
  const refusal = await putRecords(kinesis, stream, records, clock);
  if (refusal === null) {
    return 0;
  }
  log({ function: 'ingest-tweets', stream, parked: refusal.records.length, why: refusal.reason });
  const body = refusal.records.map(({ data }) => `${data}\n`).join('');
  // Sent again after a kill, the stream may refuse others: those get an object of their own.
  const part = createHash('sha256').update(body).digest('hex').slice(0, 12);
  await putIf(lake, `${prefixes.parked}${name}-${part}.ndjson`, body, 'application/x-ndjson', {
    ifMatch: null,
  });
  return refusal.records.length;
}

/**
 * Sends what was parked, oldest name first, until the time is up or the stream refuses again. Answers how many it took.
 * An object that holds anything else stays where it is, named in `unreadables`.
 */
export async function streamQueued(
  { lake, kinesis, stream, clock }: Streaming,
  until: number,
  unreadables: Unreadables,
): Promise<number> {
  let taken = 0;
  for (const { key } of await listObjects(lake, prefixes.parked)) {
    const found = clock.now().valueOf() < until ? await getText(lake, key) : null;
    if (found === null) {
      break;
    }
    const lines = found.text.split('\n').filter(Boolean);
    const records = lines.flatMap(recordOf);
    if (records.length < lines.length) {
      unreadables.add(
        key,
        `holds ${lines.length - records.length} lines of ${lines.length} that are no tweets`,
      );
      continue;
    }
    if ((await putRecords(kinesis, stream, records, clock)) !== null) {
      break;
    }
    await removeObject(lake, key);
    taken += records.length;
  }
  return taken;
}

function recordOf(line: string): StreamRecord[] {
  const row = RawTweetRow.safeParse(jsonOf(line)).data;
  return row === undefined ? [] : [{ key: row.id, data: line }];
}
