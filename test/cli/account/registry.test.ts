import {
  CreateModelPackageCommand,
  CreateModelPackageGroupCommand,
  DeleteModelPackageCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { findRegistry, removeRegistry } from '../../../cli/account/registry';
import { lakeName } from '../../../infra/naming';
import { TestCloud } from '../../embedded/gateway/cloud';

/* The registries of two environments at the embedded SageMaker. */
let cloud: TestCloud;
let client: SageMakerClient;

beforeAll(async () => {
  cloud = await TestCloud.start();
  client = new SageMakerClient(cloud.client());
}, 300_000);
afterAll(() => cloud?.stop());

const InferenceSpecification = {
  Containers: [{ Image: 'image', ModelDataUrl: 's3://bucket/model.tar.gz' }],
  SupportedContentTypes: ['application/json'],
  SupportedResponseMIMETypes: ['application/json'],
};

async function makeGroup(environment: 'dev' | 'prod', models: number): Promise<void> {
  const ModelPackageGroupName = lakeName(environment);
  await client.send(new CreateModelPackageGroupCommand({ ModelPackageGroupName }));
  for (let model = 1; model <= models; model += 1)
    await client.send(
      new CreateModelPackageCommand({
        ModelPackageGroupName,
        ModelPackageDescription: `sl-${environment}-${model}`,
        ModelApprovalStatus: 'Rejected',
        InferenceSpecification,
      }),
    );
}

test('an environment without a registry has none to delete', async () => {
  const found = await findRegistry(client, 'dev');

  expect(found).toEqual({ group: null, packages: [], others: 0 });
  await removeRegistry(client, found);
});

test('finds every package of more than one page, deletes them and the group, and no other registry', async () => {
  await makeGroup('dev', 101);
  await makeGroup('prod', 1);

  const found = await findRegistry(client, 'dev');
  expect(found).toMatchObject({ group: 'sentiment-lake-dev', others: 0 });
  expect(new Set(found.packages).size).toBe(101);
  // As if a call had been interrupted after this one.
  const [ModelPackageName] = found.packages;
  await client.send(new DeleteModelPackageCommand({ ModelPackageName }));
  await removeRegistry(client, found);

  expect(await findRegistry(client, 'dev')).toMatchObject({ group: null });
  expect(await findRegistry(client, 'prod')).toMatchObject({
    group: 'sentiment-lake-prod',
    packages: [expect.stringMatching(/model-package\/sentiment-lake-prod\/1$/)],
  });
});

test('a package that the pipeline did not make stays, and so does the group', async () => {
  await client.send(
    new CreateModelPackageCommand({
      ModelPackageGroupName: lakeName('prod'),
      ModelPackageDescription: 'of somebody else',
      ModelApprovalStatus: 'Approved',
      InferenceSpecification,
    }),
  );

  await removeRegistry(client, await findRegistry(client, 'prod'));

  expect(await findRegistry(client, 'prod')).toEqual({
    group: 'sentiment-lake-prod',
    packages: [],
    others: 1,
  });
});
