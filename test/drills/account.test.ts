import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { boot, type Cloud } from '../../local/cloud/boot';
import { clientsFor, embedded, type Clients } from '../../local/cloud/clients';
import { account, clientEnvironment, region, type Lake } from '../../local/cloud/lake';
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

test('a tear-down leaves the buckets, and says what they cost', async () => {
  const { code, output } = await npmRun('destroy', '--env', 'dev', '--yes');

  expect([code, output]).toEqual([0, expect.stringContaining(`bucket ${buckets.lake}: storage`)]);
  expect(output).toContain(`bucket ${buckets.accessLogs}, the access logs: storage`);
  expect(await stacksOfDev()).toEqual([]);
  expect(await bucketsOfDev()).toEqual(Object.values(buckets));
}, 240_000);

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
