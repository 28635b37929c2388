import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { fitted, openScreen, type Screen } from '../../cli/screen';
import { watchStream } from '../../cli/watch';
import type { LakeBucket } from '../../functions/lake/objects';
import { toParquet } from '../../functions/model/scored';
import { systemClock } from '../../functions/shared/clock';
import { Launcher, put } from '../functions/support/launcher';

let launcher: Launcher;
let lake: LakeBucket;
let kinesis: KinesisClient;

beforeAll(async () => {
  launcher = await Launcher.start();
  lake = await launcher.lake();
  kinesis = launcher.kinesis();
  await kinesis.send(new CreateStreamCommand({ StreamName: lake.bucket, ShardCount: 1 }));
  for (let tries = 0; tries < 50; tries += 1) {
    const { StreamDescriptionSummary: found } = await kinesis.send(
      new DescribeStreamSummaryCommand({ StreamName: lake.bucket }),
    );
    if (found?.StreamStatus === 'ACTIVE') break;
    await systemClock.sleep(100);
  }
});
afterAll(() => launcher.stop());

const tweet = (id: string, text: string) => ({
  id,
  author_id: '7',
  author_username: 'ada',
  created_at: '2026-11-23T10:00:00.000Z',
  lang: 'en',
  text,
  retweet_count: null,
  reply_count: null,
  like_count: null,
  quote_count: null,
  edit_history_tweet_ids: null,
  query_name: 'keywords',
  run_id: 'r',
  fetched_at: '2026-11-24T02:20:00.000Z',
});

async function send(...texts: string[]): Promise<{ first: string; last: string }> {
  const { Records = [] } = await kinesis.send(
    new PutRecordsCommand({
      StreamName: lake.bucket,
      Records: texts.map((text) => ({ PartitionKey: 'k', Data: Buffer.from(text) })),
    }),
  );
  return {
    first: Records[0]?.SequenceNumber ?? '',
    last: Records.at(-1)?.SequenceNumber ?? '',
  };
}

const scores = (batch: { first: string; last: string }, id: string, negative: number) =>
  put(
    lake,
    `processed-data/scored/dt=2026-11-23/stream-shardId-000000000000-${batch.first}-${batch.last}.parquet`,
    toParquet([
      {
        tweet_id: id,
        label: negative > 0.5 ? 'negative' : 'positive',
        negative,
        neutral: 0,
        positive: 1 - negative,
        model_version: 'sl-1',
        scored_at: new Date(),
        unknown_words: 0,
      },
    ]),
  );

test('shows tweets as they come and their stored scores, in one line each that no text can break out of', async () => {
  // Came before the watch began: neither the tweet nor its score is shown.
  const before = await send(JSON.stringify(tweet('1', 'an old one')));
  await scores(before, '1', 0.9);
  let output = '';
  const screen: Screen = openScreen({
    isTTY: false,
    columns: 70,
    write: (text: string) => {
      output += text;
    },
  });
  const session = {
    people: { analyst: { s3: lake.s3, kinesis } },
    outputs: { BucketName: lake.bucket, StreamName: lake.bucket },
  };

  const watching = watchStream(session, screen, new AbortController().signal, 7);
  while (!output.includes('Watching')) await systemClock.sleep(20);
  const batch = await send(
    JSON.stringify(tweet('2', `\u001b[2Jgone\n${'wide 日本語 '.repeat(20)}`)),
    'no tweet at all',
    JSON.stringify(tweet('3', 'never scored')),
  );
  await scores(batch, '2', 0.91);
  await watching;

  const lines = output.trimEnd().split('\n');
  expect(lines.slice(1).map((line) => line.slice(10))).toEqual([
    expect.stringMatching(/^ingested {8}@ada: \\u\{1b\}\[2Jgone wide 日本語 .*…$/),
    'no tweet        a record of 15 bytes; the scorer quarantine…',
    'ingested        @ada: never scored',
    expect.stringMatching(/^negative 91 % {3}\\u\{1b\}\[2Jgone .*… {2}sl-1$/),
    expect.stringMatching(/ested, 1 of them scored$/),
  ]);
  expect(lines.at(-1)).toBe('2 tweets ingested, 1 of them scored');
  expect(output).not.toContain('\u001b');
  expect(output).not.toContain('an old one');
});

test('a line is cut by the columns it takes, and characters of two columns count twice', () => {
  expect(fitted('short', 5)).toBe('short');
  expect(fitted('longer', 5)).toBe('long…');
  expect(fitted('日本語', 6)).toBe('日本語');
  expect(fitted('日本語!', 6)).toBe('日本…');
  expect(fitted('ab🎉🎉', 5)).toBe('ab🎉…');
});
