import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DescribeEndpointCommand,
  ListEndpointConfigsCommand,
  ListEndpointsCommand,
  ListModelsCommand,
} from '@aws-sdk/client-sagemaker';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { costTags } from '../../functions/model/names';
import { endpointKinds } from '../../functions/settings';
import { endpointName, endpointNames, lakeName } from '../../infra/naming';
import { boot, type Cloud } from '../../local/cloud/boot';
import { clientsFor, embedded, type Clients } from '../../local/cloud/clients';
import { account, clientEnvironment, region, type Lake } from '../../local/cloud/lake';
import { until } from '../local/gateway/cloud';
import { archive } from '../local/gateway/sagemaker/images';
import { TinyModel } from '../ml/tiny-model';
import { freePort } from '../support/free-port';

/*
 * The account's commands, as a person types them, against an empty embedded cloud that AWS_ENDPOINT_URL names: the dev
 * environment as it is, but for who deploys it and where tweets come from. What the embedded cloud cannot show (image
 * builds, quotas, encryption of objects) is not shown here either.
 */
const root = resolve(__dirname, '..', '..');
const home = mkdtempSync(join(tmpdir(), 'lake-account-'));
const stop = new AbortController();
let cloud: Cloud;
let clients: Clients;
let buckets = { accessLogs: '', lake: '' };
let tiny: TinyModel | undefined;

interface Ended {
  code: number | null;
  output: string;
}

function run(program: string, args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, program), ...args], {
    cwd: root,
    env: {
      ...process.env,
      ...clientEnvironment(cloud.url, cloud.rootSecret),
      LAKE_HOME: join(home, 'person'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((done) => child.on('close', (code) => done({ code, output })));
}

const npmRun = (...args: string[]): Promise<Ended> => run('local/setup/main.mjs', args);
const deploy = () =>
  npmRun(
    'deploy',
    '--env',
    'dev',
    '--yes',
    '-c',
    'deployAs=caller',
    '-c',
    `xApiBaseUrl=${cloud.url}/_x/2/`,
  );
const bucketsOfDev = async (): Promise<string[]> => {
  const { Buckets = [] } = await clients.s3.send(new ListBucketsCommand({}));
  return Buckets.map(({ Name = '' }) => Name)
    .filter((name) => name.startsWith('sentimentlake-dev-'))
    .sort();
};
const stacksOfDev = async (): Promise<string[]> => {
  const { Stacks = [] } = await clients.cloudFormation.send(new DescribeStacksCommand({}));
  return Stacks.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE')
    .map(({ StackName = '' }) => StackName)
    .filter((name) => name.startsWith('SentimentLake-dev-'));
};

beforeAll(async () => {
  const port = await freePort();
  const lake: Lake = {
    root,
    home: join(home, 'cloud'),
    port,
    env: process.env,
    signal: stop.signal,
  };
  cloud = await boot(lake);
  clients = clientsFor(embedded(cloud.url, cloud.rootSecret));
}, 60_000);

afterAll(async () => {
  await cloud?.stop();
  tiny?.remove();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

test('a command in an account where nothing is deployed says what to do', async () => {
  const { code, output } = await npmRun('lake', 'history', '--env', 'dev');

  expect(code).toBe(1);
  expect(output).toContain('npm run deploy -- --env dev');
});

test('a deployment does not begin where the CDK was never bootstrapped', async () => {
  const { code, output } = await deploy();

  expect(code).toBe(1);
  expect(output).toContain(`npx cdk bootstrap aws://${account}/${region}`);
  expect(await stacksOfDev()).toEqual([]);
});

test('bootstrapped, it deploys', async () => {
  const { code: bootstrapped } = await run('node_modules/aws-cdk/bin/cdk', [
    '--no-notices',
    '--output',
    join(home, 'cdk.out'),
    '-c',
    'env=dev',
    '-c',
    'deployAs=caller',
    'bootstrap',
    `aws://${account}/${region}`,
  ]);
  expect(bootstrapped).toBe(0);

  const { code, output } = await deploy();

  expect([code, output]).toEqual([0, expect.stringContaining('StateMachineArn')]);
  const [accessLogs = '', lakeBucket = ''] = await bucketsOfDev();
  expect([accessLogs, lakeBucket]).toEqual([
    expect.stringContaining('lakeaccesslogs'),
    expect.stringContaining('lakebucket'),
  ]);
  buckets = { accessLogs, lake: lakeBucket };
}, 240_000);

test('labels are put, and questions asked, under the roles of the lake', async () => {
  const labels = await npmRun('lake', 'import-labels', '--bundled', '--env', 'dev');
  const question = await npmRun('lake', 'sql', 'select 40 + 2 as answer', '--env', 'dev');

  expect([labels.code, labels.output]).toEqual([
    0,
    expect.stringContaining('Labels imported: 4,139'),
  ]);
  expect([question.code, question.output]).toEqual([0, expect.stringMatching(/^\s*42$/m)]);
}, 120_000);

test('the data are not deleted under a wrong name, and nothing else is', async () => {
  const { code, output } = await npmRun(
    'destroy',
    '--env',
    'dev',
    '--delete-data',
    '--confirm',
    'wrong',
    '--yes',
  );

  expect([code, output]).toEqual([1, expect.stringContaining('Nothing was done')]);
  expect(await stacksOfDev()).toHaveLength(2);
}, 60_000);

test('an endpoint of either kind serves a model, under the role that the stack gives it', async () => {
  execFileSync(process.execPath, [join(root, 'ml/serving/build.mjs')]);
  tiny = TinyModel.train();
  const files = readdirSync(tiny.archive).map((name): [string, Buffer] => [
    name,
    readFileSync(join(tiny?.archive ?? '', name)),
  ]);
  const body = await archive(Object.fromEntries(files));
  for (const kind of endpointKinds) await serve(`sl-drill-${kind}`, kind, body);

  for (const EndpointName of endpointNames('dev'))
    await until(
      `${EndpointName} is in service`,
      async () => {
        const { EndpointStatus, FailureReason } = await clients.sageMaker.send(
          new DescribeEndpointCommand({ EndpointName }),
        );
        if (EndpointStatus === 'Failed') throw new Error(FailureReason);
        return EndpointStatus === 'InService';
      },
      180,
    );
}, 600_000);

async function serve(name: string, kind: (typeof endpointKinds)[number], Body: Buffer) {
  const Key = `model-outputs/${name}/output/model.tar.gz`;
  await clients.s3.send(new PutObjectCommand({ Bucket: buckets.lake, Key, Body }));
  await clients.sageMaker.send(
    new CreateModelCommand({
      ModelName: name,
      ExecutionRoleArn: `arn:aws:iam::${account}:role/${lakeName('dev', 'ServingRole')}`,
      PrimaryContainer: {
        Image: `${account}.dkr.ecr.${region}.amazonaws.com/${lakeName('dev', 'serving')}:drill`,
        ModelDataUrl: `s3://${buckets.lake}/${Key}`,
      },
      EnableNetworkIsolation: kind === 'realtime',
    }),
  );
  await clients.sageMaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: name,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: name,
          ...(kind === 'serverless'
            ? { ServerlessConfig: { MemorySizeInMB: 3072, MaxConcurrency: 5 } }
            : { InstanceType: 'ml.c6i.large', InitialInstanceCount: 2 }),
        },
      ],
    }),
  );
  await clients.sageMaker.send(
    new CreateEndpointCommand({
      EndpointName: endpointName('dev', kind),
      EndpointConfigName: name,
      Tags: costTags(lakeName('dev')),
    }),
  );
}

test('a tear-down leaves the buckets, and says what they cost', async () => {
  const { code, output } = await npmRun('destroy', '--env', 'dev', '--yes');

  expect([code, output]).toEqual([0, expect.stringContaining(`bucket ${buckets.lake}: storage`)]);
  expect(output).toContain(`bucket ${buckets.accessLogs}, the access logs: storage`);
  expect(await stacksOfDev()).toEqual([]);
  expect(await bucketsOfDev()).toEqual(Object.values(buckets));
}, 240_000);

test('it leaves nothing that serves: no endpoint of either kind, no config, no model', async () => {
  const { Endpoints } = await clients.sageMaker.send(new ListEndpointsCommand({}));
  const { EndpointConfigs } = await clients.sageMaker.send(new ListEndpointConfigsCommand({}));
  const { Models } = await clients.sageMaker.send(new ListModelsCommand({}));

  expect([Endpoints, EndpointConfigs, Models]).toEqual([[], [], []]);
});

test('with --delete-data and the name of its bucket both go, too', async () => {
  const { code } = await npmRun(
    'destroy',
    '--env',
    'dev',
    '--yes',
    '--delete-data',
    '--confirm',
    buckets.lake,
  );

  expect(code).toBe(0);
  expect(await bucketsOfDev()).toEqual([]);
}, 120_000);
