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
 * Puts rows on the stream. Rows that the stream rejects are queued in the lake, and the next ingest sends them.
 * Returns the number of queued rows. `name` is the page's name.
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
  log({ function: 'ingest-tweets', stream, queued: refusal.records.length, why: refusal.reason });
  const body = refusal.records.map(({ data }) => `${data}\n`).join('');
  // After a kill the stream may reject other rows than before: the content's hash gives them their own object.
  const part = createHash('sha256').update(body).digest('hex').slice(0, 12);
  await putIf(lake, `${prefixes.queued}${name}-${part}.ndjson`, body, 'application/x-ndjson', {
    ifMatch: null,
  });
  return refusal.records.length;
}

/**
 * Sends queued rows, oldest object first, until the time is up or the stream rejects rows again. Returns how many rows
 * the stream accepted. An object with other content stays in place and is reported in `unreadables`.
 */
export async function streamQueued(
  { lake, kinesis, stream, clock }: Streaming,
  until: number,
  unreadables: Unreadables,
): Promise<number> {
  let taken = 0;
  for (const { key } of await listObjects(lake, prefixes.queued)) {
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
