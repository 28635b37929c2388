import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateJobCommand,
  GetJobRunCommand,
  GlueClient,
  StartJobRunCommand,
} from '@aws-sdk/client-glue';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  CreateTrainingJobCommand,
  DescribeEndpointCommand,
  DescribeTrainingJobCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { allow, BUCKET, commandLines, PROJECT, TestCloud, until } from './cloud';
import { archive, SERVING_IMAGE, tinyProject, TRAINING_IMAGE } from './sagemaker/images';

const project = tinyProject(mkdtempSync(join(tmpdir(), 'lake-project-')));
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await TestCloud.start({ projectRoot: project });
});
afterAll(async () => {
  await cloud.stop();
  rmSync(project, { recursive: true });
});

/** Replaces the gateway by one in a process of its own, and answers how to kill that. */
async function gatewayProcess(): Promise<() => Promise<void>> {
  await cloud.gateway?.close();
  const script = join(PROJECT, 'test/embedded/gateway/gateway-process.ts');
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, JSON.stringify(cloud.gatewayOptions())],
    {
      cwd: PROJECT,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await new Promise((done) => child.stdout.once('data', done));
  return async () => {
    const exited = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await exited;
  };
}

test('a kill takes all programs along, and the next start says what failed and serves what was in service', async () => {
  const glue = new GlueClient(cloud.client());
  const sageMaker = new SageMakerClient(cloud.client());
  const all = [allow(['s3:*'])];
  const glueRole = await cloud.role('Glue', 'glue.amazonaws.com', all);
  const role = await cloud.role('SageMaker', 'sagemaker.amazonaws.com', all);
  const kill = await gatewayProcess();

  const ScriptLocation = await cloud.put(
    'code/sleep.py',
    'import subprocess, time\nsubprocess.Popen(["sleep", "2222"])\ntime.sleep(60)\n',
  );
  await glue.send(
    new CreateJobCommand({
      Name: 'sleeps',
      Role: glueRole,
      Command: { Name: 'glueetl', ScriptLocation },
    }),
  );
  const { JobRunId } = await glue.send(new StartJobRunCommand({ JobName: 'sleeps' }));
  await sageMaker.send(
    new CreateTrainingJobCommand({
      TrainingJobName: 'sleeps',
      AlgorithmSpecification: { TrainingImage: TRAINING_IMAGE, TrainingInputMode: 'File' },
      HyperParameters: { does: 'sleep' },
      RoleArn: role,
      OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/models` },
      ResourceConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1, VolumeSizeInGB: 10 },
      StoppingCondition: { MaxRuntimeInSeconds: 60 },
    }),
  );
  for (const name of ['good', 'broken']) {
    const ModelDataUrl = await cloud.put(`models/${name}.tar.gz`, await archive({ name }));
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
            InstanceType: 'ml.c6i.large',
            InitialInstanceCount: 1,
          },
        ],
      }),
    );
  }
  for (const EndpointName of ['steady', 'moving'])
    await sageMaker.send(new CreateEndpointCommand({ EndpointName, EndpointConfigName: 'good' }));
  const status = async (EndpointName: string) =>
    (await sageMaker.send(new DescribeEndpointCommand({ EndpointName }))).EndpointStatus;
  await until(
    'both serve',
    async () =>
      (await status('steady')) === 'InService' && (await status('moving')) === 'InService',
  );
  await sageMaker.send(
    new UpdateEndpointCommand({ EndpointName: 'moving', EndpointConfigName: 'broken' }),
  );
  const programs = ['sleep 2222', `${project}/ml`, 'train.py train', 'serve.js serve'];
  await until('all run', async () =>
    ['sleep 2222', 'train.py train', 'serve.js serve'].every((program) =>
      commandLines().includes(program),
    ),
  );

  await kill();

  await until(
    'no program is left',
    async () => !programs.some((program) => commandLines().includes(program)),
  );
  await cloud.startGateway();
  const { JobRun } = await glue.send(new GetJobRunCommand({ JobName: 'sleeps', RunId: JobRunId }));
  expect(JobRun).toMatchObject({
    JobRunState: 'FAILED',
    ErrorMessage: 'the embedded cloud stopped while it ran',
  });
  expect(
    await sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName: 'sleeps' })),
  ).toMatchObject({
    TrainingJobStatus: 'Failed',
    FailureReason: 'InternalServerError: the embedded cloud stopped while it ran',
  });
  expect(await status('steady')).toBe('InService');
  expect(await status('moving')).toBe('Updating');
  for (const EndpointName of ['steady', 'moving']) {
    const { Body } = await new SageMakerRuntimeClient(cloud.client()).send(
      new InvokeEndpointCommand({ EndpointName, Body: 'x' }),
    );
    expect(JSON.parse(Body.transformToString()).name).toBe('good');
  }
  expect(readdirSync(cloud.home)).not.toContain('jobs');
  expect(readdirSync(cloud.home)).not.toContain('training');
});

test('an unreadable state file is set aside and said so, and the rest works', async () => {
  await cloud.gateway?.close();
  const file = join(cloud.home, 'gateway', 'job-runs.json');
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 40));

  await cloud.startGateway();

  expect(cloud.lines.at(-1)).toMatch(
    /job-runs\.json could not be read .*It is kept as .*job-runs\.json\.\d+\.unreadable/,
  );
  expect(readdirSync(join(cloud.home, 'gateway'))).toContainEqual(
    expect.stringMatching(/^job-runs\.json\.\d+\.unreadable$/),
  );
  const { TrainingJobStatus } = await new SageMakerClient(cloud.client()).send(
    new DescribeTrainingJobCommand({ TrainingJobName: 'sleeps' }),
  );
  expect(TrainingJobStatus).toBe('Failed');
});
