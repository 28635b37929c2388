import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import aslValidator from 'asl-validator';
import { z } from 'zod';
import { errorNames } from '../../workflows/errors';
import { progressKeys } from '../../workflows/payloads';
import { lambdaCrashes, lambdaServiceErrors } from '../../workflows/retries';
import { SentimentPipeline } from '../../workflows/state-machine';
import { perStep, steps } from '../../workflows/steps';
import type { StepName } from '../../workflows/steps';
import { TEMPLATES_ALONE } from '../infra/synthesis';

const Retry = z.object({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z.number(),
  MaxAttempts: z.number(),
  BackoffRate: z.number(),
  MaxDelaySeconds: z.number(),
  JitterStrategy: z.literal('FULL'),
});
type Retry = z.infer<typeof Retry>;
const State = z.looseObject({
  Type: z.enum(['Task', 'Choice', 'Wait']),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: z.array(z.looseObject({ Next: z.string() })).optional(),
  End: z.boolean().optional(),
  TimeoutSeconds: z.number().optional(),
  Retry: z.array(Retry).optional(),
  Catch: z.array(z.unknown()).optional(),
  ResultPath: z.string().optional(),
  SecondsPath: z.string().optional(),
  TimestampPath: z.string().optional(),
});
const Definition = z.object({
  StartAt: z.string(),
  TimeoutSeconds: z.number(),
  States: z.record(z.string(), State),
});

function synthesize() {
  const stack = new Stack(new App(TEMPLATES_ALONE), 'Test', {
    env: { account: '111122223333', region: 'us-east-1' },
  });
  const functionFor = (name: StepName) =>
    lambda.Function.fromFunctionArn(
      stack,
      name,
      `arn:aws:lambda:us-east-1:111122223333:function:${name}:1`,
    );
  new SentimentPipeline(stack, 'Pipeline', {
    name: 'sentiment-lake-test',
    functions: perStep(({ name }) => functionFor(name)),
    timeout: Duration.hours(6),
    logs: { destination: new logs.LogGroup(stack, 'Logs'), level: sfn.LogLevel.ALL },
  });
  return Template.fromStack(stack);
}

const template = synthesize();
const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
const text = z.object({ Properties: z.object({ DefinitionString: z.string() }) }).parse(machine)
  .Properties.DefinitionString;
const definition = Definition.parse(JSON.parse(text));
const tasks = Object.entries(definition.States).filter(([, { Type }]) => Type === 'Task');

/** The states an execution passes through when each step answers with the given status. */
function route(
  mode: 'nightly' | 'retrain' | 'ingest',
  given: { skip?: string; promote?: boolean } & Record<string, unknown> = {},
) {
  const statuses: Record<string, unknown> = {
    ingest: 'DONE',
    crawl: 'DONE',
    clean: 'DONE',
    check: 'DONE',
    train: 'DONE',
    update: 'DONE',
    refresh: 'DONE',
    ...given,
  };
  const state = {
    plan: { mode, skip: given.skip ?? null },
    evaluation: { promote: given.promote ?? true },
    ...Object.fromEntries(Object.entries(statuses).map(([key, status]) => [key, { status }])),
  };
  const visited: string[] = [];
  let name: string | undefined = definition.StartAt;
  while (name !== undefined) {
    visited.push(name);
    const at: z.infer<typeof State> | undefined = definition.States[name];
    const chosen: { Next: string } | undefined = at?.Choices?.find((choice) =>
      holds(choice, { ...state, evaluation: { promote: given.promote ?? true }, plan: state.plan }),
    );
    name = chosen?.Next ?? at?.Default ?? at?.Next;
  }
  return visited.filter((visitedName) => definition.States[visitedName]?.Type === 'Task');
}

function holds(choice: Record<string, unknown>, state: Record<string, unknown>): boolean {
  if (Array.isArray(choice['And'])) {
    return choice['And'].every((part) => holds(part, state));
  }
  const value = String(choice['Variable'])
    .replace('$.', '')
    .split('.')
    .reduce<unknown>(
      (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
      state,
    );
  if ('IsNull' in choice) {
    return (value === null) === choice['IsNull'];
  }
  return 'StringEquals' in choice
    ? value === choice['StringEquals']
    : value === choice['BooleanEquals'];
}

test('the definition is valid Amazon States Language', () => {
  const { isValid, errorsText } = aslValidator(JSON.parse(text));

  expect(errorsText('\n')).toBe('');
  expect(isValid).toBe(true);
});

test('there is one task for each step, by its name, calling its function', () => {
  expect(tasks.map(([name]) => name).sort()).toEqual(steps.map(({ state }) => state).sort());
  for (const { state, name } of steps) {
    expect(definition.States[state]).toHaveProperty(
      'Resource',
      expect.stringMatching(new RegExp(`:function:${name}:1$`)),
    );
  }
});

/** How long the retries of an error wait at most, in seconds. */
const longestWait = ({ IntervalSeconds, BackoffRate, MaxDelaySeconds, MaxAttempts }: Retry) =>
  Array.from({ length: MaxAttempts }, (_, retried) =>
    Math.min(IntervalSeconds * BackoffRate ** retried, MaxDelaySeconds),
  ).reduce((sum, seconds) => sum + seconds, 0);

describe.each(tasks)('"%s"', (name, task) => {
  const retryOf = (error: string) =>
    task.Retry?.find(({ ErrorEquals }) => ErrorEquals.includes(error));

  test('is given the whole state, the first one the input, and which execution it is of', () => {
    expect(task.Parameters).toEqual({
      ...(name === definition.StartAt ? { 'input.$': '$$.Execution.Input' } : { 'state.$': '$' }),
      'attempt.$': '$$.Execution.RedriveCount',
      execution: {
        'arn.$': '$$.Execution.Id',
        'name.$': '$$.Execution.Name',
        'startTime.$': '$$.Execution.StartTime',
      },
    });
  });

  test('has a timeout', () => {
    expect(task.TimeoutSeconds).toBeGreaterThan(0);
  });

  test.each([...lambdaServiceErrors])(
    'repeats %s of the Lambda service for two minutes',
    (name) => {
      expect(retryOf(name)).toMatchObject({ MaxAttempts: 6 });
      expect(longestWait(Retry.parse(retryOf(name)))).toBe(126);
    },
  );

  test('repeats a busy service for some minutes', () => {
    expect(retryOf('ServiceBusy')).toMatchObject({ MaxAttempts: 6, MaxDelaySeconds: 120 });
    expect(longestWait(Retry.parse(retryOf('ServiceBusy')))).toBe(275);
  });

  test.each([...lambdaCrashes, 'OutOfTime'])('repeats %s twice', (name) => {
    expect(retryOf(name)).toMatchObject({ MaxAttempts: 2 });
    expect(longestWait(Retry.parse(retryOf(name)))).toBe(15);
  });

  test('names each error once: only the first retrier that matches counts', () => {
    const names = (task.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);

    expect(names).toEqual([...new Set(names)]);
  });
});

test('the machine ends an execution that takes longer than it may', () => {
  expect(definition.TimeoutSeconds).toBe(6 * 3600);
});

test('nothing is caught and nothing ends in a Fail state, so that a redrive goes on where it failed', () => {
  const states = Object.values(definition.States);

  expect(states.filter((state) => state.Catch !== undefined)).toEqual([]);
  expect(text).not.toContain('"Fail"');
  expect(text).not.toContain('States.ALL');
});

test('each step writes its own key of the state', () => {
  const paths = tasks.map(([, { ResultPath }]) => ResultPath).filter((path) => path !== undefined);

  expect(paths.sort()).toEqual(progressKeys.map((key) => `$.${key}`).sort());
});

test('the plan leaves a state in which every later key is pending', () => {
  expect(definition.States['Plan the run']).toHaveProperty('ResultSelector', {
    'plan.$': '$',
    ...Object.fromEntries(progressKeys.map((key) => [key, { status: 'PENDING' }])),
  });
});

describe('routes', () => {
  test('a nightly run goes through every stage', () => {
    expect(route('nightly')).toEqual(steps.map(({ state }) => state));
  });

  test('a retrain begins at the training', () => {
    expect(route('retrain').slice(0, 2)).toEqual(['Plan the run', 'Train the model']);
  });

  test('an ingest ends with the report of what was ingested', () => {
    expect(route('ingest')).toEqual(['Plan the run', 'Ingest tweets', 'Report the run']);
  });

  test('a second delivery of the same start only reports', () => {
    expect(route('nightly', { skip: 'duplicate delivery' })).toEqual([
      'Plan the run',
      'Report the run',
    ]);
  });

  test('a night with nothing to clean still asks whether there is something to learn', () => {
    expect(route('nightly', { clean: 'NOTHING_NEW', train: 'SKIPPED' })).toEqual([
      'Plan the run',
      'Ingest tweets',
      'Crawl raw data',
      'Clean tweets',
      'Train the model',
      'Refresh analytics',
      'Report the run',
    ]);
  });

  test('a refused model never reaches the endpoint', () => {
    expect(route('retrain', { promote: false })).toEqual([
      'Plan the run',
      'Train the model',
      'Evaluate the candidate',
      'Refresh analytics',
      'Report the run',
    ]);
  });
});

test.each([
  ['Crawl raw data', 'Raw data crawled?', 'Wait for the crawler', 'crawl'],
  ['Clean tweets', 'Tweets cleaned?', 'Wait for the cleaning job', 'clean'],
  ['Check the data', 'Data checked?', 'Wait for the checks', 'check'],
  ['Train the model', 'Model trained?', 'Wait for the training job', 'train'],
  ['Update the endpoint', 'Endpoint updated?', 'Wait for the endpoint', 'update'],
  ['Refresh analytics', 'Analytics refreshed?', 'Wait for the scores', 'refresh'],
])(
  '"%s" is looked at again while it runs, as often as the plan says',
  (step, question, wait, key) => {
    expect(definition.States[step]?.Next).toBe(question);
    expect(definition.States[question]?.Choices?.[0]).toEqual({
      Variable: `$.${key}.status`,
      StringEquals: 'RUNNING',
      Next: wait,
    });
    expect(definition.States[wait]).toEqual({
      Type: 'Wait',
      SecondsPath: `$.plan.poll.${key}`,
      Next: step,
    });
  },
);

test('an answer that a loop does not know leads nowhere', () => {
  const isPoll = (name: string) => definition.States[name]?.SecondsPath !== undefined;
  const loops = Object.values(definition.States).filter(({ Choices = [] }) =>
    Choices.some(({ Next }) => isPoll(Next)),
  );

  expect(loops).toHaveLength(Object.keys(definition.States).filter(isPoll).length);
  expect(loops.length).toBeGreaterThan(5);
  for (const loop of loops) expect(loop).not.toHaveProperty('Default');
});

test('a used-up rate window is waited for in the machine, until the time the step names', () => {
  expect(definition.States["Wait for X's rate limit"]).toEqual({
    Type: 'Wait',
    TimestampPath: '$.ingest.resumeAt',
    Next: 'Ingest tweets',
  });
});

describe('error names', () => {
  const sources = readdirSync(join(__dirname, '../../functions'), {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  const thrown = new Set(
    sources.flatMap((source) =>
      [...source.matchAll(/new StepError\(\s*'(\w+)'/g)].map(([, name]) => name),
    ),
  );

  test('every declared name is thrown somewhere, and every thrown one is declared', () => {
    expect([...thrown].sort()).toEqual([...errorNames].sort());
  });

  test('every name that a state retries is thrown by some step', () => {
    const retried = tasks
      .flatMap(([, { Retry: retries }]) => retries ?? [])
      .flatMap(({ ErrorEquals }) => ErrorEquals);
    const foreign: readonly string[] = [...lambdaServiceErrors, ...lambdaCrashes];
    const ours = retried.filter((name) => !foreign.includes(name));

    expect(ours.filter((name) => !thrown.has(name))).toEqual([]);
    expect(ours.length).toBeGreaterThan(0);
  });
});

/** A choice's condition as a person would say it: `$.plan.mode = retrain`, all of several joined by `and`. */
const Comparison = z.looseObject({ Variable: z.string() }).transform((comparison) => {
  const operators = Object.entries(comparison).filter(([name]) => !/^(Variable|Next)$/.test(name));
  return `${comparison.Variable} ${operators.map((one) => one.join(' ')).join(' ')}`;
});
const Condition = z.union([
  z.looseObject({ And: z.array(Comparison) }).transform(({ And }) => And.join(' and ')),
  Comparison,
]);

test('the states and the ways between them are those that were last agreed on', () => {
  const states = Object.entries(definition.States).map(([name, state]) => {
    const choices = (state.Choices ?? []).map(
      (choice) => `${Condition.parse(choice)} -> ${choice.Next}`,
    );
    const ways = [
      ...choices,
      ...(state.Next ? [`-> ${state.Next}`] : []),
      ...(state.Default ? [`otherwise -> ${state.Default}`] : []),
      ...(state.End ? ['the end'] : []),
    ];
    const until = state.SecondsPath ?? state.TimestampPath;
    return [`${state.Type} ${name}${until ? ` (${until})` : ''}`, ...ways].join('\n  ');
  });

  expect([`start -> ${definition.StartAt}`, ...states].join('\n')).toMatchSnapshot();
});
