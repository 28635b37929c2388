import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  PutRecordCommand,
} from '@aws-sdk/client-kinesis';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { AthenaContext } from '../../functions/lake/athena';
import { setPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import type { LakeBucket } from '../../functions/lake/objects';
import { parametersOf } from '../../functions/lake/published';
import { keepPosition } from '../../functions/lake/stream-position';
import { claimDriftTraining } from '../../functions/model/drift-training';
import { writeScored } from '../../functions/model/scored';
import { compareDrift, keepDrift, referenceSpan } from '../../functions/report/drift';
import { beyondLimit, measuresOf, stabilityIndex } from '../../functions/report/drift-measures';
import { lookMetrics, notices } from '../../functions/report/looks';
import { streamBacklog } from '../../functions/report/stream-backlog';
import { systemClock } from '../../functions/shared/clock';
import { settingsFor } from '../../infra/config';
import { renderedCatalog } from '../../queries/catalog';
import type { Query } from '../../queries/query';
import type { Champion, Drift } from '../../workflows/payloads';
import { eachWithLake } from './support/each-with-lake';
import { put, putJsonObject, readJsonObject } from './support/launcher';
import { PLAN, stepInput } from './support/state';
import { cleanTweet, tweetsParquet } from './support/tweets-parquet';

const settings = { ...settingsFor('prod').drift, minTweets: 20 };

describe('the measures', () => {
  const buckets = (measure: string, ...counts: [string, number, number][]) =>
    counts.map(([bucket, new_tweets, reference_tweets]) => ({
      measure,
      bucket,
      new_tweets,
      reference_tweets,
    }));

  test('the index of stability, computed by hand', () => {
    // Shares with half a tweet more in each bucket: 50.5/101 and 80.5/101, 50.5/101 and 20.5/101.
    // (0.5 - 0.79703) ln(0.5 / 0.79703) + (0.5 - 0.20297) ln(0.5 / 0.20297) = 0.13850 + 0.26779
    const counts = buckets('m', ['a', 50, 80], ['b', 50, 20]);

    expect(stabilityIndex(counts)).toBeCloseTo(0.4063, 4);
    expect(stabilityIndex(buckets('m', ['a', 30, 30], ['b', 70, 70]))).toBe(0);
  });

  test('a value that only one side has is no infinite difference', () => {
    expect(stabilityIndex(buckets('m', ['a', 100, 100], ['b', 10, 0]))).toBeLessThan(1);
  });

  test('says what changed most, in shares of the tweets', () => {
    const found = measuresOf(
      buckets('model_label', ['negative', 60, 20], ['positive', 40, 80]),
      [],
      settings,
    );

    expect(found.find(({ name }) => name === 'model labels')).toMatchObject({
      newTweets: 100,
      referenceTweets: 100,
      change: 'negative: 20.0 % before, 60.0 % now',
    });
  });

  test('agreement counts by its loss in points; more agreement is no drift', () => {
    const found = measuresOf(
      [
        ...buckets('model_and_people', ['agree', 60, 80], ['differ', 40, 20]),
        ...buckets('model_and_lexicon', ['agree', 80, 60], ['differ', 20, 40]),
      ],
      [],
      settings,
    );

    expect(found).toContainEqual(
      expect.objectContaining({ name: 'agreement of model and people', value: 0.2, limit: 0.1 }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({ name: 'agreement of model and lexicon', value: 0 }),
    );
  });

  test('the word that changed most, not the one that rose most', () => {
    const length = buckets('length', ['below 5 words', 1000, 1000]);
    const words = [
      { word: 'today', new_tweets: 600, reference_tweets: 400 },
      { word: 'rizz', new_tweets: 150, reference_tweets: 0 },
    ];

    const found = measuresOf(length, words, settings).find(({ name }) => name === 'a new word');

    // 0.14985 ln(0.15034 / 0.0004995) and a little for the tweets without it.
    expect(found?.value).toBeCloseTo(0.8796, 3);
    expect(found?.change).toBe('"rizz": 0.0 % before, 15.0 % now');
  });

  test('with too few tweets there is no result, and it says so', () => {
    const [first] = measuresOf(buckets('model_label', ['neutral', 19, 500]), [], settings);

    expect(first).toMatchObject({
      value: null,
      change: 'too few tweets: 19 new, 500 to compare with, 20 needed of each',
    });
  });

  test('the days to compare with are the newest of the training before the new ones', () => {
    const trained = ['2026-10-01', '2026-11-01', '2026-11-02', '2026-11-20', '2026-11-22'];

    expect(referenceSpan(trained, '2026-11-22', 20)).toEqual({
      from: '2026-11-01',
      to: '2026-11-20',
    });
    expect(referenceSpan(trained, '2026-10-01', 20)).toBeNull();
  });
});

let lake: LakeBucket;
let catalog: Catalog;
let athena: AthenaContext;
let kinesis: KinesisClient;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  catalog = await launcher.catalog(lake);
  athena = await launcher.warehouse(lake, catalog);
  kinesis = launcher.kinesis();
});

const CHAMPION: Champion = {
  schemaVersion: 1,
  modelVersion: 'sl-1',
  modelUri: 's3://lake/model-outputs/sl-1/output/model.tar.gz',
  evaluationUri: 's3://lake/model-outputs/sl-1/evaluation.json',
  manifestUri: '',
  configName: 'sl-1',
  fingerprint: 'f',
  promotedAt: '2026-11-20T03:00:00.000Z',
  promotedBy: 'arn:run',
  forced: false,
  previous: null,
};
const champion = (): Champion => ({
  ...CHAMPION,
  manifestUri: `s3://${lake.bucket}/model-outputs/sl-1/manifest.json`,
});

/** Days that the champion read; the run is of 2026-11-24, so that the new days begin on the 22nd. */
const trainedOn = (...dates: string[]) =>
  putJsonObject(lake, 'model-outputs/sl-1/manifest.json', {
    request: { cleaned_data: dates.map((date) => ({ date, version: 'v' })) },
  });

async function publish(day: string, rows: readonly ReturnType<typeof cleanTweet>[], unknown = 0) {
  const folder = `cleaned-data/tweets/dt=${day}/run=v/`;
  await put(lake, `${folder}part-0.parquet`, await tweetsParquet(rows));
  await setPartitions(catalog, 'tweets', [
    {
      values: [day],
      location: `s3://${lake.bucket}/${folder}`,
      parameters: parametersOf({
        version: 'v',
        rows: rows.length,
        fingerprint: 'f',
        replaced: null,
      }),
    },
  ]);
  const scored = rows.map(({ tweet_id }) => ({
    tweet_id,
    label: 'positive' as const,
    negative: 0.05,
    neutral: 0.15,
    positive: 0.8,
    model_version: 'sl-1',
    scored_at: new Date('2026-11-24T02:18:00.000Z'),
    unknown_words: unknown,
  }));
  await writeScored(lake, catalog, day, 'scores', scored);
}

const tweets = (first: number, count: number, ...words: string[]) =>
  Array.from({ length: count }, (_, index) =>
    cleanTweet(String(first + index), { tokens: ['what', 'a', 'day', ...words] }),
  );

const query = (wanted: string): Query => {
  const found = renderedCatalog().find(({ name }) => name === wanted);
  if (!found) throw new Error(`there is no ${wanted}`);
  return found;
};

const compare = (model: Champion | null, idempotencyKey = 'run') =>
  compareDrift(
    {
      lake,
      athena,
      queries: { drift: query('drift'), risingWords: query('rising_words') },
      settings,
      languages: ['en'],
      clock: systemClock,
    },
    stepInput().state,
    model,
    [idempotencyKey],
  );

test('tweets like those of the training are no drift; a new word that the model does not know is, and is named', async () => {
  await trainedOn('2026-11-19', '2026-11-20', '2026-11-23');
  await publish('2026-11-19', tweets(100, 30));
  await publish('2026-11-20', tweets(200, 30));
  await publish('2026-11-22', tweets(300, 30));

  const before = await compare(champion());
  await publish('2026-11-23', tweets(400, 30, 'rizzler'), 2);
  const after = await compare(champion(), 'next run');

  expect(before).toMatchObject({
    status: 'COMPARED',
    modelVersion: 'sl-1',
    days: { from: '2026-11-22', to: '2026-11-24' },
    reference: { from: '2026-11-19', to: '2026-11-20' },
  });
  expect(beyondLimit(before)).toEqual([]);
  expect(notices({ drift: before, stream: quiet })).toEqual([]);
  expect(lookMetrics({ drift: before, stream: quiet }).DriftOfLimit).toBeLessThan(0.1);
  expect(beyondLimit(after).map(({ name, change }) => [name, change])).toEqual([
    ['words unknown to the model', expect.stringMatching(/: (0|100).0 % before, 50.0 % now$/)],
    ['a new word', '"rizzler": 0.0 % before, 50.0 % now'],
  ]);
  expect(notices({ drift: after, stream: quiet })[0]).toContain('"rizzler"');
  expect(lookMetrics({ drift: after, stream: quiet }).DriftOfLimit).toBeGreaterThan(1);
});

test('agreements are compared with the month before, everything else with the days of the training', async () => {
  const lexicon = (lexicon_label: 'positive' | 'negative', first: number) =>
    Array.from({ length: 30 }, (_, index) =>
      cleanTweet(String(first + index), { tokens: ['what', 'a', 'day'], lexicon_label }),
    );
  // The model, trained in September, says positive of every tweet.
  await trainedOn('2026-09-01');
  await publish('2026-09-01', lexicon('positive', 100));
  await publish('2026-10-24', lexicon('positive', 200));
  await publish('2026-10-25', lexicon('negative', 300));
  await publish('2026-11-22', lexicon('negative', 400));

  const drift = await compare(champion());

  expect(drift).toMatchObject({
    reference: { from: '2026-09-01', to: '2026-09-01' },
    month: { from: '2026-10-25', to: '2026-11-21' },
    measures: expect.arrayContaining([
      expect.objectContaining({
        name: 'agreement of model and lexicon',
        value: 0,
        newTweets: 30,
        referenceTweets: 30,
        change: '0.0 % before, 0.0 % now',
      }),
      expect.objectContaining({
        name: 'lexicon labels',
        referenceTweets: 30,
        change: 'negative: 0.0 % before, 100.0 % now',
      }),
    ]),
  });
});

test('without a model, a training before the new days or a manifest, it says why nothing is compared', async () => {
  expect(await compare(null)).toEqual({
    status: 'NOT_COMPARED',
    reason: 'no model is in service yet',
  });
  expect(await compare(champion())).toMatchObject({
    reason: expect.stringContaining('does not say which days sl-1 read'),
  });
  await trainedOn('2026-11-22');
  expect(await compare(champion())).toMatchObject({
    reason: 'sl-1 was trained on no day before 2026-11-22',
  });
});

test('a query that fails fails no run', async () => {
  await trainedOn('2026-11-20');
  const broken = {
    ...query('drift'),
    sql: query('drift').sql.replaceAll('from scored', 'from lost'),
  };

  const drift = await compareDrift(
    {
      lake,
      athena,
      queries: { drift: broken, risingWords: query('rising_words') },
      settings,
      languages: ['en'],
      clock: systemClock,
    },
    stepInput().state,
    champion(),
    ['run'],
  );

  expect(drift).toMatchObject({ status: 'NOT_COMPARED', reason: expect.stringMatching(/lost/) });
});

describe('a training because of drift', () => {
  const drifted: Drift = {
    status: 'COMPARED',
    modelVersion: 'sl-1',
    days: { from: '2026-11-22', to: '2026-11-24' },
    reference: { from: '2026-11-19', to: '2026-11-20' },
    measures: [
      { name: 'length', value: 0.3, limit: 0.2, newTweets: 500, referenceTweets: 500, change: '' },
    ],
  };
  const claim = (executionArn: string, startedAt: string, changes = {}) =>
    claimDriftTraining(
      lake,
      { ...settings, retrain: true, ...changes },
      { executionArn, modelVersion: 'sl-1', startedAt },
    );

  test('begins once in so many days, and again for a redrive of the same execution', async () => {
    await keepDrift({ lake, clock: systemClock }, 'r', drifted);

    expect(await claim('one', '2026-11-24T02:15:00.000Z')).toBe(true);
    expect(await claim('one', '2026-11-24T04:15:00.000Z')).toBe(true);
    expect(await claim('two', '2026-11-30T02:15:00.000Z')).toBe(false);
    expect(await claim('three', '2026-12-01T04:15:00.000Z')).toBe(true);
    expect(await readJsonObject(lake, 'model-outputs/drift-training.json')).toMatchObject({
      executionArn: 'three',
      beyond: ['length'],
    });
  });

  test('needs the setting, drift, and the model that drifted still in service', async () => {
    expect(await claim('one', '2026-11-24T02:15:00.000Z')).toBe(false);
    await keepDrift({ lake, clock: systemClock }, 'r', { ...drifted, modelVersion: 'sl-0' });
    expect(await claim('one', '2026-11-24T02:15:00.000Z')).toBe(false);
    await keepDrift({ lake, clock: systemClock }, 'r', drifted);
    expect(await claim('one', '2026-11-24T02:15:00.000Z', { retrain: false })).toBe(false);
    // A comparison that was not possible changes nothing.
    await keepDrift({ lake, clock: systemClock }, 'r', { status: 'NOT_COMPARED', reason: 'why' });
    expect(await claim('one', '2026-11-24T02:15:00.000Z')).toBe(true);
    await keepDrift({ lake, clock: systemClock }, 'r', { ...drifted, measures: [] });
    expect(await claim('two', '2027-11-24T02:15:00.000Z')).toBe(false);
  });
});

const quiet = { records: 0, isMore: false, oldestSeconds: null, waitingForModel: null };

describe('the backlog of the stream scorer', () => {
  const backlog = (model: Champion | null) =>
    streamBacklog({ lake, catalog, kinesis, stream: lake.bucket, clock: systemClock }, PLAN, model);

  async function streamOf(...texts: string[]): Promise<string[]> {
    await kinesis.send(new CreateStreamCommand({ StreamName: lake.bucket, ShardCount: 1 }));
    for (let tries = 0; tries < 50; tries += 1) {
      const { StreamDescriptionSummary: found } = await kinesis.send(
        new DescribeStreamSummaryCommand({ StreamName: lake.bucket }),
      );
      if (found?.StreamStatus === 'ACTIVE') break;
      await systemClock.sleep(100);
    }
    const numbers: string[] = [];
    for (const text of texts) {
      const { SequenceNumber = '' } = await kinesis.send(
        new PutRecordCommand({
          StreamName: lake.bucket,
          PartitionKey: 'k',
          Data: Buffer.from(text),
        }),
      );
      numbers.push(SequenceNumber);
    }
    return numbers;
  }

  test('is what lies behind its position, with the age of the oldest', async () => {
    const [, second = '', third = ''] = await streamOf('a', 'b', 'c', 'd', 'e');

    expect(await backlog(champion())).toMatchObject({ records: 5, isMore: false });
    await keepPosition(lake, 'shardId-000000000000', second, new Date());
    const later = await backlog(champion());
    expect(later).toMatchObject({ records: 3, waitingForModel: null });
    expect(later.oldestSeconds).toBeGreaterThanOrEqual(0);
    expect(later.oldestSeconds).toBeLessThan(60);
    expect(notices({ drift: { status: 'NOT_COMPARED', reason: '' }, stream: later })).toEqual([
      expect.stringMatching(
        /^Stream: 3 records that the scorer has not taken yet, the oldest \d+ s old\.$/,
      ),
    ]);
    await keepPosition(lake, 'shardId-000000000000', third, new Date());
    expect(await backlog(champion())).toMatchObject({ records: 2 });
  });

  test('is nothing once every record was taken', async () => {
    const [only = ''] = await streamOf('a');
    await keepPosition(lake, 'shardId-000000000000', only, new Date());

    expect(await backlog(champion())).toEqual(quiet);
  });

  test('before the first model it counts the published tweets of the days that a first model scores', async () => {
    await streamOf();
    await publish('2026-11-23', tweets(1, 7));
    await publish('2026-11-01', tweets(100, 7));

    const found = await backlog(null);

    expect(found).toEqual({ ...quiet, waitingForModel: 7 });
    expect(notices({ drift: { status: 'NOT_COMPARED', reason: '' }, stream: found })).toEqual([
      'Stream: the scorer has taken every record; 7 tweets wait for a first model.',
    ]);
  });
});
