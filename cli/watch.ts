import { setTimeout as sleep } from 'node:timers/promises';
import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import type { KinesisClient, _Record } from '@aws-sdk/client-kinesis';
import { parquetReadObjects } from 'hyparquet';
import { z } from 'zod';
import { getBytes, listObjects } from '../functions/lake/objects';
import type { LakeBucket } from '../functions/lake/objects';
import { shardsOf } from '../functions/lake/stream';
import { jsonOf } from '../functions/lake/unpack';
import { ScoredRow } from '../functions/model/scored';
import { RawTweetRow, dayOf } from '../functions/x/tweets';
import type { Session } from '../session/session';
import { UserError } from '../session/user-error';
import { shortened } from '../session/visible';
import { datasets } from '../workflows/datasets';
import { fitted, type Screen } from './screen';

/** A shard takes five GetRecords calls a second from all of its readers, of which the scorer is one. */
const READ_EVERY_MS = 1000;
/** The scorer collects records for a minute: scores come seldom, and each look is a listing. */
const SCORES_EVERY_MS = 3000;
/** Tweets whose score is waited for; the oldest is given up for a new one. */
const MOST_WAITING = 20_000;

interface Waiting {
  text: string;
  day: string;
}

interface Shard {
  id: string;
  iterator: string | undefined;
  /** The last record read; null before the first. */
  last: string | null;
}

/** The part of a session that watching needs. */
interface Watching {
  people: { analyst: Pick<Session['people']['analyst'], 's3' | 'kinesis'> };
  outputs: Pick<Session['outputs'], 'BucketName' | 'StreamName'>;
}

interface Watched {
  ingested: number;
  scored: number;
}

interface Sources {
  kinesis: KinesisClient;
  stream: string;
  lake: LakeBucket;
}

/**
 * Shows tweets as they come on the stream, and their scores as the stream scorer stores them, up to a minute later.
 * Begins at the newest record and ends after `seconds` or with the signal. The endpoint itself is not asked.
 */
export async function watchStream(
  { people, outputs }: Watching,
  screen: Screen,
  signal: AbortSignal,
  seconds: number,
): Promise<void> {
  if (outputs.StreamName === undefined)
    throw new UserError('The deployed pipeline has no output StreamName. Deploy it again.');
  const sources = {
    kinesis: people.analyst.kinesis,
    stream: outputs.StreamName,
    lake: { s3: people.analyst.s3, bucket: outputs.BucketName },
  };
  const view = new View(sources, screen);
  await view.open();
  screen.say(
    `Watching ${sources.stream} for ${seconds} s. Scores follow within about a minute; before the first model there are none.`,
  );
  const until = Date.now() + seconds * 1000;
  let looked = Date.now();
  while (Date.now() < until && !signal.aborted) {
    const began = Date.now();
    await view.read();
    if (Date.now() - looked >= SCORES_EVERY_MS) {
      await view.showScores();
      looked = Date.now();
    }
    const pause = Math.min(READ_EVERY_MS - (Date.now() - began), until - Date.now());
    // Ends early with the signal: what was seen is then summed up.
    if (pause > 0) await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
  await view.showScores();
  const { ingested, scored } = view.counts;
  screen.say(`${ingested} tweets ingested, ${scored} of them scored`);
  signal.throwIfAborted();
}

class View {
  readonly counts: Watched = { ingested: 0, scored: 0 };
  private shards: Shard[] = [];
  private readonly waiting = new Map<string, Waiting>();
  private readonly known = new Set<string>();
  /** The first record of each shard that was read: older objects of scores hold none of them. */
  private readonly first = new Map<string, bigint>();

  constructor(
    private readonly sources: Sources,
    private readonly screen: Screen,
  ) {}

  async open(): Promise<void> {
    const { kinesis, stream } = this.sources;
    this.shards = await Promise.all(
      (await shardsOf(kinesis, stream)).map(async (id) => {
        const shard: Shard = { id, iterator: undefined, last: null };
        return { ...shard, iterator: await this.iteratorOf(shard) };
      }),
    );
  }

  /** After the last record read, or at the newest one. */
  private async iteratorOf({ id, last }: Shard): Promise<string | undefined> {
    const { ShardIterator } = await this.sources.kinesis.send(
      new GetShardIteratorCommand({
        StreamName: this.sources.stream,
        ShardId: id,
        ...(last === null
          ? { ShardIteratorType: 'LATEST' }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: last }),
      }),
    );
    return ShardIterator;
  }

  /** One call for each shard. */
  async read(): Promise<void> {
    for (const shard of this.shards) {
      if (shard.iterator === undefined) continue;
      try {
        const { Records = [], NextShardIterator } = await this.sources.kinesis.send(
          new GetRecordsCommand({ ShardIterator: shard.iterator }),
        );
        for (const record of Records) this.show(shard, record);
        shard.iterator = NextShardIterator;
      } catch (error) {
        const name = error instanceof Error ? error.name : '';
        // An iterator lives five minutes: a machine may have slept.
        if (name === 'ExpiredIteratorException') shard.iterator = await this.iteratorOf(shard);
        // Too many readers at the moment: the next call asks for the same records.
        else if (name !== 'ProvisionedThroughputExceededException') throw error;
      }
    }
  }

  private show(shard: Shard, { Data, SequenceNumber }: _Record): void {
    if (SequenceNumber !== undefined) {
      shard.last = SequenceNumber;
      if (!this.first.has(shard.id)) this.first.set(shard.id, BigInt(SequenceNumber));
    }
    const row = RawTweetRow.safeParse(jsonOf(Buffer.from(Data ?? []).toString('utf8'))).data;
    if (row === undefined) {
      this.say('no tweet', `a record of ${Data?.length ?? 0} bytes; the scorer quarantines it`);
      return;
    }
    this.counts.ingested += 1;
    this.say('ingested', `${row.author_username ? `@${row.author_username}: ` : ''}${row.text}`);
    this.waiting.delete(row.id);
    this.waiting.set(row.id, { text: row.text, day: dayOf(row) });
    if (this.waiting.size > MOST_WAITING) {
      const [oldest = ''] = this.waiting.keys();
      this.waiting.delete(oldest);
    }
  }

  /** Reads the objects that the scorer has written of the records seen, each once. */
  async showScores(): Promise<void> {
    const { lake } = this.sources;
    for (const day of new Set([...this.waiting.values()].map((one) => one.day))) {
      const found = await listObjects(lake, `${datasets.scored.prefix}dt=${day}/stream-`);
      for (const { key } of found) {
        if (this.known.has(key) || !this.mayHold(key)) continue;
        this.known.add(key);
        const bytes = (await getBytes(lake, key))?.bytes;
        if (bytes === undefined) continue;
        const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
        for (const row of z.array(ScoredRow).parse(rows)) this.showScore(row);
      }
    }
  }

  /** An object's name has the shard, and the first and last record of its batch. */
  private mayHold(key: string): boolean {
    const [, shard = '', last] = /\/stream-(.+)-\d+-(\d+)\.parquet$/.exec(key) ?? [];
    const first = this.first.get(shard);
    return first !== undefined && last !== undefined && BigInt(last) >= first;
  }

  private showScore(row: ScoredRow): void {
    const tweet = this.waiting.get(row.tweet_id);
    if (tweet === undefined) return;
    this.waiting.delete(row.tweet_id);
    this.counts.scored += 1;
    const share = Math.round(Math.max(row.negative, row.neutral, row.positive) * 100);
    this.say(`${row.label} ${share} %`, tweet.text, row.model_version);
  }

  /** One line of the screen's width. `shortened` makes control characters and escapes visible, so that none acts. */
  private say(what: string, text: string, model = ''): void {
    const head = `${new Date().toISOString().slice(11, 19)}  ${what.padEnd(14)}  `;
    const tail = model === '' ? '' : `  ${shortened(model, 60)}`;
    const width = Math.max(20, this.screen.columns - head.length - tail.length);
    this.screen.say(`${head}${fitted(shortened(text, 2 * width), width)}${tail}`);
  }
}
