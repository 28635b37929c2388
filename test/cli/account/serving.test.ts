import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  CreateTrainingJobCommand,
  CreateTransformJobCommand,
  DescribeEndpointCommand,
  ListEndpointsCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { costTags } from '../../../functions/model/names';
import { endpointNames, lakeName } from '../../../infra/naming';
import { endpointsLeft, findServing, removeServing } from '../../../cli/account/serving';
import { synthesize } from '../../infra/synthesis';
import { allow, BUCKET, TestCloud, until } from '../../embedded/gateway/cloud';
import {
  archive,
  SERVING_IMAGE,
  tinyProject,
  TRAINING_IMAGE,
} from '../../embedded/gateway/sagemaker/images';

/*
 * An account with two environments, and somebody else's things beside them, at the embedded SageMaker. The endpoint
 * of each, serverless in dev and real-time in prod, has the name that its synthesized stack gives it.
 */
let cloud: TestCloud;
let client: SageMakerClient;
const project = tinyProject(mkdtempSync(join(tmpdir(), 'lake-project-')));
const names = { dev: '', prod: '' };
const ofRole = new Map<string, string>();
const { signal } = new AbortController();

beforeAll(async () => {
  for (const environment of ['dev', 'prod'] as const) {
    const { pipeline } = synthesize({ env: environment });
    names[environment] = String(pipeline.findOutputs('EndpointName').EndpointName?.Value);
  }
  cloud = await TestCloud.start({ projectRoot: project });
  client = new SageMakerClient(cloud.client());
  for (const name of [
    lakeName('dev', 'MachineLearningRole'),
    lakeName('prod', 'MachineLearningRole'),
    'somebody',
  ]) {
    const role = await cloud.role(name, 'sagemaker.amazonaws.com', [allow(['s3:*'])]);
    ofRole.set(name, role);
  }
}, 300_000);
afterAll(async () => {
  await cloud?.stop();
  rmSync(project, { recursive: true });
});

async function makeModel(name: string, role: string): Promise<void> {
  const ModelDataUrl = await cloud.put(`models/${name}.tar.gz`, await archive({ name }));
  await client.send(
    new CreateModelCommand({
      ModelName: name,
      ExecutionRoleArn: ofRole.get(role),
      PrimaryContainer: { Image: SERVING_IMAGE, ModelDataUrl },
    }),
  );
}

async function makeConfig(name: string, kind: 'serverless' | 'realtime'): Promise<void> {
  const capacity =
    kind === 'serverless'
      ? { ServerlessConfig: { MemorySizeInMB: 3072, MaxConcurrency: 5 } }
      : { InstanceType: 'ml.c6i.large' as const, InitialInstanceCount: 2 };
  await client.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: name,
      ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: name, ...capacity }],
    }),
  );
}

const makeEndpoint = (EndpointName: string, EndpointConfigName: string, lake?: string) =>
  client.send(
    new CreateEndpointCommand({
      EndpointName,
      EndpointConfigName,
      ...(lake === undefined ? {} : { Tags: costTags(lake) }),
    }),
  );

const settled = (EndpointName: string) =>
  until('the endpoint has settled', async () => {
    const { EndpointStatus } = await client.send(new DescribeEndpointCommand({ EndpointName }));
    return EndpointStatus === 'InService';
  });

const endpoints = async (): Promise<string[]> =>
  ((await client.send(new ListEndpointsCommand({}))).Endpoints ?? [])
    .map(({ EndpointName = '' }) => EndpointName)
    .sort();

/** A training job that is at work for a minute. */
const train = async (name: string, role: string) =>
  client.send(
    new CreateTrainingJobCommand({
      TrainingJobName: name,
      RoleArn: ofRole.get(role),
      HyperParameters: { does: 'sleep' },
      AlgorithmSpecification: { TrainingImage: TRAINING_IMAGE, TrainingInputMode: 'File' },
      OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/out/` },
      ResourceConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1, VolumeSizeInGB: 1 },
      StoppingCondition: { MaxRuntimeInSeconds: 60 },
    }),
  );

/** A transform job whose program does not answer. */
async function transform(name: string, ModelName: string): Promise<void> {
  const S3Uri = await cloud.put('in/lines', '{"text":"wait"}\n');
  await client.send(
    new CreateTransformJobCommand({
      TransformJobName: name,
      ModelName,
      TransformInput: {
        DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri } },
        ContentType: 'application/jsonlines',
        SplitType: 'Line',
      },
      TransformOutput: { S3OutputPath: `s3://${BUCKET}/out/`, AssembleWith: 'Line' },
      TransformResources: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1 },
    }),
  );
}

test('finds what is of this environment, and nothing of another or of anybody else', async () => {
  const dev = lakeName('dev', 'MachineLearningRole');
  const prod = lakeName('prod', 'MachineLearningRole');
  for (const [name, role, kind] of [
    ['sl-dev', dev, 'serverless'],
    ['sl-prod', prod, 'realtime'],
    ['sl-theirs', 'somebody', 'serverless'],
    ['asl-dev', dev, 'serverless'],
  ] as const) {
    await makeModel(name, role);
    await makeConfig(name, kind);
  }
  await makeEndpoint(names.dev, 'sl-dev', lakeName('dev'));
  await makeEndpoint('sentiment-lake-dev2-serverless', 'sl-theirs');
  await makeEndpoint(names.prod, 'sl-prod', lakeName('prod'));
  await train('sl-job-dev', dev);
  await train('sl-job-prod', prod);
  await transform('sl-scores-dev', 'sl-dev');
  await transform('sl-scores-prod', 'sl-prod');

  expect(await findServing(client, 'dev')).toEqual({
    endpoints: [names.dev],
    configs: ['sl-dev'],
    models: ['sl-dev'],
    jobs: ['sl-job-dev'],
    transforms: ['sl-scores-dev'],
  });
  expect(await findServing(client, 'prod')).toMatchObject({ endpoints: [names.prod] });
});

test('removes the endpoint, that costs, first and the models, that say whose the rest is, last', async () => {
  // Of the other kind, from before the settings were changed; and one that is being changed just now.
  await makeTheOtherKind();
  const watched = new SageMakerClient(cloud.client());
  const removed: string[] = [];
  watched.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const answer = await next(args);
        if (/^(Stop|Delete)/.test(String(commandName)))
          removed.push(
            `${String(commandName).replace('Command', '')} ${String(Object.values(args.input)[0])}`,
          );
        return answer;
      },
    { step: 'initialize' },
  );

  await removeServing(watched, endpointNames('dev'), await findServing(watched, 'dev'), signal);

  expect(removed.slice(0, 2)).toEqual([
    'StopTrainingJob sl-job-dev',
    'StopTransformJob sl-scores-dev',
  ]);
  expect(removed.slice(2, 4).sort()).toEqual([
    'DeleteEndpoint sentiment-lake-dev-realtime',
    'DeleteEndpoint sentiment-lake-dev-serverless',
  ]);
  expect(removed.slice(4).sort()).toEqual([
    'DeleteEndpointConfig sl-dev',
    'DeleteEndpointConfig sl-dev-realtime',
    'DeleteModel sl-dev',
    'DeleteModel sl-dev-realtime',
  ]);
  expect(removed.findLastIndex((one) => one.startsWith('DeleteEndpointConfig'))).toBeLessThan(
    removed.findIndex((one) => one.startsWith('DeleteModel')),
  );
  expect(await endpoints()).toEqual(['sentiment-lake-dev2-serverless', names.prod]);
  expect(await endpointsLeft(client, 'dev')).toEqual([]);
}, 60_000);

async function makeTheOtherKind(): Promise<void> {
  await makeModel('sl-dev-realtime', lakeName('dev', 'MachineLearningRole'));
  await makeConfig('sl-dev-realtime', 'realtime');
  await makeEndpoint('sentiment-lake-dev-realtime', 'sl-dev-realtime', lakeName('dev'));
  await settled(names.dev);
  await client.send(
    new UpdateEndpointCommand({ EndpointName: names.dev, EndpointConfigName: 'sl-dev' }),
  );
}

test('a second look finds an endpoint by its tag or by the beginning of its name', async () => {
  await makeEndpoint('elsewhere', 'sl-theirs', lakeName('dev'));
  await makeEndpoint('sentiment-lake-dev-other', 'sl-theirs');

  expect((await endpointsLeft(client, 'dev')).sort()).toEqual([
    'elsewhere',
    'sentiment-lake-dev-other',
  ]);
  expect(await endpointsLeft(client, 'prod')).toEqual([names.prod]);
});
