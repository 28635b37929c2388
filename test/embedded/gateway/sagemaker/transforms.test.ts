import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateModelCommand,
  CreateTransformJobCommand,
  DescribeTransformJobCommand,
  ListTagsCommand,
  ListTransformJobsCommand,
  SageMakerClient,
  StopTransformJobCommand,
} from '@aws-sdk/client-sagemaker';
import type { CreateTransformJobCommandInput } from '@aws-sdk/client-sagemaker';
import { allow, BUCKET, TestCloud, until } from '../cloud';
import { archive, SERVING_IMAGE, tinyProject } from './images';

let cloud: TestCloud;
let sageMaker: SageMakerClient;
const project = tinyProject(mkdtempSync(join(tmpdir(), 'lake-project-')));

beforeAll(async () => {
  cloud = await TestCloud.start({ projectRoot: project, limits: { pingTimeoutSeconds: 10 } });
  sageMaker = new SageMakerClient(cloud.client());
  const role = await cloud.role('Scores', 'sagemaker.amazonaws.com', [
    allow(['s3:ListBucket'], [`arn:aws:s3:::${BUCKET}`]),
    allow(['s3:GetObject'], [`arn:aws:s3:::${BUCKET}/models/*`, `arn:aws:s3:::${BUCKET}/in/*`]),
    allow(['s3:PutObject'], [`arn:aws:s3:::${BUCKET}/out/*`]),
  ]);
  for (const name of ['good', 'crash']) {
    const ModelDataUrl = await cloud.put(`models/${name}.tar.gz`, await archive({ name }));
    await sageMaker.send(
      new CreateModelCommand({
        ModelName: name,
        ExecutionRoleArn: role,
        PrimaryContainer: { Image: SERVING_IMAGE, ModelDataUrl },
        EnableNetworkIsolation: true,
      }),
    );
  }
});
afterAll(async () => {
  await cloud.stop();
  rmSync(project, { recursive: true });
});

let count = 0;

/** A request that succeeds, under a new name; its input lies below `in/<name>/`. */
function request(
  changes: Partial<CreateTransformJobCommandInput> = {},
): CreateTransformJobCommandInput & { TransformJobName: string } {
  const TransformJobName = `scores-${(count += 1)}`;
  return {
    TransformJobName,
    ModelName: 'good',
    BatchStrategy: 'MultiRecord',
    MaxPayloadInMB: 1,
    MaxConcurrentTransforms: 3,
    TransformInput: {
      DataSource: {
        S3DataSource: { S3DataType: 'S3Prefix', S3Uri: `s3://${BUCKET}/in/${TransformJobName}/` },
      },
      ContentType: 'application/jsonlines',
      SplitType: 'Line',
    },
    TransformOutput: {
      S3OutputPath: `s3://${BUCKET}/out/${TransformJobName}`,
      Accept: 'application/jsonlines',
      AssembleWith: 'Line',
    },
    TransformResources: { InstanceType: 'ml.m5.xlarge', InstanceCount: 2 },
    DataProcessing: { JoinSource: 'Input', OutputFilter: "$['id','SageMakerOutput']" },
    ...changes,
  };
}

const line = (id: number, text: string) => `${JSON.stringify({ id, text })}\n`;

async function look(TransformJobName: string) {
  return sageMaker.send(new DescribeTransformJobCommand({ TransformJobName }));
}

const ended = (name: string) =>
  until('the transform has ended', async () => {
    const job = await look(name);
    return job.TransformEndTime && job;
  });

/** Runs a job over these objects, by their names below its input. */
async function run(
  objects: Record<string, string>,
  changes: Partial<CreateTransformJobCommandInput> = {},
) {
  const input = request(changes);
  for (const [name, body] of Object.entries(objects))
    await cloud.put(`in/${input.TransformJobName}/${name}`, body);
  await sageMaker.send(new CreateTransformJobCommand(input));
  return input.TransformJobName;
}

async function output(job: string, name: string): Promise<unknown[]> {
  const body = (await cloud.get(`out/${job}/${name}.out`)).toString('utf8');
  return body
    .trim()
    .split('\n')
    .map((text): unknown => JSON.parse(text));
}

const log = (name: string) =>
  readFileSync(join(cloud.home, 'logs', 'transforms', `${name}.log`), 'utf8');

test('every line of every object below the input is answered, in order, beside its id', async () => {
  // 30,000 lines of about 100 bytes are three payloads of at most 1 MB.
  const many = Array.from({ length: 30_000 }, (_, id) => line(id, 'é'.repeat(id % 100)));

  const name = await run({
    'dt=1/a': many.join(''),
    'dt=2/b': `${line(7, 'tea')}\n${line(8, '')}`,
  });
  const job = await ended(name);

  expect(job).toMatchObject({
    TransformJobStatus: 'Completed',
    ModelName: 'good',
    TransformResources: { InstanceCount: 2 },
  });
  expect(await output(name, 'dt=1/a')).toEqual(
    many.map((_, id) => ({ id, SageMakerOutput: { name: 'good', length: id % 100 } })),
  );
  expect(await output(name, 'dt=2/b')).toEqual([
    { id: 7, SageMakerOutput: { name: 'good', length: 3 } },
    { id: 8, SageMakerOutput: { name: 'good', length: 0 } },
  ]);
  const payloads = log(name).match(/records \d+/g) ?? [];
  expect(payloads.length).toBeGreaterThan(3);
  expect(readdirSync(join(cloud.home, 'transforms'))).toEqual([]);
});

test('one line a call, and answers that are not joined', async () => {
  const name = await run(
    { a: line(1, 'tea') + line(2, 'milk') },
    { BatchStrategy: 'SingleRecord', DataProcessing: undefined },
  );
  await ended(name);

  expect(await output(name, 'a')).toEqual([
    { name: 'good', length: 3 },
    { name: 'good', length: 4 },
  ]);
  expect(log(name).match(/records 1\b/g)).toHaveLength(2);
});

test('a record that the container refuses fails the job, and the other objects keep their output', async () => {
  const name = await run({ a: line(1, 'bad'), b: line(2, 'tea') });

  expect(await ended(name)).toMatchObject({
    TransformJobStatus: 'Failed',
    FailureReason: expect.stringMatching(
      /^ClientError: s3:.*\/a: Bad HTTP status .*400: .*text is bad/,
    ),
  });
  expect(await output(name, 'b')).toHaveLength(1);
  await expect(cloud.get(`out/${name}/a.out`)).rejects.toMatchObject({ name: 'NoSuchKey' });
});

test('answers that are fewer than their records fail the job', async () => {
  const name = await run({ a: line(1, 'lose') + line(2, 'tea') });

  expect(await ended(name)).toMatchObject({
    TransformJobStatus: 'Failed',
    FailureReason: expect.stringContaining('2 records were sent, and 1 were returned'),
  });
});

test.each([
  [
    'a container that ends',
    { a: line(1, 'die') },
    {},
    /AlgorithmError: the container did not answer/,
  ],
  ['a model that does not start', { a: line(1, 'tea') }, { ModelName: 'crash' }, /cannot be read/],
  ['an input without objects', {}, {}, /no S3 objects found/],
  ['a record above the payload', { a: line(1, 'x'.repeat(1_100_000)) }, {}, /MaxPayloadInMB/],
  [
    'an output that the role may not write',
    { a: line(1, 'tea') },
    {
      TransformOutput: { S3OutputPath: `s3://${BUCKET}/elsewhere`, AssembleWith: 'Line' as const },
    },
    /could not write s3:.*elsewhere/,
  ],
])('%s fails the job', async (_, objects, changes, reason) => {
  const name = await run(objects, changes);

  expect(await ended(name)).toMatchObject({
    TransformJobStatus: 'Failed',
    FailureReason: expect.stringMatching(reason),
  });
});

test('a stopped job stores nothing more, and its program ends', async () => {
  const name = await run({ a: line(1, 'wait') });
  await until('it runs', async () => (await look(name)).TransformStartTime !== undefined);

  await sageMaker.send(new StopTransformJobCommand({ TransformJobName: name }));

  const job = await ended(name);
  expect(job.TransformJobStatus).toBe('Stopped');
  expect(job.FailureReason).toBeUndefined();
  // The folder of a program is removed when it has ended.
  await until('its program has ended', async () =>
    readdirSync(join(cloud.home, 'endpoints')).every((folder) => !folder.startsWith(`${name}-`)),
  );
  await expect(
    sageMaker.send(new StopTransformJobCommand({ TransformJobName: name })),
  ).rejects.toThrow('is in status Stopped');
});

test('jobs are listed, and their tags', async () => {
  const name = await run({ a: line(1, 'tea') }, { Tags: [{ Key: 'application', Value: 'lake' }] });
  const { TransformJobArn: ResourceArn } = await ended(name);

  const { TransformJobSummaries } = await sageMaker.send(
    new ListTransformJobsCommand({ NameContains: name, StatusEquals: 'Completed' }),
  );
  expect(TransformJobSummaries).toEqual([
    expect.objectContaining({ TransformJobName: name, TransformJobStatus: 'Completed' }),
  ]);
  expect(await sageMaker.send(new ListTagsCommand({ ResourceArn }))).toMatchObject({
    Tags: [{ Key: 'application', Value: 'lake' }],
  });
});

test.each<[string, Partial<CreateTransformJobCommandInput>, RegExp]>([
  ['an unknown model', { ModelName: 'nobody' }, /Could not find model/],
  ['more than 100 MB at once', { MaxPayloadInMB: 60 }, /must not exceed 100 MB/],
  ['an input filter', { DataProcessing: { InputFilter: '$.text' } }, /filters no input/],
  ['an unknown filter', { DataProcessing: { OutputFilter: '$..id' } }, /as an OutputFilter/],
])('%s is refused', async (_, changes, message) => {
  await expect(
    sageMaker.send(new CreateTransformJobCommand(request(changes))),
  ).rejects.toMatchObject({ name: 'ValidationException', message: expect.stringMatching(message) });
});

test('a name is taken for good', async () => {
  const name = await run({ a: line(1, 'tea') });
  await ended(name);

  await expect(
    sageMaker.send(new CreateTransformJobCommand({ ...request(), TransformJobName: name })),
  ).rejects.toMatchObject({ name: 'ResourceInUse' });
});

test('a caller needs the permission for each call', async () => {
  const stranger = new SageMakerClient(await cloud.person('stranger', []));

  await expect(stranger.send(new CreateTransformJobCommand(request()))).rejects.toThrow(
    /not authorized to perform: sagemaker:CreateTransformJob/,
  );
  await expect(
    stranger.send(new DescribeTransformJobCommand({ TransformJobName: 'scores-1' })),
  ).rejects.toThrow(/not authorized/);
});
