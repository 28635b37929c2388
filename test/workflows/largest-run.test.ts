import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateFunctionCommand } from '@aws-sdk/client-lambda';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { z } from 'zod';
import { keepRecord } from '../../functions/lake/records';
import { readHistory } from '../../functions/report/execution-history';
import { Unreadables } from '../../functions/lake/set-aside';
import { MAX_DAYS_A_RUN, MAX_STATE_BYTES, RunState } from '../../workflows/payloads';
import type { RunPlan } from '../../workflows/payloads';
import { SentimentPipeline } from '../../workflows/state-machine';
import { perStep, steps } from '../../workflows/steps';
import type { StepName } from '../../workflows/steps';
import { CLEANED, INGESTED, PLAN } from '../functions/support/state';
import { Launcher, readText } from '../functions/support/launcher';
import { zipOf } from '../support/zip';
import { TEMPLATES_ALONE } from '../infra/synthesis';

/** The longest name that a bucket has; an execution that was redriven a thousand times. */
const BUCKET = 'b'.repeat(63);
const VERSION = `${PLAN.runId}-1000`;
const COUNT = 999_999_999;

const days = Array.from({ length: MAX_DAYS_A_RUN }, (_, index) =>
  new Date(Date.UTC(2025, 0, 1 + index)).toISOString().slice(0, 10),
);

const list = (name: string) => ({
  count: MAX_DAYS_A_RUN,
  uri: `s3://${BUCKET}/cleaned-data/summaries/${VERSION}-${name}.json`,
});

function unreadable() {
  const found = new Unreadables();
  for (let n = 0; n < 40; n += 1) found.add(`raw-data/${'k'.repeat(1000)}${n}`, 'p'.repeat(500));
  return found.report();
}

const queries = Array.from({ length: 8 }, (_, n) => `query-${n}`.padEnd(40, 'q'));
const at = '2026-11-24T02:15:00.000Z';

/** What each step answers in the largest run there may be: so many days replayed, and all else that it may say. */
function largestAnswers(): Partial<Record<StepName, [unknown, ...unknown[]]>> {
  jest.spyOn(console, 'info').mockImplementation(() => undefined);
  const plan: RunPlan = {
    ...PLAN,
    mode: 'replay',
    source: { kind: 'replay', stream: true },
    queries: queries.map((name) => ({ name, query: 'x'.repeat(512) })),
    reprocess: days,
  };
  const counts = {
    received: COUNT,
    written: COUNT,
    duplicates: COUNT,
    quarantined: COUNT,
    pages: COUNT,
  };
  const window = { from: at, until: at, reason: 'r'.repeat(200) };
  const ingest = {
    ...INGESTED,
    ...counts,
    note: 'n'.repeat(1000),
    days,
    queries: queries.map((name) => ({ name, complete: false, ...counts })),
    gaps: queries.map((query) => ({ query, ...window, foundAt: at })),
    open: queries.map((query) => ({ query, ...window })),
    unreadable: unreadable(),
  };
  const running = { status: 'RUNNING', attempt: 0 };
  const ids = Array.from({ length: 40 }, (_, n) => ({
    name: `check_${n}`.padEnd(40, 'c'),
    queryExecutionId: '12345678-1234-1234-1234-123456789012',
  }));
  const clean = {
    ...CLEANED,
    days: list('cleaned'),
    summary: { ...CLEANED.summary, skipped_days: [], unreadable: unreadable() },
  };
  return {
    'plan-run': [plan],
    'ingest-tweets': [ingest],
    'crawl-raw-data': [{ status: 'DONE', seconds: 1, partitions: COUNT }],
    'clean-tweets': [
      {
        ...running,
        version: VERSION,
        jobRunId: `jr_${'0'.repeat(64)}`,
        days: list('due'),
      },
      clean,
    ],
    'check-data': [
      { ...running, queries: ids },
      { status: 'DONE', checks: ids.map((id) => ({ ...id, offending: 0, sample: [] })) },
    ],
    'publish-data': [
      {
        status: 'DONE',
        published: { days: COUNT, rows: COUNT, replaced: COUNT },
        ended: { days, snapshots: COUNT, candidates: COUNT },
      },
    ],
    'refresh-analytics': [
      {
        ...running,
        pending: days,
        query: { date: days[0], queryExecutionId: ids[0]?.queryExecutionId },
        scored: COUNT,
      },
      { status: 'DONE', scored: COUNT, modelVersion: 'm'.repeat(40) },
    ],
    'report-run': [{ done: true }],
  };
}

/** Answers what the step has next, as far as the state shows that it has answered before. */
const SOURCE = `
const { key, answers } = require('./answers.json');
exports.handler = async ({ state }) => answers.length === 1 || state[key].status === 'PENDING' ? answers[0] : answers[1];
`;

function definition(): string {
  const stack = new Stack(new App(TEMPLATES_ALONE), 'Test', {
    env: { account: '000000000000', region: 'us-east-1' },
  });
  const functions = perStep(({ name }) =>
    lambda.Function.fromFunctionArn(
      stack,
      name,
      `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    ),
  );
  new SentimentPipeline(stack, 'Pipeline', {
    name: 'largest',
    functions,
    timeout: Duration.hours(6),
    logs: { destination: new logs.LogGroup(stack, 'Logs'), level: sfn.LogLevel.ALL },
  });
  const [machine] = Object.values(
    Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine'),
  );
  return z.object({ Properties: z.object({ DefinitionString: z.string() }) }).parse(machine)
    .Properties.DefinitionString;
}

let launcher: Launcher;
beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());

async function role(name: string): Promise<string> {
  const iam = launcher.iam();
  const Service = ['lambda.amazonaws.com', 'states.amazonaws.com'];
  const trust = { Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  const invoke = { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: '*' };
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: name,
      PolicyName: 'own',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [invoke] }),
    }),
  );
  return Role?.Arn ?? '';
}

test('the largest run that is allowed stays below what Step Functions passes from state to state', async () => {
  const Role = await role('largest');
  const answers = largestAnswers();
  for (const [name, given] of Object.entries(answers)) {
    const key = steps.find((step) => step.name === name)?.key;
    await launcher.lambda().send(
      new CreateFunctionCommand({
        FunctionName: name,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role,
        Timeout: 20,
        MemorySize: 256,
        Code: {
          ZipFile: zipOf({
            'index.js': SOURCE,
            'answers.json': JSON.stringify({ key, answers: given }),
          }),
        },
      }),
    );
  }
  const machines = launcher.stepFunctions();
  const { stateMachineArn } = await machines.send(
    new CreateStateMachineCommand({ name: 'largest', definition: definition(), roleArn: Role }),
  );
  const { executionArn = '' } = await machines.send(
    new StartExecutionCommand({ stateMachineArn, name: 'n'.repeat(80), input: '{}' }),
  );

  const ended = async () => machines.send(new DescribeExecutionCommand({ executionArn }));
  for (let tries = 0; tries < 300 && (await ended()).status === 'RUNNING'; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }

  expect(await ended()).toMatchObject({ status: 'SUCCEEDED' });
  const { events = [] } = await machines.send(
    new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }),
  );
  const states = events.flatMap(({ stateEnteredEventDetails: entered }) =>
    entered?.name === 'Wait for the scores' || entered?.name === 'Report the run'
      ? (entered.input ?? '')
      : [],
  );
  expect(states).toHaveLength(2);
  // What was passed on is what the contract allows. The days are named three times, and take nothing else.
  for (const state of states) RunState.parse(JSON.parse(state));
  const bytes = Math.max(...states.map((state) => Buffer.byteLength(state)));
  expect(bytes).toBeGreaterThan(3 * 13 * MAX_DAYS_A_RUN);
  expect(bytes).toBeLessThan(0.6 * MAX_STATE_BYTES);

  // The archive of such a run holds each state once.
  const lake = await launcher.lake();
  const kept = await readHistory(machines, executionArn);
  const text = await readText(lake, await keepRecord(lake, 'archive.json', { events: kept }));
  expect(text).toContain('(as in event ');
  expect(text.length).toBeLessThan(0.6 * JSON.stringify(events).length);
});
