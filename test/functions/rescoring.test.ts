import type { AthenaContext } from '../../functions/lake/athena';
import { hasSucceeded, rowsOf, startQuery } from '../../functions/lake/athena';
import { setPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import { removeObject } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { parametersOf } from '../../functions/lake/published';
import { refreshAnalytics } from '../../functions/refresh-analytics';
import { systemClock } from '../../functions/shared/clock';
import { parseQuery, renderedCatalog } from '../../queries/catalog';
import { RunState } from '../../workflows/payloads';
import { TestClock } from './support/clock';
import { eachWithLake } from './support/each-with-lake';
import { Emitted } from './support/emitted';
import { failNextWrite, keysBelow, put, putJsonObject, readText } from './support/launcher';
import { FakeEndpoint, FakeSageMaker } from './support/sagemaker';
import { RUN_ID, TRAINED, stepInput } from './support/state';
import { cleanTweet, tweetsParquet } from './support/tweets-parquet';

/** What *Refresh analytics* does with more tweets than the endpoint may score: a transform job. */
const DAY = '2026-11-23';
const OTHER_DAY = '2026-11-22';
const VERSION = `${RUN_ID}-0`;
const SCORING = 'processed-data/query-results/scoring/';
const champion = {
  modelVersion: TRAINED.jobName,
  modelUri: TRAINED.modelUri,
  evaluationUri: TRAINED.evaluationUri,
  manifestUri: TRAINED.manifestUri,
  configName: TRAINED.jobName,
  fingerprint: 'seen',
  digest: 'a'.repeat(64),
  promotedAt: '2026-11-23T03:00:00.000Z',
  promotedBy: 'arn',
  forced: false,
  previous: null,
};

let lake: LakeBucket;
let catalog: Catalog;
let athena: AthenaContext;
let endpoint: FakeEndpoint;
let sageMaker: FakeSageMaker;
let emitted: Emitted;
let queriesStarted: () => number;
const scoring = { endpointTweets: 0, instanceType: 'ml.m5.xlarge', instances: 2, maxSeconds: 60 };

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  catalog = await launcher.catalog(lake);
  athena = await launcher.warehouse(lake, catalog);
  let queries = 0;
  athena.athena.middlewareStack.add((next, { commandName }) => (args) => {
    if (commandName === 'StartQueryExecutionCommand') queries += 1;
    return next(args);
  });
  queriesStarted = () => queries;
  endpoint = new FakeEndpoint();
  sageMaker = new FakeSageMaker();
  sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: champion.configName };
  emitted = new Emitted();
  scoring.endpointTweets = 0;
  await putJsonObject(lake, 'model-outputs/champion.json', champion);
  await publish([cleanTweet('1', { text: 'awful' }), cleanTweet('2', { text: 'a "b"\nc' })], DAY);
  await publish([cleanTweet('3', { created_at: `${OTHER_DAY}T10:00:00Z` })], OTHER_DAY);
});

async function publish(rows: readonly object[], day: string) {
  const folder = `cleaned-data/tweets/dt=${day}/run=${VERSION}/`;
  await put(lake, `${folder}part-0.parquet`, await tweetsParquet(rows));
  const parameters = parametersOf({
    version: VERSION,
    rows: rows.length,
    fingerprint: 'f',
    replaced: null,
  });
  const location = `s3://${lake.bucket}/${folder}`;
  await setPartitions(catalog, 'tweets', [{ values: [day], location, parameters }]);
}

type Refresh = RunState['refresh'];

function call(state: Refresh, attempt = 0) {
  const unscoredTweets = renderedCatalog().find(({ name }) => name === 'unscored_tweets');
  if (!unscoredTweets) throw new Error('there is no unscored_tweets');
  return refreshAnalytics({
    lake,
    catalog,
    athena,
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
}

/** Calls the step until it has started a job, which runs. */
async function started(
  attempt = 0,
  from: Refresh = { status: 'PENDING' },
): Promise<{ state: Refresh; job: string }> {
  const begun = sageMaker.calls.length;
  sageMaker.transform = { TransformJobStatus: 'InProgress', CreationTime: new Date() };
  let state: Refresh = await call(from, attempt);
  for (
    let calls = 0;
    calls < 20 && !(state.status === 'RUNNING' && state.job?.startedAt);
    calls += 1
  )
    state = await call(state, attempt);
  const created = sageMaker.calls
    .slice(begun)
    .find(({ command }) => command === 'CreateTransformJob')?.input;
  const job = created && 'TransformJobName' in created ? String(created.TransformJobName) : '';
  return { state, job };
}

/** Completes a job, as SageMaker with the serving program would: it answers each line of each object of its input. */
async function complete(job: string, modelVersion = champion.modelVersion) {
  for (const key of await keysBelow(lake, `${SCORING}${job}/input/`)) {
    const lines = (await readText(lake, key)).trim().split('\n');
    const output = lines.map((line) => {
      const { tweet_id, text }: { tweet_id: string; text: string } = JSON.parse(line);
      const label = text === 'awful' ? 'negative' : 'positive';
      const probabilities = { negative: 0.1, neutral: 0.1, positive: 0.1, [label]: 0.8 };
      return `${JSON.stringify({ tweet_id, SageMakerOutput: { model_version: modelVersion, label, probabilities } })}\n`;
    });
    await put(lake, `${key.replace('/input/', '/output/')}.out`, output.join(''));
  }
  sageMaker.transform = {
    TransformJobStatus: 'Completed',
    ModelName: 'sl-batch-0123456789abcdef',
    CreationTime: new Date(),
    TransformStartTime: new Date('2026-11-24T02:00:00Z'),
    TransformEndTime: new Date('2026-11-24T02:03:00Z'),
  };
}

async function scored() {
  const sql = 'select dt, tweet_id, label, negative, model_version from scored order by tweet_id';
  const query = parseQuery('ad_hoc', 'question', `-- Ad hoc?\n${sql}`);
  const id = await startQuery(athena, query, {}, [Date.now(), Math.random()]);
  while (!(await hasSucceeded(athena, id))) await systemClock.sleep(20);
  return rowsOf(athena, id, 100);
}

const allScored = [
  { dt: DAY, tweet_id: '1', label: 'negative', negative: '0.8', model_version: TRAINED.jobName },
  { dt: DAY, tweet_id: '2', label: 'positive', negative: '0.1', model_version: TRAINED.jobName },
  {
    dt: OTHER_DAY,
    tweet_id: '3',
    label: 'positive',
    negative: '0.1',
    model_version: TRAINED.jobName,
  },
];

test('many tweets are scored by one transform job, published once, and its objects and model are deleted', async () => {
  const { state, job } = await started();

  expect(state).toMatchObject({
    status: 'RUNNING',
    pending: [],
    scored: 0,
    job: { name: job, modelVersion: champion.modelVersion, days: [OTHER_DAY, DAY] },
  });
  expect(await call(state)).toEqual(state);
  const lines = await Promise.all(
    (await keysBelow(lake, `${SCORING}${job}/input/`)).map((key) => readText(lake, key)),
  );
  expect(
    lines
      .join('')
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
  ).toEqual(
    expect.arrayContaining([
      { tweet_id: '1', text: 'awful' },
      { tweet_id: '2', text: 'a "b"\nc' },
      expect.objectContaining({ tweet_id: '3' }),
    ]),
  );

  await complete(job);
  expect(await call(state)).toEqual({
    status: 'DONE',
    scored: 3,
    modelVersion: champion.modelVersion,
    job: { name: job, scored: 3, seconds: 180 },
  });

  expect(await scored()).toEqual(allScored);
  expect(await keysBelow(lake, 'processed-data/scored/')).toEqual([
    `processed-data/scored/dt=${OTHER_DAY}/${job}-0000.parquet`,
    `processed-data/scored/dt=${DAY}/${job}-0000.parquet`,
  ]);
  expect(await keysBelow(lake, SCORING)).toEqual([]);
  expect(endpoint.requests).toEqual([]);
  expect(emitted.lines.map(({ figures }) => figures)).toEqual([
    { PredictionsNegative: 0, PredictionsNeutral: 0, PredictionsPositive: 1 },
    { PredictionsNegative: 1, PredictionsNeutral: 0, PredictionsPositive: 1 },
  ]);
  expect(sageMaker.inputOf('DeleteModel')).toEqual({ ModelName: 'sl-batch-0123456789abcdef' });
});

test("the job runs the champion's archive in the deployed image, encrypted, without a network", async () => {
  const { job } = await started();

  expect(sageMaker.inputOf('CreateModel')).toEqual({
    ModelName: expect.stringMatching(/^sl-dev-batch-[0-9a-f]{16}$/),
    ExecutionRoleArn: 'arn:aws:iam::000000000000:role/learns',
    PrimaryContainer: {
      Image: 'registry/serving@sha256:1',
      ModelDataUrl: champion.modelUri,
      Environment: { MODEL_DIGEST: champion.digest },
    },
    EnableNetworkIsolation: true,
  });
  expect(job).toMatch(/^sl-dev-\d{8}-[0-9a-f]{12}$/);
  expect(sageMaker.inputOf('CreateTransformJob')).toMatchObject({
    TransformInput: {
      DataSource: {
        S3DataSource: {
          S3DataType: 'S3Prefix',
          S3Uri: `s3://${lake.bucket}/${SCORING}${job}/input/`,
        },
      },
      ContentType: 'application/jsonlines',
      SplitType: 'Line',
    },
    TransformOutput: {
      S3OutputPath: `s3://${lake.bucket}/${SCORING}${job}/output/`,
      AssembleWith: 'Line',
      KmsKeyId: 'arn:aws:kms:us-east-1:000000000000:key/lake',
    },
    TransformResources: {
      InstanceType: 'ml.m5.xlarge',
      InstanceCount: 2,
      VolumeKmsKeyId: 'arn:aws:kms:us-east-1:000000000000:key/lake',
    },
    DataProcessing: { JoinSource: 'Input', OutputFilter: "$['tweet_id','SageMakerOutput']" },
    Tags: [{ Key: 'application', Value: 'sentiment-lake-dev' }],
  });
});

test('the endpoint scores as many tweets of a run as the settings allow, and the job those of the other days', async () => {
  scoring.endpointTweets = 2;

  const { state, job } = await started();
  await complete(job);

  expect(await call(state)).toMatchObject({ scored: 3, job: { scored: 2 } });
  expect(endpoint.requests.map((texts) => texts.length)).toEqual([1]);
  expect((await scored()).map(({ tweet_id }) => tweet_id)).toEqual(['1', '2', '3']);
});

test('after the first day of a job, a day is not listed before it is written, and one without new tweets is left out', async () => {
  const middle = ['2026-11-19', '2026-11-20', '2026-11-21'];
  for (const [index, day] of middle.entries())
    await publish([cleanTweet(`${index + 5}`, { created_at: `${day}T10:00:00Z` })], day);
  await publish([cleanTweet('8', { created_at: `${DAY}T10:00:00Z` })], '2026-11-18');
  scoring.endpointTweets = 1;
  const first = await started();
  await complete(first.job);
  await call(first.state);
  await publish([cleanTweet('9', { created_at: '2026-11-18T10:00:00Z' })], '2026-11-18');
  await publish(
    [cleanTweet('10', { created_at: `${DAY}T10:00:00Z` }), cleanTweet('11')],
    '2026-11-17',
  );
  const before = queriesStarted();

  const { state, job } = await started(1);
  await complete(job);

  expect(job).not.toBe(first.job);
  expect(state).toMatchObject({ job: { days: ['2026-11-17', '2026-11-18'] } });
  // One day was listed and written, the six after it were only written.
  expect(queriesStarted() - before).toBe(8);
  expect(await call(state, 1)).toMatchObject({ status: 'DONE', scored: 3, job: { scored: 3 } });
});

test('a call whose answer was lost starts no second job', async () => {
  const { job } = await started();
  const before = sageMaker.calls.length;
  sageMaker.existing = ['CreateModel', 'CreateTransformJob'];

  const again = await started();

  expect(sageMaker.calls.length).toBeGreaterThan(before);
  expect(again.job).toBe(job);
});

test.each([0, 1])(
  'after a crash while scores are published, attempt %i publishes the same job, and no row twice',
  async (attempt) => {
    const { state, job } = await started();
    await complete(job);
    // The first day is published; the second one's object never reaches the bucket.
    failNextWrite(lake, new RegExp(`scored/dt=${DAY}`));

    await expect(call(state)).rejects.toThrow('killed');
    expect(await scored()).toHaveLength(1);
    const again = await call(state, attempt);

    expect(again).toMatchObject({ status: 'DONE', scored: 3, job: { name: job } });
    expect(await scored()).toEqual(allScored);
    expect(sageMaker.commands().filter((name) => name === 'CreateTransformJob')).toHaveLength(1);
  },
);

test('a redrive after a failed job scores again, in a job of its own, what is not scored yet', async () => {
  const { state, job } = await started();
  sageMaker.failedTransforms.set(job, {
    TransformJobStatus: 'Failed',
    FailureReason: 'ClientError: line 3 is not JSON',
  });
  await expect(call(state)).rejects.toMatchObject({
    name: 'ScoringFailed',
    message: expect.stringMatching(/ended as Failed: ClientError: line 3 .*redrive/),
  });

  const again = await started(1, state);
  expect(again.job).not.toBe(job);
  await complete(again.job);

  expect(await call(again.state, 1)).toMatchObject({ status: 'DONE', scored: 3 });
  expect(await scored()).toEqual(allScored);
  // What the failed job left goes, too.
  expect(await keysBelow(lake, SCORING)).toEqual([]);
});

test.each([
  [
    'an object of the output is missing',
    'is missing',
    async (job: string) => {
      const [key = ''] = await keysBelow(lake, `${SCORING}${job}/output/`);
      await put(lake, key.replace('/output/', '/input/').replace(/\.out$/, '-more'), 'x');
    },
  ],
  ['another model answered', 'answers as sl-other', (job: string) => complete(job, 'sl-other')],
  [
    'a line is torn',
    'is not JSON',
    async (job: string) => {
      const [key = ''] = await keysBelow(lake, `${SCORING}${job}/output/`);
      await put(lake, key, (await readText(lake, key)).slice(0, -10));
    },
  ],
])('nothing of a day is published when %s', async (_, message, damage) => {
  const { state, job } = await started();
  await complete(job);
  await damage(job);

  await expect(call(state)).rejects.toMatchObject({
    name: 'ScoringFailed',
    message: expect.stringContaining(message),
  });
  expect(await keysBelow(lake, 'processed-data/scored/')).toEqual([]);
});

test('a redrive after its objects were deleted, as `forget` does, scores again', async () => {
  const { state, job } = await started();
  await complete(job);
  for (const key of await keysBelow(lake, SCORING)) await removeObject(lake, key);

  const again = await started(1, state);
  expect(again.job).not.toBe(job);
  await complete(again.job);

  expect(await call(again.state, 1)).toMatchObject({ status: 'DONE', scored: 3 });
});

test('a job that takes too long is stopped, and the step says which setting limits it', async () => {
  const { state, job } = await started();
  sageMaker.transform = {
    TransformJobStatus: 'InProgress',
    CreationTime: new Date(Date.now() - 61_000),
  };

  await expect(call(state)).rejects.toMatchObject({
    name: 'ScoringFailed',
    message: expect.stringContaining('scoring.maxSeconds (60)'),
  });
  expect(sageMaker.inputOf('StopTransformJob')).toEqual({ TransformJobName: job });
});

test('without a quota the step names it', async () => {
  sageMaker.full = ['on-demand'];

  await expect(started()).rejects.toMatchObject({
    name: 'ScoringFailed',
    message: expect.stringContaining('"ml.m5.xlarge for transform job usage"'),
  });
});

test('an execution that an older release has started goes on', async () => {
  scoring.endpointTweets = 5000;
  const older: Refresh = { status: 'RUNNING', attempt: 0, pending: [DAY], query: null, scored: 7 };

  let state: Refresh = await call(older);
  for (let calls = 0; calls < 20 && state.status === 'RUNNING'; calls += 1)
    state = await call(state);

  expect(state).toMatchObject({ status: 'DONE', scored: 9 });
});
