import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { pack } from 'tar-stream';
import { z } from 'zod';
import { systemClock } from '../../functions/shared/clock';
import { gateSettings } from '../../functions/model/gate-settings';
import { goldenTweets } from '../../functions/model/golden-tweets';
import { evaluateCandidate } from '../../functions/evaluate-candidate';
import { setPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import type { LakeBucket } from '../../functions/lake/objects';
import { parametersOf } from '../../functions/lake/published';
import { trainingJobName } from '../../functions/model/names';
import { promoteModel } from '../../functions/promote-model';
import { smokeTestEndpoint } from '../../functions/smoke-test-endpoint';
import { trainModel } from '../../functions/train-model';
import { updateEndpoint } from '../../functions/update-endpoint';
import { settingsFor } from '../../infra/config';
import type { FunctionSettings } from '../../functions/settings/settings';
import type { Champion, RunState } from '../../workflows/payloads';
import { eachWithLake } from './support/each-with-lake';
import { TestClock } from './support/clock';
import { evaluationOf, even, labelRows, ndjson } from './support/evaluation';
import { awsError } from './support/job-runs';
import { keysBelow, put, putJsonObject, readJsonObject, readText } from './support/launcher';
import { testRegistry } from './support/registry';
import { FakeEndpoint, FakeSageMaker } from './support/sagemaker';
import { EXECUTION, PLAN, RUN_ID, TRAINED, stepInput } from './support/state';

let lake: LakeBucket;
let catalog: Catalog;
let sageMaker: FakeSageMaker;
const clock = new TestClock();

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  catalog = await launcher.catalog(lake);
  sageMaker = new FakeSageMaker();
});

const inLake = (key: string) => `s3://${lake.bucket}/${key}`;

/** A training that is done, in this test's bucket. */
const trained = (): typeof TRAINED => ({
  ...TRAINED,
  modelUri: inLake(`model-outputs/${TRAINED.jobName}/output/model.tar.gz`),
  evaluationUri: inLake(`model-outputs/${TRAINED.jobName}/evaluation.json`),
  manifestUri: inLake(`model-outputs/${TRAINED.jobName}/manifest.json`),
});

const championNamed = (modelVersion: string): Champion => ({
  schemaVersion: 1,
  modelVersion,
  modelUri: inLake(`model-outputs/${modelVersion}/output/model.tar.gz`),
  evaluationUri: inLake(`model-outputs/${modelVersion}/evaluation.json`),
  manifestUri: inLake(`model-outputs/${modelVersion}/manifest.json`),
  configName: modelVersion,
  fingerprint: 'older',
  promotedAt: '2026-11-23T03:00:00.000Z',
  promotedBy: 'arn:of:the:night:before',
  forced: false,
  previous: null,
});

const DIGEST = 'a'.repeat(64);

/** What the gate decided of a model it accepts, whose digest it knows or not. */
function acceptedWith(digest?: string): RunState['evaluation'] {
  return {
    promote: true,
    forced: false,
    inService: 'sl-champion',
    ...(digest !== undefined && { digest }),
    reasons: ['kept'],
    heldOutRows: null,
    candidate: null,
    champion: null,
    lexicon: null,
    minusChampion: null,
    minusLexicon: null,
  };
}

const putChampion = (modelVersion: string) =>
  putJsonObject(lake, 'model-outputs/champion.json', championNamed(modelVersion));

describe('Train the model', () => {
  const JOB = trainingJobName('2026-11-24', EXECUTION.arn, 0);
  let retrainsOnDrift = false;
  let gateChanges: Partial<FunctionSettings['evaluation']> = {};
  beforeEach(() => {
    gateChanges = {};
  });
  const train = (changes: Partial<RunState> = {}, attempt = 0, spot = false, tweetsGb = 2) =>
    trainModel({
      lake,
      catalog,
      sageMaker: sageMaker.client,
      roleArn: 'arn:aws:iam::000000000000:role/ml',
      keyArn: 'arn:key',
      lakeName: 'sentiment-lake-test',
      modelPrefix: 'sl-',
      build: {
        trainingImage: 'training:1',
        servingImage: 'serving:1',
        gitCommit: 'abc',
        gitDirty: true,
        packageLock: 'lock',
      },
      settings: {
        training: {
          instanceType: 'ml.m5.xlarge',
          maxSeconds: 3600,
          spot,
          maxWaitSeconds: 7200,
          volumeGb: 10,
          tweetsGb,
          serves: 'fp32',
          int8Tolerance: 0.005,
        },
        evaluation: { ...settingsFor('dev').evaluation, ...gateChanges },
        drift: { ...settingsFor('dev').drift, retrain: retrainsOnDrift },
      },
      languages: ['en'],
      clock,
    })(stepInput(changes, attempt));
  const retrain = { plan: { ...PLAN, mode: 'retrain' as const } };

  async function publish(day: string, version: string) {
    const folder = `cleaned-data/tweets/dt=${day}/run=${version}/`;
    await put(lake, `${folder}part-0.parquet`, 'rows');
    await put(lake, `${folder}_SUCCESS`, '');
    const parameters = parametersOf({ version, rows: 3, fingerprint: 'f', replaced: null });
    await setPartitions(catalog, 'tweets', [
      { values: [day], location: inLake(folder), parameters },
    ]);
  }

  const importLabels = (content = '{}') => put(lake, 'raw-data/labels/people.ndjson', content);

  const CORPUS = 'raw-data/corpora/emotion.jsonl.gz';

  test('a job name is one SageMaker takes, and another for each execution and attempt', () => {
    const names = [
      JOB,
      trainingJobName('2026-11-24', EXECUTION.arn, 1),
      trainingJobName('2026-11-24', 'other', 0),
    ];

    expect(new Set(names).size).toBe(3);
    for (const name of names) {
      expect(name).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);
    }
  });

  test('starts a job that is cut off, encrypted, bounded, and named by execution and attempt', async () => {
    await importLabels();
    await publish('2026-11-23', 'v1');
    await putChampion('sl-champion');

    const answer = await train({ plan: { ...PLAN, training: { epochs: 2, learning_rate: 0.01 } } });

    expect(answer).toEqual({
      status: 'RUNNING',
      attempt: 0,
      jobName: JOB,
      fingerprint: expect.any(String),
    });
    expect(sageMaker.inputOf('CreateTrainingJob')).toMatchObject({
      TrainingJobName: JOB,
      RoleArn: 'arn:aws:iam::000000000000:role/ml',
      Tags: [{ Key: 'application', Value: 'sentiment-lake-test' }],
      AlgorithmSpecification: { TrainingImage: 'training:1', TrainingInputMode: 'File' },
      HyperParameters: {
        serves: 'fp32',
        int8_tolerance: '0.005',
        epochs: '2',
        learning_rate: '0.01',
      },
      OutputDataConfig: { S3OutputPath: inLake('model-outputs/'), KmsKeyId: 'arn:key' },
      ResourceConfig: {
        InstanceType: 'ml.m5.xlarge',
        InstanceCount: 1,
        VolumeSizeInGB: 10,
        VolumeKmsKeyId: 'arn:key',
      },
      StoppingCondition: { MaxRuntimeInSeconds: 3600 },
      EnableNetworkIsolation: true,
    });
  });

  test('gives the job exactly the published versions, the labels, the request and the champion', async () => {
    await importLabels();
    await publish('2026-11-22', 'v1');
    await publish('2026-11-23', 'v2');
    await put(lake, 'cleaned-data/tweets/dt=2026-11-23/run=never-published/part-0.parquet', 'rows');
    await putChampion('sl-champion');
    await put(lake, 'model-outputs/sl-champion/output/model.tar.gz', 'archive');

    await train();

    const source = (S3DataType: string, key: string) => ({
      S3DataSource: { S3DataType, S3Uri: inLake(key) },
    });
    expect(sageMaker.inputOf('CreateTrainingJob')).toMatchObject({
      InputDataConfig: [
        {
          ChannelName: 'labels',
          DataSource: source('ManifestFile', `model-outputs/${JOB}/input/labels.manifest`),
        },
        {
          ChannelName: 'request',
          DataSource: source('S3Prefix', `model-outputs/${JOB}/input/request.json`),
        },
        {
          ChannelName: 'tweets',
          DataSource: source('ManifestFile', `model-outputs/${JOB}/input/tweets.manifest`),
        },
        {
          ChannelName: 'champion',
          DataSource: source('S3Prefix', 'model-outputs/sl-champion/output/model.tar.gz'),
        },
      ],
    });
    expect(await readJsonObject(lake, `model-outputs/${JOB}/input/labels.manifest`)).toEqual([
      { prefix: inLake('raw-data/labels/') },
      'people.ndjson',
    ]);
    expect(await readJsonObject(lake, `model-outputs/${JOB}/input/tweets.manifest`)).toEqual([
      { prefix: inLake('cleaned-data/tweets/') },
      'dt=2026-11-22/run=v1/part-0.parquet',
      'dt=2026-11-23/run=v2/part-0.parquet',
    ]);
  });

  describe('when the lake has more tweets than a training reads', () => {
    const GB_OF_FILES = (files: number) => files * 4e-9;
    const keysGiven = async () =>
      z
        .tuple([z.unknown()], z.string())
        .parse(await readJsonObject(lake, `model-outputs/${JOB}/input/tweets.manifest`))
        .slice(1);
    const daysGiven = async () =>
      z
        .object({ cleaned_data: z.array(z.object({ date: z.string() })) })
        .parse(await readJsonObject(lake, `model-outputs/${JOB}/input/request.json`))
        .cleaned_data.map(({ date }) => date);

    beforeEach(async () => {
      await importLabels();
      for (let day = 1; day <= 20; day += 1) {
        const date = `2026-11-${String(day).padStart(2, '0')}`;
        await publish(date, 'v1');
        await put(lake, `cleaned-data/tweets/dt=${date}/run=v1/part-1.parquet`, 'rows');
      }
    });

    test('it gets the newest days, and of the oldest of them as many files as fit', async () => {
      await train({}, 0, false, GB_OF_FILES(5));

      expect(await keysGiven()).toEqual([
        'dt=2026-11-18/run=v1/part-0.parquet',
        'dt=2026-11-19/run=v1/part-0.parquet',
        'dt=2026-11-19/run=v1/part-1.parquet',
        'dt=2026-11-20/run=v1/part-0.parquet',
        'dt=2026-11-20/run=v1/part-1.parquet',
      ]);
      expect(await daysGiven()).toEqual(['2026-11-18', '2026-11-19', '2026-11-20']);
    });

    test('it gets all days that fit, however many are listed', async () => {
      await train({}, 0, false, GB_OF_FILES(39));

      expect(await keysGiven()).toHaveLength(39);
      expect(await daysGiven()).toHaveLength(20);
    });

    test('a file larger than all that it may read fails the run with the settings to change', async () => {
      await expect(train({}, 0, false, GB_OF_FILES(0.5))).rejects.toMatchObject({
        name: 'TrainingFailed',
        message: expect.stringMatching(
          /dt=2026-11-20\/run=v1\/part-0.parquet has .* Raise training.tweetsGb/,
        ),
      });
    });
  });

  test('writes down which data, labels and code the model comes from', async () => {
    await importLabels();
    await publish('2026-11-23', 'v1');

    await train();

    expect(await readJsonObject(lake, `model-outputs/${JOB}/input/request.json`)).toEqual({
      schema_version: 1,
      run_id: RUN_ID,
      execution_arn: EXECUTION.arn,
      cleaned_data: [
        {
          date: '2026-11-23',
          version: 'v1',
          location: inLake('cleaned-data/tweets/dt=2026-11-23/run=v1/'),
          rows: 3,
        },
      ],
      labels: [
        {
          uri: inLake('raw-data/labels/people.ndjson'),
          etag: expect.stringMatching(/^"[0-9a-f]+"$/),
        },
      ],
      languages: ['en'],
      hyperparameters: { serves: 'fp32', int8_tolerance: '0.005' },
      encoder: null,
      champion: null,
      last_training: null,
      best: null,
      golden_tweets: goldenTweets.map(({ text }) => text),
      gate: gateSettings(settingsFor('dev').evaluation),
      level: 0.95,
      images: { training: 'training:1', serving: 'serving:1' },
      git: { commit: 'abc', dirty: true },
      lockfiles: { 'package-lock.json': 'lock' },
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('a champion whose archive is gone is asked for all the same, and no channel ends the job', async () => {
    await importLabels();
    await putChampion('sl-champion');

    await train();

    const request = await readJsonObject(lake, `model-outputs/${JOB}/input/request.json`);
    expect(request).toMatchObject({ champion: { version: 'sl-champion' } });
    expect(JSON.stringify(sageMaker.inputOf('CreateTrainingJob'))).not.toContain('"champion"');
  });

  test('gives the job the best model of the last days as a channel, unless its archive is gone', async () => {
    await importLabels();
    await putChampion('sl-champion');
    const archive = 'model-outputs/sl-best/output/model.tar.gz';
    const entry = { version: 'sl-best', modelUri: inLake(archive), forced: false };
    await putJsonObject(lake, 'model-outputs/promotions.json', {
      schemaVersion: 1,
      promotions: [
        { ...entry, macroRecall: 0.76, promotedAt: '2026-11-20T03:00:00.000Z' },
        {
          version: 'sl-champion',
          modelUri: inLake('model-outputs/sl-champion/output/model.tar.gz'),
          macroRecall: 0.75,
          promotedAt: '2026-11-23T03:00:00.000Z',
          forced: false,
        },
      ],
    });
    const channel = {
      ChannelName: 'best',
      DataSource: { S3DataSource: expect.objectContaining({ S3Uri: inLake(archive) }) },
    };
    const request = () => readJsonObject(lake, `model-outputs/${JOB}/input/request.json`);

    await train();
    const without = sageMaker.inputOf('CreateTrainingJob');
    expect(JSON.stringify(without)).not.toContain('sl-best');
    expect(await request()).toMatchObject({ best: null });

    await put(lake, archive, 'archive');
    sageMaker = new FakeSageMaker();
    await train();
    expect(sageMaker.inputOf('CreateTrainingJob')).toMatchObject({
      InputDataConfig: expect.arrayContaining([expect.objectContaining(channel)]),
    });
    expect(await request()).toMatchObject({ best: { version: 'sl-best', uri: inLake(archive) } });
  });

  test('leaves out the channels that have nothing: tweets and champion on the first night', async () => {
    await importLabels();

    await train();

    const input = sageMaker.inputOf('CreateTrainingJob');
    expect(input && 'InputDataConfig' in input ? input.InputDataConfig : []).toMatchObject([
      { ChannelName: 'labels' },
      { ChannelName: 'request' },
    ]);
  });

  describe('with corpora to pre-train on', () => {
    const Channels = z.object({
      InputDataConfig: z.array(
        z.object({
          ChannelName: z.string(),
          DataSource: z.object({ S3DataSource: z.object({ S3Uri: z.string() }) }),
        }),
      ),
    });
    const channels = () =>
      Object.fromEntries(
        Channels.parse(sageMaker.inputOf('CreateTrainingJob')).InputDataConfig.map(
          ({ ChannelName, DataSource }) => [ChannelName, DataSource.S3DataSource.S3Uri],
        ),
      );
    const version = async () =>
      z
        .object({ encoder: z.object({ version: z.string() }) })
        .parse(await readJsonObject(lake, `model-outputs/${JOB}/input/request.json`)).encoder
        .version;

    beforeEach(async () => {
      await importLabels();
      await put(lake, CORPUS, '{}');
    });

    test('the first job gets the corpora, and its request says what the encoder is to be called', async () => {
      await train();

      expect(channels()).toMatchObject({ corpora: inLake('raw-data/corpora/') });
      expect(channels()).not.toHaveProperty('encoder');
      expect(await version()).toMatch(/^enc-[0-9a-f]{16}$/);
    });

    test('a job that ended leaves its encoder to the next one, which gets no corpora', async () => {
      await train();
      const folder = `model-outputs/encoders/${await version()}/`;
      await put(lake, `${folder}encoder.npz`, 'weights');
      await put(lake, `${folder}encoder.json`, '{}');
      sageMaker.calls.length = 0;

      await train();

      expect(channels()).toMatchObject({ encoder: inLake(folder) });
      expect(channels()).not.toHaveProperty('corpora');
    });

    test('half an encoder is none', async () => {
      await train();
      await put(lake, `model-outputs/encoders/${await version()}/encoder.npz`, 'weights');
      sageMaker.calls.length = 0;

      await train();

      expect(channels()).not.toHaveProperty('encoder');
    });
  });

  test('without human labels it says how to get some', async () => {
    await publish('2026-11-23', 'v1');

    await expect(train()).rejects.toMatchObject({
      name: 'NoLabels',
      message: expect.stringContaining('import-labels'),
    });
  });

  describe('when the last training saw the same', () => {
    beforeEach(async () => {
      await importLabels();
      await publish('2026-11-23', 'v1');
      const answer = await train();
      const fingerprint = answer.status === 'RUNNING' ? answer.fingerprint : '';
      const last = {
        schemaVersion: 2,
        jobName: 'sl-earlier',
        fingerprint,
        decidedAt: '2026-11-23T03:00:00.000Z',
      };
      await putJsonObject(lake, 'model-outputs/latest-training.json', last);
      sageMaker.calls.length = 0;
    });

    test('a nightly run trains nothing and names that training', async () => {
      expect(await train()).toEqual({
        status: 'SKIPPED',
        reason: expect.stringContaining('sl-earlier'),
      });
      expect(sageMaker.commands()).toEqual([]);
    });

    test('a nightly run trains all the same after drift, where the settings say so', async () => {
      await putChampion('sl-drifted');
      await putJsonObject(lake, 'model-outputs/drift.json', {
        schemaVersion: 1,
        runId: 'r',
        comparedAt: '2026-11-23T03:00:00.000Z',
        modelVersion: 'sl-drifted',
        beyond: ['a new word'],
      });

      expect(await train()).toMatchObject({ status: 'SKIPPED' });
      retrainsOnDrift = true;
      expect(await train()).toMatchObject({ status: 'RUNNING' });
      retrainsOnDrift = false;
    });

    test('a retrain trains all the same', async () => {
      expect(await train(retrain)).toMatchObject({ status: 'RUNNING' });
    });

    describe('and a day was cleaned anew', () => {
      const manifest = 'model-outputs/sl-earlier/manifest.json';
      const lastInRequest = async () =>
        z
          .object({ last_training: z.unknown() })
          .parse(await readJsonObject(lake, `model-outputs/${JOB}/input/request.json`))
          .last_training;

      beforeEach(async () => {
        const gate = gateSettings(settingsFor('dev').evaluation);
        await putJsonObject(lake, manifest, { training_input: 'learnt', request: { gate } });
        await publish('2026-11-23', 'v2');
      });

      test('the job is told what the last training learnt from', async () => {
        await train();

        expect(await lastInRequest()).toEqual({ version: 'sl-earlier', training_input: 'learnt' });
      });

      test('the job must not skip where the gate has other settings since', async () => {
        gateChanges = { tolerance: 0.02 };

        await train();

        expect(await lastInRequest()).toBeNull();
      });

      test('a retrain compares with nothing', async () => {
        await train(retrain);

        expect(await lastInRequest()).toBeNull();
      });

      test.each([
        [
          'is gone',
          () => lake.s3.send(new DeleteObjectCommand({ Bucket: lake.bucket, Key: manifest })),
        ],
        ['is of an older release', () => putJsonObject(lake, manifest, { schema_version: 1 })],
        [
          'names no settings of the gate',
          () => putJsonObject(lake, manifest, { training_input: 'learnt', request: {} }),
        ],
        ['is damaged', () => put(lake, manifest, '{"training_input"')],
      ])('a manifest that %s lets the job train', async (_, change) => {
        await change();

        await train();

        expect(await lastInRequest()).toBeNull();
      });
    });

    test.each([
      ['another label', () => importLabels('{"more":1}')],
      ['another version of a day', () => publish('2026-11-23', 'v2')],
      ['another day', () => publish('2026-11-24', 'v1')],
      ['a corpus to pre-train on', () => put(lake, CORPUS, '{}')],
    ])('%s is something new to learn', async (_, change) => {
      await change();

      expect(await train()).toMatchObject({ status: 'RUNNING' });
    });

    test.each([
      { tolerance: 0.02 },
      { minHeldOutRows: 100 },
      { minHeldOutPerClass: 10 },
      { level: 0.9 },
      { bestOfDays: 0 },
      { behaviourTolerance: 0.1 },
      { maxRecallDrop: 0.2 },
    ])('the gate may decide otherwise with %j, so a nightly run trains', async (changes) => {
      gateChanges = changes;

      expect(await train()).toMatchObject({ status: 'RUNNING' });
    });

    test('how long a grant is good for decides on no candidate', async () => {
      gateChanges = { forceGrantHours: 1 };

      expect(await train()).toMatchObject({ status: 'SKIPPED' });
    });

    test('other options are something new to learn', async () => {
      expect(await train({ plan: { ...PLAN, training: { seed: 7 } } })).toMatchObject({
        status: 'RUNNING',
      });
    });
  });

  test('finds the job that a call whose answer was lost has started', async () => {
    await importLabels();
    const first = await train();
    sageMaker.job = { TrainingJobStatus: 'InProgress' };
    sageMaker.calls.length = 0;

    expect(await train()).toEqual(first);
    expect(sageMaker.commands()).toEqual([]);
  });

  test('a job that an earlier try of the very call has started is its own', async () => {
    await importLabels();
    sageMaker.existing = ['CreateTrainingJob'];

    expect(await train()).toMatchObject({ status: 'RUNNING', jobName: JOB });
  });

  test('a redrive starts a job of its own', async () => {
    await importLabels();
    const first = await train();

    const second = await train({ train: first }, 1);

    expect(second).toMatchObject({
      attempt: 1,
      jobName: trainingJobName('2026-11-24', EXECUTION.arn, 1),
    });
  });

  describe('on spot capacity', () => {
    const Asked = z.object({
      EnableManagedSpotTraining: z.boolean().optional(),
      StoppingCondition: z.object({ MaxWaitTimeInSeconds: z.number().optional() }),
    });
    const asked = () =>
      sageMaker.calls
        .filter(({ command }) => command === 'CreateTrainingJob')
        .map(({ input }) => {
          const { EnableManagedSpotTraining: spot = false, StoppingCondition } = Asked.parse(input);
          return { spot, waits: StoppingCondition.MaxWaitTimeInSeconds !== undefined };
        });

    beforeEach(() => importLabels());

    test('a job runs there where the quota has room', async () => {
      expect(await train({}, 0, true)).toMatchObject({ status: 'RUNNING' });
      expect(asked()).toEqual([{ spot: true, waits: true }]);
    });

    test('a job runs on demand where the quota of spot capacity is used up', async () => {
      sageMaker.full = ['spot'];

      expect(await train({}, 0, true)).toMatchObject({ status: 'RUNNING', jobName: JOB });
      expect(asked()).toEqual([
        { spot: true, waits: true },
        { spot: false, waits: false },
      ]);
    });

    test('a run ends with both quotas by name where neither has room', async () => {
      sageMaker.full = ['spot', 'on-demand'];

      await expect(train({}, 0, true)).rejects.toMatchObject({
        name: 'TrainingQuotaExceeded',
        message: expect.stringMatching(
          /limit of spot is 0 .* limit of on-demand is 0.*"ml\.m5\.xlarge for spot training job usage" or "ml\.m5\.xlarge for training job usage".*redrive/,
        ),
      });
    });
  });

  describe('a job that runs', () => {
    const running = { status: 'RUNNING', attempt: 0, jobName: JOB, fingerprint: 'seen' } as const;
    const outputKey = `model-outputs/${JOB}/output/output.tar.gz`;

    async function archiveOf(files: Record<string, string>): Promise<Uint8Array> {
      const tar = pack();
      for (const [name, content] of Object.entries(files)) {
        tar.entry({ name }, content);
      }
      tar.finalize();
      return gzipSync(await buffer(tar));
    }

    const completed = () => ({
      TrainingJobStatus: 'Completed',
      TrainingTimeInSeconds: 23,
      ModelArtifacts: { S3ModelArtifacts: inLake(`model-outputs/${JOB}/output/model.tar.gz`) },
    });

    describe('and would learn from the same as the last training', () => {
      const last = {
        schemaVersion: 2,
        jobName: 'sl-earlier',
        fingerprint: 'before',
        decidedAt: '2026-11-23T03:00:00.000Z',
      };
      const unchanged = { schema_version: 1, same_as: 'sl-earlier', labels: 90, weak: 7 };

      beforeEach(async () => {
        await putJsonObject(lake, 'model-outputs/latest-training.json', last);
        sageMaker.job = completed();
      });

      test('ends the training with the reason, and the next run starts no job', async () => {
        await put(
          lake,
          outputKey,
          await archiveOf({ 'unchanged.json': JSON.stringify(unchanged) }),
        );

        expect(await train({ train: running })).toEqual({
          status: 'SKIPPED',
          reason:
            "sl-earlier was trained on the same 90 labels, 7 tweets with the lexicon's label, corpora, options and code, " +
            'though days or files changed',
          seconds: 23,
        });
        expect(await readJsonObject(lake, 'model-outputs/latest-training.json')).toEqual({
          ...last,
          fingerprint: 'seen',
        });
      });

      test('records nothing where another training was decided on since', async () => {
        await put(
          lake,
          outputKey,
          await archiveOf({
            'unchanged.json': JSON.stringify({ ...unchanged, same_as: 'sl-before' }),
          }),
        );

        await train({ train: running });

        expect(await readJsonObject(lake, 'model-outputs/latest-training.json')).toEqual(last);
      });

      test('fails if it does not say which', async () => {
        await put(lake, outputKey, await archiveOf({ 'unchanged.json': '{}' }));

        await expect(train({ train: running })).rejects.toMatchObject({ name: 'TrainingFailed' });
      });
    });

    test.each(['InProgress', 'Stopping'])(
      'is looked at again while it is %s',
      async (TrainingJobStatus) => {
        sageMaker.job = { TrainingJobStatus };

        expect(await train({ train: running })).toEqual(running);
      },
    );

    test.each(['Failed', 'Stopped'])(
      'that ended as %s fails with its reason',
      async (TrainingJobStatus) => {
        sageMaker.job = { TrainingJobStatus, FailureReason: 'no label of the class neutral' };

        await expect(train({ train: running })).rejects.toMatchObject({
          name: 'TrainingFailed',
          message: expect.stringContaining('no label of the class neutral'),
        });
      },
    );

    test('that is done says what it really ran on', async () => {
      sageMaker.job = { ...completed(), EnableManagedSpotTraining: true };
      const evaluation = JSON.stringify({ training: { epochs: 6, seconds: 20 } });
      const files = { 'evaluation.json': evaluation, 'manifest.json': '{}' };
      await put(lake, outputKey, await archiveOf(files));

      expect(await train({ train: running })).toMatchObject({ capacity: 'spot' });
    });

    test('that is done leaves evaluation and manifest where people find them', async () => {
      sageMaker.job = completed();
      const evaluation = { training: { epochs: 6, seconds: 20 } };
      const files = {
        './evaluation.json': JSON.stringify(evaluation),
        'evaluation.html': '<p>figures</p>',
        'other.bin': 'x',
        'manifest.json': '{"a":1}',
      };
      await put(lake, outputKey, await archiveOf(files));

      expect(await train({ train: running })).toEqual({
        status: 'DONE',
        jobName: JOB,
        fingerprint: 'seen',
        capacity: 'on-demand',
        modelUri: inLake(`model-outputs/${JOB}/output/model.tar.gz`),
        evaluationUri: inLake(`model-outputs/${JOB}/evaluation.json`),
        manifestUri: inLake(`model-outputs/${JOB}/manifest.json`),
        epochs: 6,
        seconds: 23,
      });
      expect(await readJsonObject(lake, `model-outputs/${JOB}/evaluation.json`)).toEqual(
        evaluation,
      );
      expect(await readJsonObject(lake, `model-outputs/${JOB}/manifest.json`)).toEqual({ a: 1 });
      expect(await readText(lake, `model-outputs/${JOB}/evaluation.html`)).toBe('<p>figures</p>');
    });

    test('that is done with a figure that is no number leaves it for the gate to say so', async () => {
      sageMaker.job = completed();
      const evaluation = '{"a": NaN, "training": {"epochs": 6, "seconds": 20}}';
      await put(
        lake,
        outputKey,
        await archiveOf({ 'evaluation.json': evaluation, 'manifest.json': '{}' }),
      );

      expect(await train({ train: running })).toMatchObject({ status: 'DONE', epochs: 6 });
      expect(await readText(lake, `model-outputs/${JOB}/evaluation.json`)).toBe(evaluation);
    });

    test('that made an encoder on its way leaves it to those that come', async () => {
      const encoder = { version: 'enc-1', corpora: [], uri: null };
      await importLabels();
      await train();
      const key = `model-outputs/${JOB}/input/request.json`;
      const request = z.looseObject({}).parse(await readJsonObject(lake, key));
      await putJsonObject(lake, key, { ...request, encoder });
      sageMaker.job = completed();
      const files = {
        'evaluation.json': '{"training":{"epochs":6,"seconds":20}}',
        'manifest.json': '{}',
        'encoder/encoder.npz': 'weights',
        'encoder/encoder.json': '{"encoder_version":"enc-1"}',
      };
      await put(lake, outputKey, await archiveOf(files));

      await train({ train: running });

      expect(await keysBelow(lake, 'model-outputs/encoders/')).toEqual([
        'model-outputs/encoders/enc-1/encoder.json',
        'model-outputs/encoders/enc-1/encoder.npz',
      ]);
      expect(await readJsonObject(lake, 'model-outputs/encoders/enc-1/encoder.json')).toEqual({
        encoder_version: 'enc-1',
      });
    });

    test.each([
      ['no archive', null, 'TrainingFailed'],
      ['no manifest', { 'evaluation.json': '{}' }, 'TrainingFailed'],
      [
        'half an evaluation',
        { 'evaluation.json': '{"a": 0.', 'manifest.json': '{}' },
        'EvaluationUnusable',
      ],
      ['no epochs', { 'evaluation.json': '{}', 'manifest.json': '{}' }, 'EvaluationUnusable'],
    ])('that is done and left %s fails', async (_, files, name) => {
      sageMaker.job = completed();
      if (files) {
        await put(lake, outputKey, await archiveOf(files));
      }

      await expect(train({ train: running })).rejects.toMatchObject({ name });
    });
  });
});

describe('Evaluate the candidate', () => {
  const evaluate = async (night: Parameters<typeof evaluationOf>[0] = {}) => {
    const rows = labelRows(600);
    await put(lake, 'raw-data/labels/people.ndjson', ndjson(rows));
    const evaluation = evaluationOf({ rows, ...night });
    await putJsonObject(lake, `model-outputs/${TRAINED.jobName}/evaluation.json`, evaluation);
    return evaluateCandidate({
      lake,
      settings: settingsFor('dev').evaluation,
      clock,
      ...testRegistry(),
    })(stepInput({ train: trained() }));
  };

  test('the first model takes over when it beats the lexicon', async () => {
    const decision = await evaluate();

    expect(decision).toMatchObject({
      promote: true,
      forced: false,
      inService: null,
      heldOutRows: 600,
      champion: null,
    });
    expect(decision.reasons).toContain('passed: Champion: none in service yet');
  });

  test.each([
    ['better', 0.75, 0.02],
    ['equal', 0.77, 0.02],
    ['a little worse, which may be chance', 0.775, 0.02],
  ])('a candidate that is %s than the champion takes over', async (_, champion, spread) => {
    await putChampion('sl-champion');

    // Another answer somewhere: else there is nothing new.
    const candidate = { negative: 0.77, neutral: 0.78, positive: 0.76 };
    const decision = await evaluate({ candidate, champion: even(champion), spread });

    expect(decision).toMatchObject({ promote: true, inService: 'sl-champion' });
  });

  test('an accepted model is recorded as the last training by its promotion only', async () => {
    await evaluate();

    expect(await keysBelow(lake, 'model-outputs/latest')).toEqual([]);
  });
});

describe('Update the endpoint', () => {
  const SERVERLESS = {
    kind: 'serverless',
    instanceType: 'ml.c6i.large',
    instances: 2,
    memoryMb: 3072,
    maxConcurrency: 5,
  } as const;
  const update = (
    update: RunState['update'] = { status: 'PENDING' },
    kind: 'serverless' | 'realtime' = 'serverless',
    instances = 2,
    evaluation: RunState['evaluation'] = { status: 'PENDING' },
  ) =>
    updateEndpoint({
      sageMaker: sageMaker.client,
      endpointName: 'sentiment',
      servingImage: 'serving:1',
      roleArn: 'arn:aws:iam::000000000000:role/ml',
      keyArn: 'arn:key',
      lakeName: 'sentiment-lake-test',
      rollbackAlarms: ['sentiment-rollback'],
      settings: { ...SERVERLESS, kind, instances },
    })(stepInput({ train: trained(), evaluation, update }));
  const running = {
    status: 'RUNNING',
    attempt: 0,
    endpointName: 'sentiment',
    configName: TRAINED.jobName,
  } as const;
  const target = { EndpointName: 'sentiment', EndpointConfigName: TRAINED.jobName };

  test('creates model, configuration and endpoint where there is none', async () => {
    expect(await update()).toEqual(running);
    expect(sageMaker.commands()).toEqual(['CreateModel', 'CreateEndpointConfig', 'CreateEndpoint']);
    expect(sageMaker.inputOf('CreateModel')).toEqual({
      ModelName: TRAINED.jobName,
      ExecutionRoleArn: 'arn:aws:iam::000000000000:role/ml',
      PrimaryContainer: { Image: 'serving:1', ModelDataUrl: trained().modelUri },
    });
    expect(sageMaker.inputOf('CreateEndpointConfig')).toEqual({
      EndpointConfigName: TRAINED.jobName,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: TRAINED.jobName,
          ServerlessConfig: { MemorySizeInMB: 3072, MaxConcurrency: 5 },
        },
      ],
    });
    expect(sageMaker.inputOf('CreateEndpoint')).toEqual({
      ...target,
      Tags: [{ Key: 'application', Value: 'sentiment-lake-test' }],
    });
  });

  test('tells the container which model it has to be', async () => {
    await update({ status: 'PENDING' }, 'serverless', 2, acceptedWith(DIGEST));

    expect(sageMaker.inputOf('CreateModel')).toMatchObject({
      PrimaryContainer: { Environment: { MODEL_DIGEST: DIGEST } },
    });
  });

  test('a real-time endpoint is isolated, encrypted, and keeps the name of its variant', async () => {
    await update({ status: 'PENDING' }, 'realtime');

    expect(sageMaker.inputOf('CreateModel')).toMatchObject({ EnableNetworkIsolation: true });
    expect(sageMaker.inputOf('CreateEndpointConfig')).toMatchObject({
      KmsKeyId: 'arn:key',
      ProductionVariants: [
        { VariantName: 'AllTraffic', InstanceType: 'ml.c6i.large', InitialInstanceCount: 2 },
      ],
    });
  });

  test('updates an endpoint that serves another model', async () => {
    sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: 'older' };

    await update();

    expect(sageMaker.commands()).toEqual(['CreateModel', 'CreateEndpointConfig', 'UpdateEndpoint']);
    expect(sageMaker.inputOf('UpdateEndpoint')).toEqual(target);
  });

  test.each([
    [2, { Type: 'CANARY', CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 } }],
    [1, { Type: 'ALL_AT_ONCE' }],
  ])('%d real-time instances are exchanged as %j, watched by the alarm', async (count, routing) => {
    sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: 'older' };

    await update({ status: 'PENDING' }, 'realtime', count);

    expect(sageMaker.inputOf('UpdateEndpoint')).toEqual({
      ...target,
      DeploymentConfig: {
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: { WaitIntervalInSeconds: 300, ...routing },
          TerminationWaitInSeconds: 60,
          MaximumExecutionTimeoutInSeconds: 3600,
        },
        AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'sentiment-rollback' }] },
      },
    });
  });

  test('an error that is not "could not find" creates nothing', async () => {
    sageMaker.client.middlewareStack.add(
      () => () => {
        throw awsError('AccessDeniedException', 'not yours');
      },
      { step: 'initialize', priority: 'high' },
    );

    await expect(update()).rejects.toThrow('not yours');
  });

  test.each([
    [
      'already serves the model',
      { EndpointStatus: 'InService', EndpointConfigName: TRAINED.jobName },
    ],
    [
      'is on its way to the model',
      {
        EndpointStatus: 'Updating',
        EndpointConfigName: 'older',
        PendingDeploymentSummary: { EndpointConfigName: TRAINED.jobName },
      },
    ],
  ])('a repeated call changes nothing on an endpoint that %s', async (_, endpoint) => {
    sageMaker.existing = ['CreateModel', 'CreateEndpointConfig'];
    sageMaker.endpoint = endpoint;

    expect(await update()).toEqual(running);
    expect(sageMaker.commands()).toEqual(['CreateModel', 'CreateEndpointConfig']);
  });

  test.each([
    ['UpdateEndpoint', { EndpointStatus: 'InService', EndpointConfigName: 'older' }],
    ['CreateEndpoint', null],
  ])(
    '%s that is refused because an earlier try of it has begun is well',
    async (command, before) => {
      sageMaker.endpoint = before;
      sageMaker.existing = [command];
      sageMaker.foundThen = { EndpointStatus: 'Updating', EndpointConfigName: TRAINED.jobName };

      expect(await update()).toEqual(running);
    },
  );

  test('an update that is refused for another reason fails', async () => {
    sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: 'older' };
    sageMaker.existing = ['UpdateEndpoint'];

    await expect(update()).rejects.toMatchObject({ name: 'ValidationException' });
  });

  test.each(['Updating', 'Failed', 'Deleting'])(
    'an endpoint that is %s for another reason is left alone',
    async (EndpointStatus) => {
      sageMaker.endpoint = { EndpointStatus, EndpointConfigName: 'older' };

      await expect(update()).rejects.toMatchObject({
        name: 'EndpointUpdateFailed',
        message: expect.stringContaining('redrive'),
      });
    },
  );

  test.each(['Creating', 'Updating', 'SystemUpdating', 'RollingBack'])(
    'looks again while the endpoint is %s',
    async (EndpointStatus) => {
      sageMaker.endpoint = { EndpointStatus };

      expect(await update(running)).toEqual(running);
    },
  );

  test('is done when the endpoint serves our configuration', async () => {
    sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: TRAINED.jobName };

    expect(await update(running)).toEqual({
      status: 'DONE',
      endpointName: 'sentiment',
      configName: TRAINED.jobName,
    });
  });

  test('a silent rollback is a failure, although the endpoint is in service', async () => {
    sageMaker.endpoint = {
      EndpointStatus: 'InService',
      EndpointConfigName: 'older',
      FailureReason: 'ping failed',
    };

    await expect(update(running)).rejects.toMatchObject({
      name: 'EndpointUpdateFailed',
      message: expect.stringMatching(/rolled back to older: ping failed/),
    });
  });

  test.each(['Failed', 'OutOfService', 'UpdateRollbackFailed'])(
    'an endpoint that ended as %s fails with its reason',
    async (EndpointStatus) => {
      sageMaker.endpoint = { EndpointStatus, FailureReason: 'no capacity' };

      await expect(update(running)).rejects.toMatchObject({
        message: expect.stringContaining('no capacity'),
      });
    },
  );
});

describe('Smoke-test the endpoint', () => {
  let endpoint: FakeEndpoint;
  const smokeTest = (digest?: string) =>
    smokeTestEndpoint({
      lake,
      sageMaker: sageMaker.client,
      endpoint: { runtime: endpoint.client, name: 'sentiment', clock: new TestClock() },
    })(stepInput({ train: trained(), evaluation: acceptedWith(digest) }));
  const expectedOf = (text: string) =>
    goldenTweets.find((golden) => golden.text === text)?.expected ?? 'neutral';

  beforeEach(async () => {
    endpoint = new FakeEndpoint();
    endpoint.label = expectedOf;
    sageMaker.endpoint = { EndpointStatus: 'InService', EndpointConfigName: TRAINED.jobName };
    await putChampion('sl-champion');
  });

  test('there is a golden tweet of each class', () => {
    expect(new Set(goldenTweets.map(({ expected }) => expected))).toEqual(
      new Set(['negative', 'neutral', 'positive']),
    );
  });

  test('passes a model that reads plain tweets as people do', async () => {
    const answer = await smokeTest();

    expect(answer.modelVersion).toBe(TRAINED.jobName);
    expect(answer.answers).toHaveLength(goldenTweets.length);
    expect(answer.answers[0]).toEqual({
      ...goldenTweets[0],
      label: goldenTweets[0]?.expected,
      probability: 0.8,
    });
  });

  test('tolerates an opinion on what is neutral', async () => {
    endpoint.label = (text) => (expectedOf(text) === 'neutral' ? 'positive' : expectedOf(text));

    expect((await smokeTest()).answers).toHaveLength(goldenTweets.length);
  });

  test.each([
    [
      'misreads plain tweets',
      () => (endpoint.label = () => 'positive'),
      'is negative, the model says positive',
    ],
    [
      'answers as another model',
      () => (endpoint.modelVersion = 'sl-champion'),
      'answers as sl-champion',
    ],
    [
      'does not answer',
      () =>
        (endpoint.failures = Array.from({ length: 5 }, () => awsError('ModelError', 'it broke'))),
      'it broke',
    ],
  ])(
    'a model that %s is replaced by the champion before the execution fails',
    async (_, breakIt, message) => {
      breakIt();

      await expect(smokeTest()).rejects.toMatchObject({
        name: 'SmokeTestFailed',
        message: expect.stringMatching(new RegExp(`${message}[^]*put back to sl-champion`)),
      });
      expect(sageMaker.inputOf('UpdateEndpoint')).toEqual({
        EndpointName: 'sentiment',
        EndpointConfigName: 'sl-champion',
      });
    },
  );

  test('an endpoint that never answers leaves time to put the champion back', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
    const { port } = z.object({ port: z.number() }).parse(silent.address());
    const runtime = new SageMakerRuntimeClient({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    });
    const test = smokeTestEndpoint({
      lake,
      sageMaker: sageMaker.client,
      endpoint: { runtime, name: 'sentiment', clock: systemClock },
    });

    // Of its Lambda's time a second is left for the test itself.
    await expect(
      test(stepInput({ train: trained() }), { getRemainingTimeInMillis: () => 63_000 }),
    ).rejects.toMatchObject({
      name: 'SmokeTestFailed',
      message: expect.stringMatching(
        /did not answer in 1 try: the time of the Lambda's call was over\. The endpoint was put back to sl-champion/,
      ),
    });
    silent.closeAllConnections();
    silent.close();
  });

  test('passes the model that was evaluated, and one of which nobody knows the digest', async () => {
    endpoint.modelDigest = DIGEST;

    expect((await smokeTest(DIGEST)).modelVersion).toBe(TRAINED.jobName);
    expect((await smokeTest()).modelVersion).toBe(TRAINED.jobName);
  });

  test.each([
    ['another digest', 'b'.repeat(64)],
    ['none, as older serving programs do', undefined],
  ])('a model that answers %s is replaced by the champion', async (_, digest) => {
    endpoint.modelDigest = digest;

    await expect(smokeTest(DIGEST)).rejects.toMatchObject({
      name: 'ArchiveMismatch',
      message: expect.stringMatching(/changed after it was evaluated[^]*put back to sl-champion/),
    });
    expect(sageMaker.inputOf('UpdateEndpoint')).toEqual({
      EndpointName: 'sentiment',
      EndpointConfigName: 'sl-champion',
    });
  });

  test('says so when the endpoint cannot be put back now', async () => {
    sageMaker.endpoint = { EndpointStatus: 'Updating', EndpointConfigName: TRAINED.jobName };
    endpoint.label = () => 'positive';

    await expect(smokeTest()).rejects.toMatchObject({
      message: expect.stringContaining('is Updating and could not be put back to sl-champion'),
    });
    expect(sageMaker.commands()).toEqual([]);
  });

  test('on the first night there is no model to put back', async () => {
    await lake.s3.send(
      new DeleteObjectCommand({ Bucket: lake.bucket, Key: 'model-outputs/champion.json' }),
    );
    endpoint.label = () => 'positive';

    await expect(smokeTest()).rejects.toMatchObject({
      message: expect.stringContaining('No earlier model'),
    });
    expect(sageMaker.commands()).toEqual([]);
  });
});

describe('Promote the model', () => {
  const evaluation = (champion: string | null): RunState['evaluation'] => {
    const figures = {
      macro_recall: 0.7,
      accuracy: 0.7,
      macro_f1: 0.7,
      recall: { negative: 0.7, neutral: 0.7, positive: 0.7 },
    };
    const zero = { value: 0, low: 0, high: 0, level: 0.95, resamples: 10 };
    return {
      promote: true,
      forced: false,
      inService: champion,
      reasons: ['kept'],
      heldOutRows: 800,
      candidate: figures,
      champion: champion === null ? null : { ...figures, version: champion },
      lexicon: { ...figures, name: 'VADER' },
      minusChampion: champion === null ? null : zero,
      minusLexicon: zero,
    };
  };
  const promote = (champion: string | null) =>
    promoteModel({ lake, clock, settings: settingsFor('dev').registry, ...testRegistry() })(
      stepInput({
        train: trained(),
        evaluation: evaluation(champion),
        update: { status: 'DONE', endpointName: 'sentiment', configName: TRAINED.jobName },
      }),
    );
  const inService = () => readJsonObject(lake, 'model-outputs/champion.json');

  test('the first model becomes the champion', async () => {
    const answer = await promote(null);

    expect(answer).toEqual({
      modelVersion: TRAINED.jobName,
      previous: null,
      promotedAt: '2026-11-24T02:20:00.000Z',
    });
    expect(await inService()).toEqual({
      schemaVersion: 1,
      modelVersion: TRAINED.jobName,
      modelUri: trained().modelUri,
      evaluationUri: trained().evaluationUri,
      manifestUri: trained().manifestUri,
      configName: TRAINED.jobName,
      fingerprint: 'seen',
      macroRecall: expect.any(Number),
      promotedAt: '2026-11-24T02:20:00.000Z',
      promotedBy: EXECUTION.arn,
      forced: false,
      previous: null,
    });
  });

  test('replaces the champion it was compared with', async () => {
    await putChampion('sl-champion');

    expect(await promote('sl-champion')).toMatchObject({ previous: 'sl-champion' });
    expect(await inService()).toMatchObject({
      modelVersion: TRAINED.jobName,
      previous: 'sl-champion',
    });
  });

  test.each([
    ['another champion', 'sl-another', 'sl-champion'],
    ['a champion where there was none', 'sl-another', null],
  ])('never takes the place of %s', async (_, current, compared) => {
    await putChampion(current);

    await expect(promote(compared)).rejects.toMatchObject({
      name: 'PromotionConflict',
      message: expect.stringContaining(current),
    });
    expect(await inService()).toMatchObject({ modelVersion: current });
  });

  test('a call repeated after its answer was lost answers the same', async () => {
    await putChampion('sl-champion');
    const first = await promote('sl-champion');

    expect(await promote('sl-champion')).toEqual(first);
  });

  test('settles the training, so that the same data is not learnt again', async () => {
    await promote(null);

    expect(await readJsonObject(lake, 'model-outputs/latest-training.json')).toMatchObject({
      fingerprint: 'seen',
    });
  });

  test('promotes nothing that the gate refused', async () => {
    const refused = { ...evaluation(null), promote: false };
    const step = promoteModel({
      lake,
      clock,
      settings: settingsFor('dev').registry,
      ...testRegistry(),
    });

    await expect(step(stepInput({ train: trained(), evaluation: refused }))).rejects.toMatchObject({
      name: 'PromotionConflict',
    });
  });
});
