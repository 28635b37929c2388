import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { KinesisStreamEvent } from 'aws-lambda';
import { parquetReadObjects } from 'hyparquet';
import { listPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import { getBytes, getText } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { readPosition } from '../../functions/lake/stream-position';
import { scoreStream } from '../../functions/score-stream';
import { RawTweetRow } from '../../functions/x/tweets';
import { datasets } from '../../workflows/datasets';
import type { Champion } from '../../workflows/payloads';
import { eachWithLake } from './support/each-with-lake';
import { TestClock } from './support/clock';
import { awsError } from './support/job-runs';
import { Emitted } from './support/emitted';
import { keysBelow, putJsonObject } from './support/launcher';
import { FakeEndpoint } from './support/sagemaker';

const CHAMPION: Champion = {
  schemaVersion: 1,
  modelVersion: 'sl-champion',
  modelUri: 's3://lake/model-outputs/sl-champion/output/model.tar.gz',
  evaluationUri: 's3://lake/model-outputs/sl-champion/evaluation.json',
  manifestUri: 's3://lake/model-outputs/sl-champion/manifest.json',
  configName: 'sl-champion',
  fingerprint: 'older',
  macroRecall: 0.8,
  promotedAt: '2026-11-23T03:00:00.000Z',
  promotedBy: 'arn:of:the:night:before',
  forced: false,
  previous: null,
};

let lake: LakeBucket;
let catalog: Catalog;
let endpoint: FakeEndpoint;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  catalog = await launcher.catalog(lake);
  endpoint = new FakeEndpoint();
  await putJsonObject(lake, 'model-outputs/champion.json', CHAMPION);
});

const row = (id: number, changes: Partial<RawTweetRow> = {}): RawTweetRow => ({
  id: String(id),
  author_id: '77',
  author_username: 'ada',
  created_at: '2026-11-23T10:00:00.000Z',
  lang: 'en',
  text: `tweet ${id}`,
  retweet_count: 0,
  reply_count: 0,
  like_count: 0,
  quote_count: null,
  edit_history_tweet_ids: null,
  query_name: 'keywords',
  run_id: 'r',
  fetched_at: '2026-11-24T02:20:00.000Z',
  ...changes,
});

/** A batch as the event source mapping delivers it; each record's sequence number is its place from 100 on. */
function batch(...records: (object | string | Buffer)[]): KinesisStreamEvent {
  return {
    Records: records.map((record, index) => ({
      eventID: `shardId-000000000000:${100 + index}`,
      eventName: 'aws:kinesis:record',
      eventSource: 'aws:kinesis',
      eventSourceARN: 'arn:stream',
      eventVersion: '1.0',
      awsRegion: 'us-east-1',
      invokeIdentityArn: 'arn:role',
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: 'key',
        sequenceNumber: String(100 + index),
        approximateArrivalTimestamp: 1,
        data: bytesOf(record).toString('base64'),
      },
    })),
  };
}

function bytesOf(record: object | string | Buffer): Buffer {
  if (Buffer.isBuffer(record)) return record;
  return Buffer.from(typeof record === 'string' ? record : JSON.stringify(record));
}

let emitted = new Emitted();
beforeEach(() => {
  emitted = new Emitted();
});

const scorer = () =>
  scoreStream({
    lake,
    catalog,
    endpoint: { runtime: endpoint.client, name: 'sentiment', clock: new TestClock() },
    languages: ['en'],
    emit: emitted.emit,
    clock: new TestClock(),
  });

const score = (event: KinesisStreamEvent) => scorer()(event);

async function scoredIn(key: string) {
  const found = await getBytes(lake, key);
  return parquetReadObjects({ file: new Uint8Array(found?.bytes ?? []).buffer });
}

test("writes each day's verdicts as Parquet, with the columns of the data set", async () => {
  endpoint.label = (text) => (text === 'tweet 2' ? 'negative' : 'positive');

  const answer = await score(
    batch(row(1), row(2), row(3, { created_at: '2026-11-22T10:00:00.000Z' })),
  );

  expect(answer).toEqual({ batchItemFailures: [] });
  expect(emitted.lines).toEqual([
    { figures: { PredictionsNegative: 1, PredictionsNeutral: 0, PredictionsPositive: 1 } },
    { figures: { PredictionsNegative: 0, PredictionsNeutral: 0, PredictionsPositive: 1 } },
  ]);
  const keys = await keysBelow(lake, 'processed-data/scored/');
  expect(keys).toEqual([
    'processed-data/scored/dt=2026-11-22/stream-shardId-000000000000-100-102.parquet',
    'processed-data/scored/dt=2026-11-23/stream-shardId-000000000000-100-102.parquet',
  ]);
  const rows = await scoredIn(keys[1] ?? '');
  expect(rows).toEqual([
    {
      tweet_id: '1',
      label: 'positive',
      negative: 0.1,
      neutral: 0.1,
      positive: 0.8,
      model_version: endpoint.modelVersion,
      scored_at: new Date('2026-11-24T02:20:00.000Z'),
      unknown_words: 3n,
    },
    expect.objectContaining({ tweet_id: '2', label: 'negative' }),
  ]);
  expect(Object.keys(rows[0] ?? {})).toEqual(datasets.scored.columns.map(({ name }) => name));
});

test('makes the days readable, whether they were or not', async () => {
  await score(batch(row(1)));
  await score(batch(row(2)));

  expect(await listPartitions(catalog, 'scored')).toMatchObject([
    {
      values: ['2026-11-23'],
      location: `s3://${lake.bucket}/processed-data/scored/dt=2026-11-23/`,
    },
  ]);
});

test('a day is added to the catalog once, as soon as that succeeds', async () => {
  const requests: string[] = [];
  let isBusy = true;
  catalog.glue.middlewareStack.add((next, { commandName = '' }) => async (args) => {
    requests.push(commandName);
    if (isBusy) throw awsError('ConcurrentModificationException');
    return next(args);
  });
  const deliver = scorer();

  await expect(deliver(batch(row(1)))).rejects.toThrow();
  isBusy = false;
  requests.length = 0;
  await deliver(batch(row(1)));
  await deliver(batch(row(2)));
  await deliver(batch(row(3), row(4, { created_at: '2026-11-22T10:00:00.000Z' })));

  expect(requests.filter((name) => name === 'BatchCreatePartitionCommand')).toHaveLength(2);
  expect(await listPartitions(catalog, 'scored')).toHaveLength(2);
});

test('keeps its position once a batch is done, and not before', async () => {
  endpoint.failures = Array.from({ length: 5 }, () => awsError('ModelError', 'it broke'));
  await expect(score(batch(row(1), row(2)))).rejects.toThrow();
  expect(await readPosition(lake, 'shardId-000000000000')).toBeNull();

  await score(batch(row(1), row(2)));

  expect(await readPosition(lake, 'shardId-000000000000')).toBe('101');
});

test('a batch that is delivered again overwrites what it wrote', async () => {
  await score(batch(row(1), row(2)));
  await score(batch(row(1), row(2)));

  const keys = await keysBelow(lake, 'processed-data/scored/');
  expect(keys).toHaveLength(1);
  expect(await scoredIn(keys[0] ?? '')).toHaveLength(2);
});

/** The lines of the quarantine, by the keys of its objects. */
async function quarantined(): Promise<Record<string, unknown>[]> {
  const keys = await keysBelow(lake, datasets.quarantine.prefix);
  const texts = await Promise.all(keys.map((key) => getText(lake, key)));
  return texts.flatMap((found) =>
    (found?.text ?? '')
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line)),
  );
}

test('records that are no tweets go to the quarantine as they came, and the others are scored', async () => {
  const withoutAuthor = { ...row(3), author_id: undefined };
  const notUtf8 = Buffer.from([0x7b, 0xff, 0x31]);

  const answer = await score(batch(row(1), 'not JSON', withoutAuthor, row(4), notUtf8, row(6)));

  expect(answer).toEqual({ batchItemFailures: [] });
  expect(endpoint.requests).toEqual([['tweet 1', 'tweet 4', 'tweet 6']]);
  expect(await keysBelow(lake, datasets.quarantine.prefix)).toEqual([
    'raw-data/quarantine/dt=1970-01-01/stream-shardId-000000000000-100-105.ndjson',
  ]);
  expect(await quarantined()).toEqual([
    expect.objectContaining({ stage: 'stream', raw: 'not JSON' }),
    expect.objectContaining({ raw: JSON.stringify(withoutAuthor) }),
    expect.objectContaining({ raw: '{\u00ff1', reason: expect.stringMatching(/104: not UTF-8/) }),
  ]);
  expect(Object.keys((await quarantined())[0] ?? {})).toEqual(
    datasets.quarantine.columns.map(({ name }) => name),
  );
  expect(emitted.lines.at(-1)).toEqual({ figures: { StreamRecordsQuarantined: 3 } });
});

test('a batch that is delivered again quarantines its records once', async () => {
  const event = batch(row(1), 'not JSON');

  await score(event);
  await score(event);

  expect(await quarantined()).toHaveLength(1);
});

test('a batch whose records cannot be quarantined fails, so that it comes again', async () => {
  lake.s3.middlewareStack.add((next) => async (args) => {
    if (JSON.stringify(args.input).includes('raw-data/quarantine/')) throw awsError('SlowDown');
    return next(args);
  });

  await expect(score(batch(row(1), 'not JSON'))).rejects.toMatchObject({ name: 'SlowDown' });
});

test('a tweet whose language nobody said is taken for one of the model’s', async () => {
  await score(batch(row(1, { lang: null }), row(2, { lang: 'und' })));

  expect(endpoint.requests).toEqual([['tweet 1']]);
});

test('tweets in another language are left alone', async () => {
  const answer = await score(batch(row(1, { lang: 'de' }), row(2, { lang: 'und' })));

  expect(answer).toEqual({ batchItemFailures: [] });
  expect(endpoint.requests).toEqual([]);
  expect(await keysBelow(lake, 'processed-data/scored/')).toEqual([]);
});

test('before the first promotion records are taken and none is scored: the run that promotes scores the tweets', async () => {
  await lake.s3.send(
    new DeleteObjectCommand({ Bucket: lake.bucket, Key: 'model-outputs/champion.json' }),
  );

  const answer = await score(batch(row(1), 'not JSON'));

  expect(answer).toEqual({ batchItemFailures: [] });
  expect(await quarantined()).toHaveLength(1);
  expect(emitted.lines).toEqual([
    { figures: { StreamRecordsQuarantined: 1 } },
    { figures: { StreamRecordsWithoutModel: 1 } },
  ]);
  expect(endpoint.requests).toEqual([]);
  expect(await keysBelow(lake, 'processed-data/scored/')).toEqual([]);
});

test('an endpoint that does not answer fails the batch, so that it comes again', async () => {
  endpoint.failures = Array.from({ length: 5 }, () => awsError('ServiceUnavailable'));

  await expect(score(batch(row(1)))).rejects.toMatchObject({ name: 'ScoringFailed' });
  expect(await keysBelow(lake, 'processed-data/scored/')).toEqual([]);
});

test('asks for at most 200 texts at once', async () => {
  await score(batch(...Array.from({ length: 201 }, (_, index) => row(index))));

  expect(endpoint.requests.map((texts) => texts.length)).toEqual([200, 1]);
});

test('a row on the stream has the columns of raw_tweets', () => {
  expect(Object.keys(RawTweetRow.shape)).toEqual(
    datasets.raw_tweets.columns.map(({ name }) => name),
  );
});
