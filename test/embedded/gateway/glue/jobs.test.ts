import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BatchStopJobRunCommand,
  CreateJobCommand,
  GetJobRunCommand,
  GetJobRunsCommand,
  GlueClient,
  StartJobRunCommand,
} from '@aws-sdk/client-glue';
import { allow, BUCKET, commandLines, PYTHON, TestCloud, until } from '../cloud';

let cloud: TestCloud;
let glue: GlueClient;
let role: string;

beforeAll(async () => {
  cloud = await TestCloud.start({ limits: { secondsPerMinute: 1 } });
  glue = new GlueClient(cloud.client());
  role = await cloud.role('Cleans', 'glue.amazonaws.com', [
    allow(['s3:GetObject'], [`arn:aws:s3:::${BUCKET}/code/*`, `arn:aws:s3:::${BUCKET}/in/*`]),
    allow(['s3:PutObject'], [`arn:aws:s3:::${BUCKET}/out/*`]),
  ]);
});
afterAll(() => cloud.stop());

/** A job whose script is this Python. */
async function job(
  name: string,
  script: string,
  extra: Partial<{ DefaultArguments: Record<string, string> }> = {},
): Promise<string> {
  const ScriptLocation = await cloud.put(`code/${name}.py`, script);
  await glue.send(
    new CreateJobCommand({
      Name: name,
      Role: role,
      Command: { Name: 'glueetl', ScriptLocation },
      ...extra,
    }),
  );
  return name;
}

async function start(
  JobName: string,
  Arguments: Record<string, string> = {},
  Timeout?: number,
): Promise<string> {
  const { JobRunId = '' } = await glue.send(
    new StartJobRunCommand({ JobName, Arguments, Timeout }),
  );
  return JobRunId;
}

async function look(JobName: string, RunId: string) {
  const { JobRun } = await glue.send(new GetJobRunCommand({ JobName, RunId }));
  return JobRun;
}

async function ended(JobName: string, RunId: string) {
  return until('the run has ended', async () => {
    const run = await look(JobName, RunId);
    return run?.CompletedOn && run;
  });
}

const log = (runId: string) =>
  readFileSync(join(cloud.home, 'logs', 'glue', `${runId}.log`), 'utf8');

test('a run gets default, run and reserved arguments, modules and a Spark that stays on loopback', async () => {
  await cloud.put('code/helper.py', 'WORD = "from a module"\n');
  const name = await job(
    'arguments',
    'import os, sys, json, helper\nprint(json.dumps([sys.argv[1:], helper.WORD, dict(os.environ)]))\n',
    {
      DefaultArguments: {
        '--extra-py-files': `s3://${BUCKET}/code/helper.py`,
        '--days': 'default',
        '--mode': 'default',
      },
    },
  );

  const id = await start(name, { '--days': '2026-11-01,2026-11-02' });
  const run = await ended(name, id);

  expect(run).toMatchObject({
    JobRunState: 'SUCCEEDED',
    JobName: name,
    Attempt: 0,
    Arguments: { '--days': '2026-11-01,2026-11-02' },
  });
  const [argv, word, env] = JSON.parse(log(id));
  expect(argv.join(' ')).toContain(`--JOB_NAME ${name} --JOB_RUN_ID ${id}`);
  expect(argv.join(' ')).toMatch(/--days 2026-11-01,2026-11-02 --mode default/);
  expect(word).toBe('from a module');
  expect(env).toMatchObject({
    AWS_ENDPOINT_URL: cloud.url,
    AWS_REGION: 'us-east-1',
    SPARK_LOCAL_IP: '127.0.0.1',
    PYSPARK_PYTHON: PYTHON,
  });
  expect(env.PYSPARK_SUBMIT_ARGS).toContain('spark.driver.bindAddress=127.0.0.1');
  expect(env.AWS_ACCESS_KEY_ID).toMatch(/^ASIA/);
});

test('a run reads and writes through S3 as its role, and no more than that', async () => {
  await cloud.put('in/data', 'raw');
  const name = await job(
    'storage',
    `import boto3
s3 = boto3.client("s3")
body = s3.get_object(Bucket="${BUCKET}", Key="in/data")["Body"].read()
s3.put_object(Bucket="${BUCKET}", Key="out/data", Body=body.upper())
s3.put_object(Bucket="${BUCKET}", Key="elsewhere", Body=b"x")
`,
  );

  const run = await ended(name, await start(name));

  expect((await cloud.get('out/data')).toString()).toBe('RAW');
  expect(run).toMatchObject({
    JobRunState: 'FAILED',
    ErrorMessage: expect.stringMatching(/AccessDenied.*Cleans.*s3:PutObject/),
  });
});

test('a failed run says the last exception, not what was logged after it', async () => {
  const name = await job(
    'failing',
    'import atexit\natexit.register(print, "INFO shutdown hook")\nraise ValueError("day 2026-11-01 has no rows")\n',
  );

  const id = await start(name);
  const run = await ended(name, id);

  expect(run).toMatchObject({
    JobRunState: 'FAILED',
    ErrorMessage: 'ValueError: day 2026-11-01 has no rows',
  });
  expect(log(id)).toContain('INFO shutdown hook');
});

test('a script that is not there fails the run', async () => {
  await glue.send(
    new CreateJobCommand({
      Name: 'lost',
      Role: role,
      Command: { Name: 'glueetl', ScriptLocation: `s3://${BUCKET}/code/none.py` },
    }),
  );

  const run = await ended('lost', await start('lost'));

  expect(run).toMatchObject({
    JobRunState: 'FAILED',
    ErrorMessage: expect.stringContaining(`could not read s3://${BUCKET}/code/none.py`),
  });
});

test('a second run at the same time is refused, and a stopped run ends with all its processes', async () => {
  const name = await job(
    'sleeping',
    'import subprocess, time\nsubprocess.Popen(["sleep", "3333"])\nprint("asleep", flush=True)\ntime.sleep(60)\n',
  );
  const id = await start(name);
  await until(
    'the script sleeps',
    async () => (await look(name, id))?.JobRunState === 'RUNNING' && log(id).includes('asleep'),
  );

  await expect(start(name)).rejects.toMatchObject({ name: 'ConcurrentRunsExceededException' });
  const answer = await glue.send(
    new BatchStopJobRunCommand({ JobName: name, JobRunIds: [id, 'jr_none'] }),
  );

  expect(answer).toMatchObject({
    SuccessfulSubmissions: [{ JobName: name, JobRunId: id }],
    Errors: [{ JobRunId: 'jr_none', ErrorDetail: { ErrorCode: 'JobRunNotFoundException' } }],
  });
  expect(await ended(name, id)).toMatchObject({ JobRunState: 'STOPPED' });
  expect(commandLines()).not.toContain('sleep 3333');
});

test('a run that takes longer than its timeout ends as TIMEOUT', async () => {
  const name = await job('slow', 'import time\ntime.sleep(60)\n');

  const run = await ended(name, await start(name, {}, 1));

  expect(run).toMatchObject({
    JobRunState: 'TIMEOUT',
    Timeout: 1,
    ErrorMessage: 'Job run timed out after 1 minutes',
  });
});

test('runs are listed newest first, a page at a time', async () => {
  const name = await job('listed', 'pass\n');
  const first = await start(name);
  await ended(name, first);
  const second = await start(name);
  await ended(name, second);

  const page = await glue.send(new GetJobRunsCommand({ JobName: name, MaxResults: 1 }));
  const rest = await glue.send(new GetJobRunsCommand({ JobName: name, NextToken: page.NextToken }));

  expect([...(page.JobRuns ?? []), ...(rest.JobRuns ?? [])].map(({ Id }) => Id)).toEqual([
    second,
    first,
  ]);
  expect(rest.NextToken).toBeUndefined();
});

test('unknown jobs and runs are not found', async () => {
  await expect(start('nobody')).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  const name = await job('known', 'pass\n');
  await expect(look(name, 'jr_none')).rejects.toMatchObject({ name: 'EntityNotFoundException' });
});

test('a request without a job name names the field', async () => {
  await expect(start('')).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringContaining("'jobName'"),
  });
});

test('whoever may not start the job is refused', async () => {
  const name = await job('guarded', 'pass\n');
  const stranger = new GlueClient(
    await cloud.person('stranger', [allow(['glue:StartJobRun'], ['arn:aws:glue:*:*:job/other'])]),
  );

  await expect(stranger.send(new StartJobRunCommand({ JobName: name }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(
      `glue:StartJobRun on resource: arn:aws:glue:us-east-1:000000000000:job/${name}`,
    ),
  });
});

test('ended runs leave their logs and nothing else', async () => {
  const name = await job('tidy', 'open("left-over", "w").write("x")\n');

  const id = await start(name);
  await ended(name, id);

  await until(
    'the scratch folders are gone',
    async () => readdirSync(join(cloud.home, 'jobs')).length === 0,
  );
  expect(existsSync(join(cloud.home, 'logs', 'glue', `${id}.log`))).toBe(true);
});

test.each(['--conf', '--extra-py-files', '--additional-python-modules', '--scriptLocation'])(
  'a run that brings %s is refused: it would run other code than the job',
  async (argument) => {
    const name = await job(`brings-${argument.slice(2).toLowerCase()}`, 'print(1)\n');

    await expect(start(name, { [argument]: 's3://lake/evil.py' })).rejects.toMatchObject({
      name: 'InvalidInputException',
      message: expect.stringContaining(argument),
    });
  },
);
