import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  CreateTrainingJobCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import type { CreateTrainingJobRequest, ProductionVariant } from '@aws-sdk/client-sagemaker';
import { settingsFor } from '../../../../infra/config';
import { policiesOfTheLake } from '../../../policies/granted';
import { ACCOUNT } from '../../../policies/template';
import { allow, BUCKET, ROOT_KEY, TestCloud } from '../cloud';
import type { Statement } from '../cloud';
import { archive, SERVING_IMAGE, tinyProject, TRAINING_IMAGE } from './images';

/*
 * The conditions of the deployed policies, asked by the embedded SageMaker: two callers have the very statements that the
 * stacks give to ModelOperatorRole and EndpointUpdaterRole.
 */
let key: string;
const { training, endpoint } = settingsFor('local');
const project = tinyProject(mkdtempSync(join(tmpdir(), 'lake-project-')));
let cloud: TestCloud;
let operator: SageMakerClient;
let updater: SageMakerClient;
let people: { withGrant: SageMakerClient; withoutGrant: SageMakerClient };
let trains: string;
let serves: string;
let grants: string;
let jobs = 0;

beforeAll(async () => {
  const { granted } = policiesOfTheLake();
  cloud = await TestCloud.start({ projectRoot: project });
  const keyId = await cloud.encryptionKey();
  key = `arn:aws:kms:us-east-1:${ROOT_KEY}:key/${keyId}`;
  const named = (text: string) =>
    text.replaceAll(ACCOUNT, ROOT_KEY).replaceAll('key/uuid', `key/${keyId}`);
  const statementsOf = (role: string): Statement[] =>
    granted
      .filter((one) => one.role === role)
      .map(({ statement: { Effect, Action, Resource, Condition } }) => ({
        Effect,
        Action,
        Resource: (Resource ?? []).map((one) => named(String(one))),
        Condition: JSON.parse(named(JSON.stringify(Condition))),
      }));
  const clientOf = async (role: string, statements = statementsOf(role)) =>
    new SageMakerClient(await cloud.person(role, statements));
  operator = await clientOf('ModelOperatorRole');
  updater = await clientOf('EndpointUpdaterRole');
  const begins = allow(['sagemaker:*', 'iam:PassRole']);
  people = {
    withGrant: await clientOf('with-grant', [begins, allow(['kms:CreateGrant'])]),
    withoutGrant: await clientOf('without-grant', [begins]),
  };
  const role = (name: string) =>
    cloud.role(`sentiment-lake-local-${name}`, 'sagemaker.amazonaws.com', [
      allow(['s3:*', 'kms:Decrypt', 'kms:GenerateDataKey']),
    ]);
  trains = await role('MachineLearningRole');
  grants = await cloud.role('sentiment-lake-local-GrantingRole', 'sagemaker.amazonaws.com', [
    allow(['s3:*', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:CreateGrant']),
  ]);
  serves = await role('ServingRole');
  await cloud.put('models/good.tar.gz', await archive({ name: 'good' }));
}, 300_000);
afterAll(async () => {
  await cloud?.stop();
  rmSync(project, { recursive: true });
});

function job(changes: Partial<CreateTrainingJobRequest> = {}): CreateTrainingJobRequest {
  return {
    TrainingJobName: `sl-job-${(jobs += 1)}`,
    RoleArn: trains,
    AlgorithmSpecification: { TrainingImage: TRAINING_IMAGE, TrainingInputMode: 'File' },
    OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/out/`, KmsKeyId: key },
    ResourceConfig: resources(),
    StoppingCondition: { MaxRuntimeInSeconds: training.maxSeconds },
    EnableNetworkIsolation: true,
    ...changes,
  };
}

const resources = (
  changes: Partial<CreateTrainingJobRequest['ResourceConfig']> = {},
): CreateTrainingJobRequest['ResourceConfig'] => ({
  InstanceType: 'ml.m5.xlarge',
  InstanceCount: 1,
  VolumeSizeInGB: 1,
  VolumeKmsKeyId: key,
  ...changes,
});

const start = (request: CreateTrainingJobRequest) =>
  operator.send(new CreateTrainingJobCommand(request));

test('a training job as the pipeline asks for it is started', async () => {
  expect(await start(job())).toHaveProperty('TrainingJobArn');
});

test.each<[string, () => Partial<CreateTrainingJobRequest>]>([
  ['with a network', () => ({ EnableNetworkIsolation: false })],
  ['that says nothing of a network', () => ({ EnableNetworkIsolation: undefined })],
  [
    'on a larger machine',
    () => ({ ResourceConfig: resources({ InstanceType: 'ml.p4d.24xlarge' }) }),
  ],
  ['without a key', () => ({ ResourceConfig: resources({ VolumeKmsKeyId: undefined }) })],
  [
    'with another key',
    () => ({ OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/out/`, KmsKeyId: `${key}2` } }),
  ],
  ['for a day', () => ({ StoppingCondition: { MaxRuntimeInSeconds: 86_400 } })],
  ['for as long as it likes', () => ({ StoppingCondition: {} })],
  ['under a foreign name', () => ({ TrainingJobName: 'mine' })],
  ['under the role of the endpoint', () => ({ RoleArn: serves })],
])('a training job %s is refused', async (_, changes) => {
  await expect(start(job(changes()))).rejects.toMatchObject({ name: 'AccessDeniedException' });
});

const model = (ModelName: string, ExecutionRoleArn: string) =>
  updater.send(
    new CreateModelCommand({
      ModelName,
      ExecutionRoleArn,
      PrimaryContainer: { Image: SERVING_IMAGE, ModelDataUrl: `s3://${BUCKET}/models/good.tar.gz` },
    }),
  );

const config = (EndpointConfigName: string, capacity: Partial<ProductionVariant>) =>
  updater.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName,
      ProductionVariants: [{ VariantName: 'AllTraffic', ModelName: 'sl-model', ...capacity }],
    }),
  );

test('a model acts under the role of the endpoint alone', async () => {
  expect(await model('sl-model', serves)).toHaveProperty('ModelArn');
  await expect(model('sl-other', trains)).rejects.toMatchObject({ name: 'AccessDeniedException' });
});

test('a config is as large as it is configured, and has no instances where the endpoint is serverless', async () => {
  const serverless = {
    MemorySizeInMB: endpoint.memoryMb,
    MaxConcurrency: endpoint.maxConcurrency,
  };

  expect(await config('sl-good', { ServerlessConfig: serverless })).toHaveProperty(
    'EndpointConfigArn',
  );
  for (const capacity of [
    { ServerlessConfig: { ...serverless, MaxConcurrency: endpoint.maxConcurrency + 1 } },
    { ServerlessConfig: { ...serverless, MemorySizeInMB: endpoint.memoryMb + 1024 } },
    { InstanceType: 'ml.p4d.24xlarge' as const, InitialInstanceCount: 1 },
  ])
    await expect(config('sl-large', capacity)).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
});

test('the grant of a volume is made in the name of who starts the job, or of its role', async () => {
  const begin = (client: SageMakerClient, RoleArn: string) =>
    client.send(new CreateTrainingJobCommand(job({ RoleArn })));
  const { withGrant, withoutGrant } = people;

  expect(await begin(withGrant, trains)).toHaveProperty('TrainingJobArn');
  expect(await begin(withoutGrant, grants)).toHaveProperty('TrainingJobArn');
  await expect(begin(withoutGrant, trains)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(
      `not authorized to perform: kms:CreateGrant on resource: ${key}`,
    ),
  });
});

test('the grant of the volumes of an endpoint is made in the name of who creates or updates it', async () => {
  const { withGrant, withoutGrant } = people;
  const EndpointConfigName = 'sl-encrypted';
  const names = { EndpointName: 'sl-encrypted', EndpointConfigName };
  await model('sl-encrypted', serves);
  await withoutGrant.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName,
      KmsKeyId: key,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: 'sl-encrypted',
          InstanceType: 'ml.m5.large',
          InitialInstanceCount: 1,
        },
      ],
    }),
  );
  const refused = {
    name: 'AccessDeniedException',
    message: expect.stringContaining('kms:CreateGrant'),
  };

  await expect(withoutGrant.send(new CreateEndpointCommand(names))).rejects.toMatchObject(refused);
  expect(await withGrant.send(new CreateEndpointCommand(names))).toHaveProperty('EndpointArn');
  await expect(withoutGrant.send(new UpdateEndpointCommand(names))).rejects.toMatchObject(refused);
});

test('SageMaker takes no key that does not exist', async () => {
  const VolumeKmsKeyId = key.replace(/.{4}$/, '0000');

  await expect(
    people.withGrant.send(
      new CreateTrainingJobCommand(job({ ResourceConfig: resources({ VolumeKmsKeyId }) })),
    ),
  ).rejects.toMatchObject({ message: `Invalid keyId '${VolumeKmsKeyId}'` });
});
