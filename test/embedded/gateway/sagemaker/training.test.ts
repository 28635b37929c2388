import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  CreateTrainingJobCommand,
  DescribeTrainingJobCommand,
  ListTagsCommand,
  ListTrainingJobsCommand,
  SageMakerClient,
  StopTrainingJobCommand,
} from '@aws-sdk/client-sagemaker';
import type { CreateTrainingJobCommandInput } from '@aws-sdk/client-sagemaker';
import { extract } from 'tar-stream';
import { allow, BUCKET, commandLines, TestCloud, until } from '../cloud';
import { TRAINING_IMAGE, tinyProject } from './images';

let cloud: TestCloud;
let sageMaker: SageMakerClient;
let role: string;
const project = tinyProject(mkdtempSync(join(tmpdir(), 'lake-project-')));

beforeAll(async () => {
  cloud = await TestCloud.start({
    projectRoot: project,
    limits: { stopGraceSeconds: 0.3, spotTrainingJobs: 1 },
  });
  sageMaker = new SageMakerClient(cloud.client());
  role = await cloud.role('Trains', 'sagemaker.amazonaws.com', [
    allow(['s3:ListBucket'], [`arn:aws:s3:::${BUCKET}`]),
    allow(['s3:GetObject'], [`arn:aws:s3:::${BUCKET}/in/*`]),
    allow(['s3:PutObject'], [`arn:aws:s3:::${BUCKET}/models/*`]),
  ]);
});
afterAll(async () => {
  await cloud.stop();
  rmSync(project, { recursive: true });
});

let count = 0;

/** A request that succeeds, under a new name. */
function request(
  changes: Partial<CreateTrainingJobCommandInput> = {},
): CreateTrainingJobCommandInput {
  count += 1;
  return {
    TrainingJobName: `job-${count}`,
    AlgorithmSpecification: {
      TrainingImage: TRAINING_IMAGE,
      TrainingInputMode: 'File',
      MetricDefinitions: [
        { Name: 'recall', Regex: 'recall=([0-9.]+)' },
        { Name: 'loss', Regex: 'loss=([0-9.]+)' },
      ],
    },
    RoleArn: role,
    OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/models/` },
    ResourceConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1, VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 60 },
    ...changes,
  };
}

const channel = (
  ChannelName: string,
  S3Uri: string,
  S3DataType: 'S3Prefix' | 'ManifestFile' = 'S3Prefix',
) => ({
  ChannelName,
  DataSource: { S3DataSource: { S3DataType, S3Uri } },
});

async function look(TrainingJobName: string | undefined) {
  return sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName }));
}

async function ended(name: string | undefined) {
  return until('the job has ended', async () => {
    const job = await look(name);
    return job.TrainingEndTime && job;
  });
}

async function run(changes: Partial<CreateTrainingJobCommandInput> = {}) {
  const input = request(changes);
  await sageMaker.send(new CreateTrainingJobCommand(input));
  return ended(input.TrainingJobName);
}

/** The files of an archive in the bucket. */
async function unpacked(key: string): Promise<Record<string, string>> {
  const tar = extract();
  tar.end(gunzipSync(await cloud.get(key)));
  const files: Record<string, string> = {};
  for await (const entry of tar) {
    let content = '';
    for await (const chunk of entry) content += String(chunk);
    files[entry.header.name] = content;
  }
  return files;
}

const log = (name: string | undefined) =>
  readFileSync(join(cloud.home, 'logs', 'training', `${name}.log`), 'utf8');

test('a job runs the entry point of its image with `train`, and its model and output are stored', async () => {
  await cloud.put('in/labels/a.ndjson', 'A');
  await cloud.put('in/labels/deep/b.ndjson', 'B');
  await cloud.put('in/tweets/dt=1/run=x/1.parquet', 'one');
  await cloud.put('in/tweets/dt=2/run=y/2.parquet', 'two');
  await cloud.put('in/tweets/dt=2/run=z/not-published.parquet', 'no');
  const manifest = [
    { prefix: `s3://${BUCKET}/in/tweets/` },
    'dt=1/run=x/1.parquet',
    'dt=2/run=y/2.parquet',
  ];
  const manifestUri = await cloud.put('in/manifest.json', JSON.stringify(manifest));
  const championUri = await cloud.put('in/champion/output/model.tar.gz', 'archive');

  const job = await run({
    HyperParameters: { epochs: '2' },
    EnableNetworkIsolation: true,
    Environment: { MODEL_SEED: '7' },
    InputDataConfig: [
      channel('labels', `s3://${BUCKET}/in/labels/`),
      channel('tweets', manifestUri, 'ManifestFile'),
      channel('champion', championUri),
    ],
  });

  const name = job.TrainingJobName;
  expect(job).toMatchObject({
    TrainingJobStatus: 'Completed',
    SecondaryStatus: 'Completed',
    ModelArtifacts: { S3ModelArtifacts: `s3://${BUCKET}/models/${name}/output/model.tar.gz` },
    HyperParameters: { epochs: '2' },
  });
  expect(job.SecondaryStatusTransitions?.map(({ Status }) => Status)).toEqual([
    'Starting',
    'Downloading',
    'Training',
    'Uploading',
    'Completed',
  ]);
  expect(job.BillableTimeInSeconds).toBeGreaterThanOrEqual(1);
  expect(job.FinalMetricDataList?.map(({ MetricName, Value }) => [MetricName, Value])).toEqual([
    ['recall', 0.7],
  ]);
  expect(await unpacked(`models/${name}/output/model.tar.gz`)).toEqual({
    name,
    'nested/weights': 'w',
  });
  const seen = JSON.parse(
    (await unpacked(`models/${name}/output/output.tar.gz`))['seen.json'] ?? '',
  );
  expect(seen).toMatchObject({
    argv: ['train'],
    cwd: join(project, 'ml/training'),
    parameters: { epochs: '2' },
    channels: ['champion', 'labels', 'tweets'],
    environment: {
      TINY: 'yes',
      MODE: 'from the image',
      WORDS_PATH: join(project, 'ml/training/requirements.txt'),
      MODEL_SEED: '7',
      TRAINING_JOB_NAME: name,
    },
  });
  expect(seen.files).toEqual({
    'labels/a.ndjson': 'A',
    'labels/deep/b.ndjson': 'B',
    'tweets/dt=1/run=x/1.parquet': 'one',
    'tweets/dt=2/run=y/2.parquet': 'two',
    'champion/model.tar.gz': 'archive',
  });
});

test('an isolated job has no way to AWS in its environment, another one has its role', async () => {
  const environment = async (EnableNetworkIsolation: boolean) => {
    const { TrainingJobName } = await run({ EnableNetworkIsolation });
    const { environment: found } = JSON.parse(
      (await unpacked(`models/${TrainingJobName}/output/output.tar.gz`))['seen.json'] ?? '',
    );
    return found;
  };

  expect(Object.keys(await environment(true)).filter((name) => name.startsWith('AWS_'))).toEqual(
    [],
  );
  expect(await environment(false)).toMatchObject({
    AWS_ENDPOINT_URL: cloud.url,
    AWS_ACCESS_KEY_ID: expect.stringMatching(/^ASIA/),
  });
});

test('a failed job says what its program wrote to output/failure, and keeps its output', async () => {
  const job = await run({ HyperParameters: { does: 'fail' } });

  expect(job).toMatchObject({
    TrainingJobStatus: 'Failed',
    FailureReason: 'AlgorithmError: no labels, exit code: 3',
  });
  expect(await unpacked(`models/${job.TrainingJobName}/output/output.tar.gz`)).toEqual({
    'why.json': '{}',
  });
  await expect(
    cloud.get(`models/${job.TrainingJobName}/output/model.tar.gz`),
  ).rejects.toMatchObject({ name: 'NoSuchKey' });
});

test('a crashed job says its exception', async () => {
  const job = await run({ HyperParameters: { does: 'crash' } });

  expect(job.FailureReason).toBe('AlgorithmError: RuntimeError: shape mismatch, exit code: 1');
});

test.each([
  [
    'a prefix without objects',
    () => [channel('labels', `s3://${BUCKET}/in/nothing/`)],
    /no S3 objects found under 's3:\/\/lake\/in\/nothing\/'/,
  ],
  [
    'objects the role may not read',
    () => [channel('labels', `s3://${BUCKET}/secret/`)],
    /s3:GetObject/,
  ],
])('a channel of %s fails the job before it trains', async (_what, channels, reason) => {
  await cloud.put('secret/a', 'x');

  const job = await run({ InputDataConfig: channels() });

  expect(job).toMatchObject({
    TrainingJobStatus: 'Failed',
    FailureReason: expect.stringMatching(reason),
  });
  expect(job.FailureReason).toMatch(/^ClientError: Data download failed/);
  expect(job.TrainingStartTime).toBeUndefined();
});

test.each(['.', '..', '../x', 'a/b', ''])('a channel cannot be called %j', async (name) => {
  await expect(
    sageMaker.send(
      new CreateTrainingJobCommand(
        request({ InputDataConfig: [channel(name, `s3://${BUCKET}/in/`)] }),
      ),
    ),
  ).rejects.toThrow(/channelName/i);
});

test('a manifest cannot write outside its channel', async () => {
  await cloud.put('in/x', 'x');
  const uri = await cloud.put(
    'in/evil.json',
    JSON.stringify([{ prefix: `s3://${BUCKET}/in/` }, '../../../../x']),
  );

  const job = await run({ InputDataConfig: [channel('tweets', uri, 'ManifestFile')] });

  expect(job.FailureReason).toMatch(/'\.\.\/\.\.\/\.\.\/\.\.\/x' points outside its folder/);
});

test('a stopped job gets SIGTERM and ends as Stopped', async () => {
  const input = request({ HyperParameters: { does: 'sleep' } });
  await sageMaker.send(new CreateTrainingJobCommand(input));
  await until(
    'it sleeps',
    async () =>
      (await look(input.TrainingJobName)).SecondaryStatus === 'Training' &&
      log(input.TrainingJobName).includes('asleep'),
  );

  await sageMaker.send(new StopTrainingJobCommand({ TrainingJobName: input.TrainingJobName }));

  expect(await ended(input.TrainingJobName)).toMatchObject({
    TrainingJobStatus: 'Stopped',
    SecondaryStatus: 'Stopped',
  });
  expect(log(input.TrainingJobName)).toContain('asked to stop');
  await expect(
    sageMaker.send(new StopTrainingJobCommand({ TrainingJobName: input.TrainingJobName })),
  ).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringContaining('in status Stopped'),
  });
});

test('a job beyond its maximum runtime is killed if it does not listen, and says why it stopped', async () => {
  const job = await run({
    HyperParameters: { does: 'sleep deaf' },
    StoppingCondition: { MaxRuntimeInSeconds: 1 },
  });

  expect(job).toMatchObject({
    TrainingJobStatus: 'Stopped',
    SecondaryStatus: 'MaxRuntimeExceeded',
  });
  expect(commandLines()).not.toContain(`${project}/ml/training`);
});

test('names are unique, also for requests at the same time', async () => {
  const input = request();

  const answers = await Promise.allSettled(
    [input, input].map((same) => sageMaker.send(new CreateTrainingJobCommand(same))),
  );

  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(answers).toContainEqual({
    status: 'rejected',
    reason: expect.objectContaining({ name: 'ResourceInUse' }),
  });
});

test.each<[string, Partial<CreateTrainingJobCommandInput>, RegExp]>([
  [
    'a name with an underscore',
    { TrainingJobName: 'a_b' },
    /'trainingJobName' failed to satisfy constraint/,
  ],
  ['a name of 64 characters', { TrainingJobName: 'a'.repeat(64) }, /'trainingJobName'/],
  [
    'a role that does not exist',
    { RoleArn: 'arn:aws:iam::000000000000:role/Nobody' },
    /Could not assume role arn:aws:iam::000000000000:role\/Nobody/,
  ],
  [
    'spot capacity without a wait',
    { EnableManagedSpotTraining: true },
    /MaxWaitTimeInSeconds is required with EnableManagedSpotTraining/,
  ],
  [
    'two instances',
    { ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 1 } },
    /'ResourceConfig.InstanceCount'/,
  ],
  [
    'pipe mode',
    { AlgorithmSpecification: { TrainingImage: TRAINING_IMAGE, TrainingInputMode: 'Pipe' } },
    /'AlgorithmSpecification.TrainingInputMode'/,
  ],
])('%s is refused, and the field named', async (_what, changes, message) => {
  await expect(
    sageMaker.send(new CreateTrainingJobCommand(request(changes))),
  ).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringMatching(message),
  });
});

test('spot capacity is given up to its quota, and described', async () => {
  const onSpot = (): CreateTrainingJobCommandInput => ({
    ...request({ HyperParameters: { does: 'sleep' } }),
    EnableManagedSpotTraining: true,
    StoppingCondition: { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 120 },
  });
  const first = onSpot();
  await sageMaker.send(new CreateTrainingJobCommand(first));

  const second = sageMaker.send(new CreateTrainingJobCommand(onSpot()));

  await expect(second).rejects.toMatchObject({
    name: 'ResourceLimitExceeded',
    message: expect.stringContaining("for spot training job usage' is 1 Instances, with current"),
  });
  const { TrainingJobName } = first;
  expect(await sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName }))).toMatchObject({
    EnableManagedSpotTraining: true,
  });
  await sageMaker.send(new StopTrainingJobCommand({ TrainingJobName }));
});

test('an image that this machine does not have fails the job with a hint', async () => {
  const job = await run({
    AlgorithmSpecification: {
      TrainingImage: '763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.6',
      TrainingInputMode: 'File',
    },
  });

  expect(job.FailureReason).toMatch(
    /no image .*pytorch:2.6 on this machine: the embedded cloud has only …-training/,
  );
});

test('a job that does not exist is not found', async () => {
  await expect(look('nobody')).rejects.toMatchObject({
    name: 'ValidationException',
    message: 'Requested resource not found.',
  });
});

test('starting a job needs the permission to start it, to pass its role to SageMaker, and to tag it', async () => {
  const start = allow(['sagemaker:CreateTrainingJob']);
  const pass = {
    ...allow(['iam:PassRole'], [role]),
    Condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
  };
  const passToGlue = {
    ...pass,
    Condition: { StringEquals: { 'iam:PassedToService': 'glue.amazonaws.com' } },
  };
  const as = async (name: string, statements: Parameters<TestCloud['person']>[1]) =>
    new SageMakerClient(await cloud.person(name, statements)).send(
      new CreateTrainingJobCommand(request({ Tags: [{ Key: 'who', Value: name }] })),
    );

  await expect(as('starts-nothing', [pass])).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(
      'sagemaker:CreateTrainingJob on resource: arn:aws:sagemaker:us-east-1:000000000000:training-job/',
    ),
  });
  await expect(as('passes-nothing', [start])).rejects.toMatchObject({
    message: expect.stringContaining(`iam:PassRole on resource: ${role}`),
  });
  await expect(as('passes-to-glue', [start, passToGlue])).rejects.toMatchObject({
    message: expect.stringContaining('iam:PassRole'),
  });
  await expect(as('tags-nothing', [start, pass])).rejects.toMatchObject({
    message: expect.stringContaining('sagemaker:AddTags'),
  });
  const { TrainingJobArn } = await as('trainer', [start, pass, allow(['sagemaker:AddTags'])]);
  const { Tags } = await sageMaker.send(new ListTagsCommand({ ResourceArn: TrainingJobArn }));
  expect(Tags).toEqual([{ Key: 'who', Value: 'trainer' }]);
});

test('jobs are listed newest first, by status', async () => {
  const failed = await run({ HyperParameters: { does: 'fail' } });
  const crashed = await run({ HyperParameters: { does: 'crash' } });

  const { TrainingJobSummaries = [] } = await sageMaker.send(
    new ListTrainingJobsCommand({ StatusEquals: 'Failed', MaxResults: 2 }),
  );

  expect(TrainingJobSummaries.map(({ TrainingJobName }) => TrainingJobName)).toEqual([
    crashed.TrainingJobName,
    failed.TrainingJobName,
  ]);
});

test('ended jobs leave their logs and nothing else', async () => {
  const { TrainingJobName } = await run();

  await until(
    'the scratch folders are gone',
    async () => readdirSync(join(cloud.home, 'training')).length === 0,
  );
  expect(existsSync(join(cloud.home, 'logs', 'training', `${TrainingJobName}.log`))).toBe(true);
  expect(existsSync(join(project, 'ml/training/__pycache__'))).toBe(false);
});
