import { batchesOf, checkData } from '../../functions/check-data';
import type { AthenaContext } from '../../functions/lake/athena';
import { hasSucceeded, rowsOf, startQuery } from '../../functions/lake/athena';
import { addPartitions, listPartitions, setPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import type { LakeBucket } from '../../functions/lake/objects';
import { parametersOf } from '../../functions/lake/published';
import { refreshAnalytics } from '../../functions/refresh-analytics';
import { parseQuery, renderedCatalog } from '../../queries/catalog';
import { MAX_PARAMETER_CHARACTERS } from '../../queries/query';
import type { RunState } from '../../workflows/payloads';
import { toParquet } from '../../functions/model/scored';
import { systemClock } from '../../functions/shared/clock';
import { eachWithLake } from './support/each-with-lake';
import { TestClock } from './support/clock';
import { awsError } from './support/job-runs';
import { Emitted } from './support/emitted';
import { keysBelow, put, putJsonObject, readJsonObject } from './support/launcher';
import { FakeEndpoint, FakeSageMaker } from './support/sagemaker';
import { CLEANED, CLEANED_DAYS, RUN_ID, TRAINED, stepInput } from './support/state';
import { cleanTweet, tweetsParquet } from './support/tweets-parquet';

const DAY = '2026-11-23';
const VERSION = `${RUN_ID}-0`;
const catalogOfQueries = renderedCatalog();

let lake: LakeBucket;
let catalog: Catalog;
let athena: AthenaContext;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  catalog = await launcher.catalog(lake);
  athena = await launcher.warehouse(lake, catalog);
});

/** Puts a version of a day into the lake and answers where. */
async function writeVersion(rows: readonly object[], day = DAY): Promise<string> {
  const folder = `cleaned-data/tweets/dt=${day}/run=${VERSION}/`;
  await put(lake, `${folder}part-0.parquet`, await tweetsParquet(rows));
  return `s3://${lake.bucket}/${folder}`;
}

/** Calls a step until it no longer runs, as the machine does, and keeps what each call answered. */
async function untilDone<Answer extends { status: string }>(
  call: (state: Answer | { status: 'PENDING' }) => Promise<Answer>,
): Promise<Answer> {
  let answer = await call({ status: 'PENDING' });
  for (let looks = 0; answer.status === 'RUNNING' && looks < 200; looks += 1) {
    await systemClock.sleep(50);
    answer = await call(answer);
  }
  return answer;
}

async function query(sql: string) {
  const id = await startQuery(athena, parseQuery('ad_hoc', 'question', `-- Ad hoc?\n${sql}`), {}, [
    sql,
    Date.now(),
  ]);
  while (!(await hasSucceeded(athena, id))) {
    await systemClock.sleep(20);
  }
  return rowsOf(athena, id, 100);
}

describe('Check the data', () => {
  async function check(rows: readonly object[], attempt = 0, moved?: number) {
    const location = await writeVersion(rows);
    const days = CLEANED_DAYS.map((day) => ({ ...day, location, rows: rows.length, moved }));
    const step = checkData({
      lake,
      catalog,
      athena: athena,
      checks: catalogOfQueries.filter(({ kind }) => kind === 'check'),
      settings: { maxLabelShare: 0.95, minRowsForShare: 50 },
    });
    return untilDone<Exclude<RunState['check'], { status: 'PENDING' }>>((state) =>
      step(stepInput({ clean: { ...CLEANED, days }, check: state }, attempt)),
    );
  }

  test('a good version passes every check', async () => {
    const answer = await check([cleanTweet('1'), cleanTweet('2')]);

    expect(answer).toMatchObject({ status: 'DONE' });
    expect(
      'checks' in answer ? answer.checks.map(({ name, offending }) => [name, offending]) : [],
    ).toEqual([
      ['duplicate_ids', 0],
      ['impossible_dates', 0],
      ['lopsided_labels', 0],
      ['missing_keys', 0],
      ['shrunken_days', 0],
      ['unknown_labels', 0],
    ]);
    expect(await listPartitions(catalog, 'tweets_candidates')).toMatchObject([
      { values: [DAY, VERSION] },
    ]);
  });

  test('a bad version ends the execution with each failing check and its rows, and a report of all', async () => {
    const failure: unknown = await check(
      [cleanTweet('1'), cleanTweet('1'), cleanTweet('3', { label: 'angry' })],
      2,
    ).catch((error: unknown) => error);

    expect(failure).toMatchObject({ name: 'ChecksFailed' });
    const message = failure instanceof Error ? failure.message : '';
    expect(message).toContain('2 of 6 checks found rows');
    expect(message).toMatch(/duplicate_ids \(.+\?\): 1 row, such as .*"tweet_id":"1"/);
    expect(message).toMatch(/unknown_labels \(.+\?\): 1 row, such as .*"angry"/);
    expect(
      await readJsonObject(lake, `processed-data/audit/checks/${RUN_ID}-2.json`),
    ).toMatchObject({
      checks: expect.arrayContaining([
        expect.objectContaining({ name: 'duplicate_ids', offending: 1 }),
      ]),
    });
    expect(await listPartitions(catalog, 'tweets')).toEqual([]);
  });

  test('a day may lose the rows that were forgotten of it, and no other', async () => {
    const published = [cleanTweet('1'), cleanTweet('2'), cleanTweet('3')];
    const folder = `cleaned-data/tweets/dt=${DAY}/run=before-0/`;
    await put(lake, `${folder}part-0.parquet`, await tweetsParquet(published));
    const day = { version: 'before-0', rows: 3, fingerprint: 'f', replaced: null };
    const forget = (rows: number) =>
      setPartitions(catalog, 'tweets', [
        {
          values: [DAY],
          location: `s3://${lake.bucket}/${folder}`,
          parameters: { ...parametersOf(day), forgotten: String(rows) },
        },
      ]);

    await forget(1);
    await expect(check([cleanTweet('1')])).rejects.toMatchObject({
      message: expect.stringContaining('shrunken_days'),
    });

    await forget(2);
    expect(await check([cleanTweet('1')], 1)).toMatchObject({ status: 'DONE' });

    // An edit of the next day has replaced the other one.
    await forget(1);
    expect(await check([cleanTweet('1')], 2, 1)).toMatchObject({ status: 'DONE' });
  });

  test('at most five offending rows are shown, all are counted', async () => {
    const rows = Array.from({ length: 30 }, (_, index) =>
      cleanTweet(String(index), { label: 'angry' }),
    );

    const failure: unknown = await check(rows).catch((error: unknown) => error);

    const message = failure instanceof Error ? failure.message : '';
    expect(message.match(/"angry"/g)).toHaveLength(5);
    expect(message).toContain('30 rows');
  });
});

describe('Check many days', () => {
  const daysUpTo = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      new Date(Date.UTC(2025, 0, 1 + index)).toISOString().slice(0, 10),
    );

  test.each([1, 92, 93, 94, 365, 400])(
    '%i days: every list of days is short enough for Athena, and no day is left out or told twice',
    (count) => {
      const days = daysUpTo(count);
      const forgotten = new Map(days.map((date, index) => [date, index % 3 === 0 ? 0 : 123_456]));

      const batches = batchesOf(
        days.map((date) => ({ date })),
        forgotten,
      );

      expect(batches.flatMap((batch) => batch.days.split(','))).toEqual(days);
      expect(batches.flatMap((batch) => batch.forgotten.split(',').filter(Boolean))).toEqual(
        [...forgotten].filter(([, rows]) => rows > 0).map(([date, rows]) => `${date}=${rows}`),
      );
      for (const { days: names, forgotten: rows } of batches) {
        expect(Math.max(names.length, rows.length) + 2).toBeLessThanOrEqual(
          MAX_PARAMETER_CHARACTERS,
        );
      }
    },
  );

  // One more than fit into one list. More would only make the embedded engine slow.
  test('94 days are checked, the last one like the first', async () => {
    const names = daysUpTo(94);
    const location = await writeVersion([cleanTweet('1'), cleanTweet('2')]);
    const smaller = `s3://${lake.bucket}/cleaned-data/smaller/`;
    await put(lake, 'cleaned-data/smaller/part-0.parquet', await tweetsParquet([cleanTweet('1')]));
    await addPartitions(
      catalog,
      'tweets',
      names.map((day) => ({ values: [day], location })),
    );
    const check = (attempt: number, locationOf: (day: string) => string) =>
      untilDone<Exclude<RunState['check'], { status: 'PENDING' }>>((state) => {
        const days = names.map((date) => ({
          date,
          fingerprint: 'f',
          version: `${RUN_ID}-${attempt}`,
          rows: 2,
          location: locationOf(date),
        }));
        return checkData({
          lake,
          catalog,
          athena: athena,
          checks: catalogOfQueries.filter(({ name }) => name === 'shrunken_days'),
          settings: { maxLabelShare: 0.95, minRowsForShare: 50 },
        })(stepInput({ clean: { ...CLEANED, days }, check: state }, attempt));
      });

    expect(await check(0, () => location)).toMatchObject({
      status: 'DONE',
      checks: [{ name: 'shrunken_days', offending: 0 }],
    });

    const isShrunken = (day: string) => day === names.at(0) || day === names.at(-1);
    const failure: unknown = await check(1, (day) => (isShrunken(day) ? smaller : location)).catch(
      (error: unknown) => error,
    );
    const message = failure instanceof Error ? failure.message : '';
    expect(message).toContain('1 of 1 checks found rows');
    expect(message).toContain('2 rows');
    expect(message).toContain(names.at(0));
    expect(message).toContain(names.at(-1));
  });
});

describe('Refresh analytics', () => {
  const champion = {
    modelVersion: TRAINED.jobName,
    modelUri: TRAINED.modelUri,
    evaluationUri: TRAINED.evaluationUri,
    manifestUri: TRAINED.manifestUri,
    configName: TRAINED.jobName,
    fingerprint: 'seen',
    promotedAt: '2026-11-23T03:00:00.000Z',
    promotedBy: 'arn',
    forced: false,
    previous: null,
  };
  let endpoint: FakeEndpoint;
  let sageMaker: FakeSageMaker;

  beforeEach(() => {
    endpoint = new FakeEndpoint();
    sageMaker = new FakeSageMaker();
    sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: champion.configName };
  });

  async function publish(rows: readonly object[], day = DAY) {
    const location = await writeVersion(rows, day);
    const parameters = parametersOf({
      version: VERSION,
      rows: rows.length,
      fingerprint: 'f',
      replaced: null,
    });
    await setPartitions(catalog, 'tweets', [{ values: [day], location, parameters }]);
  }

  const scoring = {
    endpointTweets: 5000,
    instanceType: 'ml.m5.xlarge',
    instances: 2,
    maxSeconds: 60,
  };
  let emitted = new Emitted();
  beforeEach(() => {
    scoring.endpointTweets = 5000;
    emitted = new Emitted();
  });

  const call = (state: RunState['refresh'], attempt = 0) => {
    const unscoredTweets = catalogOfQueries.find(({ name }) => name === 'unscored_tweets');
    if (!unscoredTweets) {
      throw new Error('there is no unscored_tweets');
    }
    return refreshAnalytics({
      lake,
      catalog,
      athena: athena,
      sageMaker: sageMaker.client,
      endpoint: { runtime: endpoint.client, name: 'sentiment', clock: new TestClock() },
      transforms: {
        sageMaker: sageMaker.client,
        settings: scoring,
        image: 'registry/serving@sha256:1',
        roleArn: 'arn:aws:iam::000000000000:role/learns',
        keyArn: 'arn:aws:kms:us-east-1:000000000000:key/lake',
        lakeName: 'sentiment-lake-dev',
        modelPrefix: 'sl-dev-',
      },
      unscoredTweets,
      languages: ['en'],
      emit: emitted.emit,
      clock: systemClock,
    })(stepInput({ refresh: state }, attempt));
  };
  const refresh = (attempt = 0) =>
    untilDone<Exclude<RunState['refresh'], { status: 'PENDING' }>>((state) => call(state, attempt));

  test('scores nothing while no model is in service', async () => {
    await publish([cleanTweet('1')]);

    expect(await refresh()).toEqual({ status: 'DONE', scored: 0, modelVersion: null });
  });

  test("merges the stream's scores of closed days", async () => {
    const folder = 'processed-data/scored/dt=2026-01-05/';
    for (const tweet_id of ['1', '2', '3', '4', '5']) {
      const row = { tweet_id, label: 'neutral' as const, negative: 0, neutral: 1, positive: 0 };
      const made = {
        model_version: 'sl-a',
        scored_at: new Date('2026-01-05T10:00:00Z'),
        unknown_words: null,
      };
      await put(lake, `${folder}stream-${tweet_id}.parquet`, toParquet([{ ...row, ...made }]));
    }

    await refresh();

    expect(await keysBelow(lake, folder)).toEqual([
      expect.stringContaining('/merged-'),
      ...['1', '2', '3', '4', '5'].map((id) => `${folder}stream-${id}.parquet`),
    ]);
  });

  test("writes the champion's verdict on each published tweet, where Athena finds it", async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish([cleanTweet('1', { text: 'awful' }), cleanTweet('2', { text: 'fine' })]);
    await publish([cleanTweet('3', { created_at: '2026-11-22T10:00:00Z' })], '2026-11-22');
    endpoint.label = (text) => (text === 'awful' ? 'negative' : 'positive');

    expect(await refresh()).toEqual({
      status: 'DONE',
      scored: 3,
      modelVersion: champion.modelVersion,
    });

    const rows = await query(
      `select dt, tweet_id, label, negative, model_version, date_diff('minute', scored_at, current_timestamp) as age
       from scored order by tweet_id`,
    );
    expect(rows).toEqual([
      {
        dt: DAY,
        tweet_id: '1',
        label: 'negative',
        negative: '0.8',
        model_version: champion.modelVersion,
        age: '0',
      },
      {
        dt: DAY,
        tweet_id: '2',
        label: 'positive',
        negative: '0.1',
        model_version: champion.modelVersion,
        age: '0',
      },
      {
        dt: '2026-11-22',
        tweet_id: '3',
        label: 'positive',
        negative: '0.1',
        model_version: champion.modelVersion,
        age: '0',
      },
    ]);
  });

  test('scores each tweet once for a model, and again for the next', async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish([cleanTweet('1')]);
    await refresh();

    expect(await refresh(1)).toMatchObject({ scored: 0 });

    const next = { ...champion, modelVersion: 'sl-next', configName: 'sl-next' };
    await putJsonObject(lake, 'model-outputs/champion.json', next);
    sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: 'sl-next' };
    endpoint.modelVersion = 'sl-next';
    expect(await refresh(2)).toMatchObject({ scored: 1, modelVersion: 'sl-next' });
  });

  test('leaves other languages and older days alone', async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish([cleanTweet('1'), cleanTweet('2', { lang: 'de' })]);
    await publish([cleanTweet('3', { created_at: '2026-11-01T10:00:00Z' })], '2026-11-01');

    expect(await refresh()).toMatchObject({ scored: 1 });
  });

  test('asks for at most 200 texts at once', async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish(Array.from({ length: 450 }, (_, index) => cleanTweet(String(index))));

    await refresh();

    expect(endpoint.requests.map((texts) => texts.length)).toEqual([200, 200, 50]);
  });

  test('puts the champion back behind an endpoint that an ended run left with its candidate', async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish([cleanTweet('1')]);
    sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: 'a-candidate' };

    const answer = await call({ status: 'PENDING' });

    expect(answer).toEqual({
      status: 'RUNNING',
      attempt: 0,
      pending: [DAY],
      query: null,
      scored: 0,
      byEndpoint: 0,
    });
    expect(sageMaker.inputOf('UpdateEndpoint')).toEqual({
      EndpointName: 'sentiment',
      EndpointConfigName: champion.configName,
    });
    expect(endpoint.requests).toEqual([]);
  });

  test('waits while the endpoint changes over', async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish([cleanTweet('1')]);
    sageMaker.endpoint = { EndpointStatus: 'Updating', EndpointConfigName: 'old' };

    expect(await call({ status: 'PENDING' })).toMatchObject({ status: 'RUNNING' });
    expect(sageMaker.commands()).toEqual([]);
  });

  test('an endpoint that is gone is named with what to do', async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish([cleanTweet('1')]);
    sageMaker.endpoint = null;

    await expect(call({ status: 'PENDING' })).rejects.toMatchObject({
      name: 'ScoringFailed',
      message: expect.stringContaining('"mode":"retrain"'),
    });
  });

  test('a verdict of another model is never written as the champion’s', async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish([cleanTweet('1')]);
    endpoint.modelVersion = 'another';

    await expect(refresh()).rejects.toMatchObject({ name: 'ScoringFailed' });
    expect(await keysBelow(lake, 'processed-data/scored/')).toEqual([]);
  });

  test('an endpoint that refuses for a moment is asked again; one that goes on fails the step', async () => {
    await putJsonObject(lake, 'model-outputs/champion.json', champion);
    await publish([cleanTweet('1')]);
    endpoint.failures = [awsError('ModelNotReadyException'), awsError('ServiceUnavailable')];
    expect(await refresh()).toMatchObject({ scored: 1 });

    await putJsonObject(lake, 'model-outputs/champion.json', {
      ...champion,
      modelVersion: 'sl-next',
    });
    endpoint.failures = Array.from({ length: 5 }, () => awsError('ModelError', 'it broke'));
    await expect(refresh()).rejects.toMatchObject({
      name: 'ScoringFailed',
      message: expect.stringContaining('it broke'),
    });
  });
});
