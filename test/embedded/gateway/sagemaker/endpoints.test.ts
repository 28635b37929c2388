import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  ListEndpointConfigsCommand,
  ListEndpointsCommand,
  ListModelsCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { predict } from '../../../../cli/predict';
import { UserError } from '../../../../session/user-error';
import { allow, BUCKET, commandLines, TestCloud, until } from '../cloud';
import { sums } from '../../../support/metrics';
import { archive, SERVING_IMAGE, tinyProject } from './images';

let cloud: TestCloud;
let sageMaker: SageMakerClient;
let runtime: SageMakerRuntimeClient;
let role: string;
const project = tinyProject(mkdtempSync(join(tmpdir(), 'lake-project-')));

beforeAll(async () => {
  cloud = await TestCloud.start({
    projectRoot: project,
    limits: { pingTimeoutSeconds: 1.5, invocationTimeoutSeconds: 1 },
  });
  sageMaker = new SageMakerClient(cloud.client());
  runtime = new SageMakerRuntimeClient({ ...cloud.client(), maxAttempts: 1 });
  role = await cloud.role('Serves', 'sagemaker.amazonaws.com', [
    allow(['s3:GetObject'], [`arn:aws:s3:::${BUCKET}/models/*`]),
  ]);
  for (const name of ['good', 'better', 'broken', 'crash']) await modelAndConfig(name);
});
afterAll(async () => {
  await cloud.stop();
  rmSync(project, { recursive: true });
});

/** A model whose program answers with `name`, and a config of the same name. */
async function modelAndConfig(name: string, prefix = 'models'): Promise<void> {
  const ModelDataUrl = await cloud.put(`${prefix}/${name}.tar.gz`, await archive({ name }));
  await sageMaker.send(
    new CreateModelCommand({
      ModelName: name,
      ExecutionRoleArn: role,
      PrimaryContainer: { Image: SERVING_IMAGE, ModelDataUrl },
    }),
  );
  await sageMaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: name,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: name,
          ServerlessConfig: { MemorySizeInMB: 3072, MaxConcurrency: 5 },
        },
      ],
    }),
  );
}

const look = (EndpointName: string) =>
  sageMaker.send(new DescribeEndpointCommand({ EndpointName }));

async function settled(name: string) {
  return until('the endpoint has settled', async () => {
    const endpoint = await look(name);
    return !/ing$/.test(endpoint.EndpointStatus ?? '') && endpoint;
  });
}

async function create(EndpointName: string, EndpointConfigName: string) {
  await sageMaker.send(new CreateEndpointCommand({ EndpointName, EndpointConfigName }));
  return settled(EndpointName);
}

async function update(EndpointName: string, EndpointConfigName: string) {
  await sageMaker.send(new UpdateEndpointCommand({ EndpointName, EndpointConfigName }));
  return settled(EndpointName);
}

async function invoke(EndpointName: string, Body: string, client = runtime) {
  const answer = await client.send(
    new InvokeEndpointCommand({
      EndpointName,
      Body,
      ContentType: 'application/json',
      Accept: 'application/json',
    }),
  );
  return { ...answer, Body: JSON.parse(answer.Body.transformToString()) };
}

test('a created endpoint serves its model', async () => {
  const endpoint = await create('first', 'good');

  expect(endpoint).toMatchObject({
    EndpointStatus: 'InService',
    EndpointConfigName: 'good',
    EndpointArn: 'arn:aws:sagemaker:us-east-1:000000000000:endpoint/first',
    ProductionVariants: [
      { VariantName: 'AllTraffic', CurrentServerlessConfig: { MemorySizeInMB: 3072 } },
    ],
  });
  expect(await invoke('first', '{"texts":["é"]}')).toMatchObject({
    ContentType: 'application/json',
    InvokedProductionVariant: 'AllTraffic',
    Body: { name: 'good', body: '{"texts":["é"]}', type: 'application/json' },
  });
});

test('an update switches to the new model without a gap, and ends the old program', async () => {
  await create('updated', 'good');
  await sageMaker.send(
    new UpdateEndpointCommand({ EndpointName: 'updated', EndpointConfigName: 'better' }),
  );
  expect(await look('updated')).toMatchObject({
    EndpointStatus: 'Updating',
    EndpointConfigName: 'good',
    PendingDeploymentSummary: { EndpointConfigName: 'better' },
  });

  const seen = await until('the new model answers', async () => {
    const { Body } = await invoke('updated', 'x');
    return Body.name === 'better' && Body;
  });

  expect(seen.name).toBe('better');
  expect(await settled('updated')).toMatchObject({
    EndpointStatus: 'InService',
    EndpointConfigName: 'better',
  });
  await until(
    'one folder is left',
    async () =>
      readdirSync(join(cloud.home, 'endpoints')).filter((name) => name.startsWith('updated-'))
        .length === 1,
  );
});

test.each([
  ['broken', /did not answer \/ping with 200 within 1.5 s/],
  ['crash', /ended before it answered \/ping.*this model cannot be read/],
])(
  'an update to a model that is %s rolls back: the old one serves, and the endpoint says why',
  async (config, reason) => {
    const name = `kept-from-${config}`;
    await create(name, 'good');

    const endpoint = await update(name, config);

    expect(endpoint).toMatchObject({
      EndpointStatus: 'InService',
      EndpointConfigName: 'good',
      FailureReason: expect.stringMatching(reason),
    });
    expect((await invoke(name, 'x')).Body.name).toBe('good');
  },
);

test('an endpoint whose first model does not start is Failed, and can be deleted', async () => {
  expect(await create('stillborn', 'crash')).toMatchObject({
    EndpointStatus: 'Failed',
    FailureReason: expect.stringContaining('ping health check'),
  });
  await expect(invoke('stillborn', 'x')).rejects.toMatchObject({ name: 'ValidationError' });

  await sageMaker.send(new DeleteEndpointCommand({ EndpointName: 'stillborn' }));

  await until('it is gone', async () =>
    look('stillborn').then(
      () => false,
      () => true,
    ),
  );
});

test("a model archive that the model's role may not read fails the endpoint", async () => {
  await modelAndConfig('secret', 'elsewhere');

  const endpoint = await create('unreadable', 'secret');

  expect(endpoint.FailureReason).toMatch(
    /Could not load model data: could not read s3:\/\/lake\/elsewhere\/secret.tar.gz.*s3:GetObject/,
  );
});

test('a model archive cannot write outside its folder', async () => {
  await cloud.put('models/evil.tar.gz', await archive({ '../../../evil': 'x' }));
  await sageMaker.send(
    new CreateModelCommand({
      ModelName: 'evil',
      ExecutionRoleArn: role,
      PrimaryContainer: { Image: SERVING_IMAGE, ModelDataUrl: `s3://${BUCKET}/models/evil.tar.gz` },
    }),
  );
  await sageMaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: 'evil',
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: 'evil',
          InstanceType: 'ml.c6i.large',
          InitialInstanceCount: 1,
        },
      ],
    }),
  );

  const endpoint = await create('evil', 'evil');

  expect(endpoint.FailureReason).toContain("'../../../evil' points outside its folder");
  expect(existsSync(join(cloud.home, 'evil'))).toBe(false);
});

test('errors of the model arrive as ModelError with their status and text', async () => {
  await create('erring', 'good');

  await expect(invoke('erring', 'bad')).rejects.toMatchObject({
    name: 'ModelError',
    OriginalStatusCode: 400,
    OriginalMessage: 'texts must be an array',
    message: expect.stringContaining(
      'Received client error (400) from primary with message "texts must be an array"',
    ),
  });
  await expect(invoke('erring', 'wait')).rejects.toMatchObject({
    name: 'ModelError',
    message: expect.stringContaining('timed out'),
  });

  // And in the endpoint's metrics, under its one variant.
  const own = { EndpointName: 'erring', VariantName: 'AllTraffic' };
  const names = ['Invocations', 'Invocation4XXErrors', 'Invocation5XXErrors', 'ModelLatency'];
  const asked = { url: cloud.url, credentials: cloud.root };
  const figures = await until('both are counted', async () => {
    const found = await sums(asked, 'AWS/SageMaker', own, names);
    return found['Invocations'] === 2 ? found : undefined;
  });
  expect(figures).toMatchObject({ Invocation4XXErrors: 1, Invocation5XXErrors: 1 });
  // Microseconds: the second answer was waited for for a second.
  expect(figures['ModelLatency']).toBeGreaterThan(900_000);
});

test('a program that ended is started again for the next invocation', async () => {
  await create('mortal', 'good');
  await expect(invoke('mortal', 'die')).rejects.toMatchObject({ name: 'ModelError' });

  const answers = await Promise.all(
    [1, 2, 3].map(() =>
      until('it answers again', () => invoke('mortal', 'x').catch(() => undefined)),
    ),
  );

  expect(answers.map(({ Body }) => Body.name)).toEqual(['good', 'good', 'good']);
  expect(
    readdirSync(join(cloud.home, 'endpoints')).filter((name) => name.startsWith('mortal-')),
  ).toHaveLength(1);
});

test('a deleted endpoint leaves no process and no folder', async () => {
  await create('gone', 'good');
  await sageMaker.send(new DeleteEndpointCommand({ EndpointName: 'gone' }));

  await until('it is gone', async () =>
    look('gone').then(
      () => false,
      () => true,
    ),
  );

  expect(
    readdirSync(join(cloud.home, 'endpoints')).filter((name) => name.startsWith('gone-')),
  ).toEqual([]);
  await expect(invoke('gone', 'x')).rejects.toMatchObject({
    name: 'ValidationError',
    message: 'Endpoint gone of account 000000000000 not found.',
  });
});

test('predict without a model in service says how to train one', async () => {
  const lake = {
    environment: 'local',
    clients: { sageMakerRuntime: runtime },
    outputs: { EndpointName: 'no-model-yet' },
  } as const;

  await expect(predict(lake, ['what a day!'])).rejects.toThrow(
    new UserError('No model is in service yet. The first nightly run trains one: npm start'),
  );
});

test('what does not exist is said not to in the words of AWS', async () => {
  const missing = { name: 'ValidationException' };
  await expect(look('nobody')).rejects.toMatchObject({
    ...missing,
    message: 'Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/nobody".',
  });
  await expect(
    sageMaker.send(
      new UpdateEndpointCommand({ EndpointName: 'nobody', EndpointConfigName: 'good' }),
    ),
  ).rejects.toMatchObject({
    message: expect.stringContaining('Could not find endpoint "'),
  });
  await expect(
    sageMaker.send(new CreateEndpointCommand({ EndpointName: 'x', EndpointConfigName: 'none' })),
  ).rejects.toMatchObject({
    ...missing,
    message: expect.stringContaining('Could not find endpoint configuration "'),
  });
  await expect(
    sageMaker.send(new DescribeModelCommand({ ModelName: 'none' })),
  ).rejects.toMatchObject({
    ...missing,
    message: expect.stringContaining('Could not find model "'),
  });
});

test('names are taken once', async () => {
  await create('taken', 'good');

  await expect(
    sageMaker.send(
      new CreateEndpointCommand({ EndpointName: 'taken', EndpointConfigName: 'good' }),
    ),
  ).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringContaining('Cannot create already existing endpoint'),
  });
  await expect(modelAndConfig('good')).rejects.toMatchObject({
    message: expect.stringContaining('Cannot create already existing model'),
  });
});

test('network isolation and serverless exclude each other, as on AWS', async () => {
  await sageMaker.send(
    new CreateModelCommand({
      ModelName: 'isolated',
      ExecutionRoleArn: role,
      EnableNetworkIsolation: true,
      PrimaryContainer: { Image: SERVING_IMAGE, ModelDataUrl: `s3://${BUCKET}/models/good.tar.gz` },
    }),
  );

  const config = sageMaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: 'isolated',
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: 'isolated',
          ServerlessConfig: { MemorySizeInMB: 1024, MaxConcurrency: 1 },
        },
      ],
    }),
  );

  await expect(config).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringContaining('Network isolation is not supported for serverless'),
  });
});

test('models, configs and endpoints can be described, listed and deleted', async () => {
  await modelAndConfig('listed');

  expect(await sageMaker.send(new DescribeModelCommand({ ModelName: 'listed' }))).toMatchObject({
    ExecutionRoleArn: role,
    PrimaryContainer: { Image: SERVING_IMAGE },
  });
  expect(
    await sageMaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: 'listed' })),
  ).toMatchObject({ ProductionVariants: [{ ModelName: 'listed' }] });
  const models = await sageMaker.send(new ListModelsCommand({ NameContains: 'liste' }));
  expect(models.Models).toMatchObject([{ ModelName: 'listed' }]);
  const configs = await sageMaker.send(new ListEndpointConfigsCommand({ NameContains: 'liste' }));
  expect(configs.EndpointConfigs).toMatchObject([{ EndpointConfigName: 'listed' }]);
  const endpoints = await sageMaker.send(
    new ListEndpointsCommand({ NameContains: 'taken', StatusEquals: 'InService' }),
  );
  expect(endpoints.Endpoints).toMatchObject([{ EndpointName: 'taken' }]);

  await sageMaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: 'listed' }));
  await sageMaker.send(new DeleteModelCommand({ ModelName: 'listed' }));

  expect((await sageMaker.send(new ListModelsCommand({ NameContains: 'liste' }))).Models).toEqual(
    [],
  );
});

test('whoever may not invoke the endpoint is refused', async () => {
  await create('guarded', 'good');
  const allowed = allow(
    ['sagemaker:InvokeEndpoint'],
    ['arn:aws:sagemaker:us-east-1:000000000000:endpoint/guarded'],
  );
  const friend = new SageMakerRuntimeClient(await cloud.person('friend', [allowed]));
  const stranger = new SageMakerRuntimeClient(await cloud.person('stranger', []));

  expect((await invoke('guarded', 'x', friend)).Body.name).toBe('good');
  await expect(invoke('guarded', 'x', stranger)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(
      'user/stranger is not authorized to perform: sagemaker:InvokeEndpoint',
    ),
  });
});

test('a stopped gateway leaves no serving process behind', async () => {
  await create('running', 'good');
  // Other tests run the same program in projects of their own.
  expect(commandLines(project)).toContain('serve.js serve');

  await cloud.gateway?.close();

  expect(commandLines(project)).not.toContain('serve.js serve');
  expect(readdirSync(join(cloud.home, 'endpoints'))).toEqual([]);
  await cloud.startGateway();
  expect((await invoke('running', 'x')).Body.name).toBe('good');
});

test.each(['NODE_OPTIONS', 'LD_PRELOAD', 'PATH', 'ML_ROOT', 'PORT', 'SERVING_TOKEN', 'model_x'])(
  'a model that sets %s is refused: its program is a process of this machine',
  async (name) => {
    const refused = sageMaker.send(
      new CreateModelCommand({
        ModelName: 'injects',
        ExecutionRoleArn: role,
        PrimaryContainer: {
          Image: SERVING_IMAGE,
          ModelDataUrl: `s3://${BUCKET}/models/good.tar.gz`,
          Environment: { [name]: '--require /tmp/evil.js' },
        },
      }),
    );

    await expect(refused).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('MODEL_… or APP_…'),
    });
  },
);
