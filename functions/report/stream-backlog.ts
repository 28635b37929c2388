import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { Champion, RunPlan, StreamBacklog } from '../../workflows/payloads';
import type { Catalog } from '../lake/catalog';
import type { LakeBucket } from '../lake/objects';
import { publishedDays } from '../lake/published';
import { shardsOf } from '../lake/stream';
import { readPosition } from '../lake/stream-position';
import { lastDays } from '../shared/clock';
import type { Clock } from '../shared/clock';

/** Days that *Refresh analytics* scores once there is a model. */
const SCORED_DAYS = 8;
/** A call returns 10 MB or 10,000 records at most. */
const MOST_CALLS = 5;
/** A shard takes five of these calls a second, and the scorer's mapping needs its share. */
const PAUSE_MS = 300;

export interface BacklogDependencies {
  lake: LakeBucket;
  catalog: Catalog;
  kinesis: KinesisClient;
  stream: string;
  clock: Clock;
}

/**
 * The records behind the scorer's position in each shard, counted on the stream itself: no metric counts them. The
 * scorer collects records for a minute, so that those of a run's last seconds are usually among them.
 */
export async function streamBacklog(
  deps: BacklogDependencies,
  { date }: RunPlan,
  champion: Champion | null,
): Promise<StreamBacklog> {
  const { catalog, kinesis, stream, clock } = deps;
  let [records, isMore] = [0, false];
  let oldest: Date | undefined;
  for (const shard of await shardsOf(kinesis, stream)) {
    const found = await behind(deps, shard);
    records += found.records;
    isMore ||= found.isMore;
    if (found.oldest && (!oldest || found.oldest < oldest)) oldest = found.oldest;
  }
  const days = new Set(lastDays(date, SCORED_DAYS));
  const waiting = async () =>
    (await publishedDays(catalog))
      .filter((day) => days.has(day.date))
      .reduce((sum, { rows }) => sum + rows, 0);
  return {
    records,
    isMore,
    oldestSeconds: oldest ? Math.max(0, (clock.now().valueOf() - oldest.valueOf()) / 1000) : null,
    waitingForModel: champion === null ? await waiting() : null,
  };
}

async function behind(
  { lake, kinesis, stream, clock }: BacklogDependencies,
  ShardId: string,
): Promise<{ records: number; isMore: boolean; oldest?: Date }> {
  const position = await readPosition(lake, ShardId);
  let iterator = await iteratorAfter(kinesis, stream, ShardId, position);
  let records = 0;
  let oldest: Date | undefined;
  for (let call = 0; iterator !== undefined; call += 1) {
    if (call === MOST_CALLS) return { records, isMore: true, oldest };
    if (call > 0) await clock.sleep(PAUSE_MS);
    const page = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }));
    records += page.Records?.length ?? 0;
    oldest ??= page.Records?.[0]?.ApproximateArrivalTimestamp;
    if (page.MillisBehindLatest === 0) break;
    iterator = page.NextShardIterator;
  }
  return { records, isMore: false, oldest };
}

/** From the shard's oldest record on if the scorer has taken none, or if the position is one of an earlier stream. */
async function iteratorAfter(
  kinesis: KinesisClient,
  StreamName: string,
  ShardId: string,
  position: string | null,
): Promise<string | undefined> {
  const shard = { StreamName, ShardId };
  if (position !== null) {
    try {
      const { ShardIterator } = await kinesis.send(
        new GetShardIteratorCommand({
          ...shard,
          ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
          StartingSequenceNumber: position,
        }),
      );
      return ShardIterator;
    } catch (error) {
      const isUnknown =
        error instanceof Error &&
        ['InvalidArgumentException', 'ValidationException'].includes(error.name);
      if (!isUnknown) throw error;
    }
  }
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({ ...shard, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  return ShardIterator;
}
