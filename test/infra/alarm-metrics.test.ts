import {
  CloudFormationClient,
  CreateStackCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import { z } from 'zod';
import { embeddedMetrics } from '../../functions/shared/metrics';
import { VARIANT_NAME } from '../../functions/model/names';
import { errorNames } from '../../workflows/errors';
import { dimensionOf, isMetricName, metricNamespace, metrics } from '../../workflows/metrics';
import { steps } from '../../workflows/steps';
import { Launcher } from '../functions/support/launcher';
import { alarmStates, call } from '../support/metrics';
import { synthesize } from './synthesis';

/*
 * An alarm on a metric that nobody writes is never wrong, and never right: it stays as its missing data are
 * treated. So each is held against what writes metrics, and then made to go off.
 */

const environments = ['dev', 'prod'] as const;

const Dimensions = z.array(z.object({ Name: z.string(), Value: z.string() })).default([]);
const Stat = z.looseObject({
  Metric: z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions }),
  Period: z.number(),
  Unit: z.string().optional(),
});
const Alarm = z.looseObject({
  AlarmName: z.string(),
  Namespace: z.string().optional(),
  MetricName: z.string().optional(),
  Dimensions,
  Unit: z.string().optional(),
  Period: z.number().optional(),
  Metrics: z.array(z.looseObject({ MetricStat: Stat.optional() })).optional(),
  Threshold: z.number(),
  ComparisonOperator: z.string(),
  EvaluationPeriods: z.number(),
  TreatMissingData: z.string(),
});
type Alarm = z.infer<typeof Alarm>;

interface Watched {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly period: number;
  readonly unit: string | undefined;
}

/** Whoever can write a metric, as CloudWatch gets to see it. */
interface Written {
  readonly dimensions: readonly Readonly<Record<string, string>>[];
  readonly unit: string;
}

/** A reference as text: `Id` for Ref, `Id.Attribute` for Fn::GetAtt. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replace(/\{"Ref":"(\w+)"\}/g, '"$1"')
      .replace(/\{"Fn::GetAtt":\["(\w+)","(\w+)"\]\}/g, '"$1.$2"'),
  );

const pipelines = new Map<string, Record<string, { Type: string; Properties: unknown }>>();
beforeAll(() => {
  for (const env of environments) {
    const { Resources } = synthesize({ env }).pipeline.toJSON();
    pipelines.set(env, Resources);
  }
}, 240_000);

const resourcesOf = (env: string, type: string) =>
  Object.entries(pipelines.get(env) ?? {}).filter(([, { Type }]) => Type === type);

const alarmsOf = (env: string): Alarm[] =>
  resourcesOf(env, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
    Alarm.parse(plain(Properties)),
  );

const byName = (dimensions: z.infer<typeof Dimensions>) =>
  Object.fromEntries(dimensions.map(({ Name, Value }) => [Name, Value]));

function watchedBy({ Metrics, Namespace = '', MetricName = '', ...alarm }: Alarm): Watched[] {
  const stats =
    Metrics === undefined
      ? [
          {
            Metric: { Namespace, MetricName, Dimensions: alarm.Dimensions },
            Period: alarm.Period ?? 0,
            Unit: alarm.Unit,
          },
        ]
      : Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat]));
  return stats.map(({ Metric, Period, Unit }) => ({
    namespace: Metric.Namespace,
    name: Metric.MetricName,
    dimensions: byName(Metric.Dimensions),
    period: Period,
    unit: Unit,
  }));
}

/** The values that a variable has in the environments of the functions that have it. */
function variable(env: string, name: string): string[] {
  const Function = z.object({
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }).optional(),
  });
  const values = resourcesOf(env, 'AWS::Lambda::Function').flatMap(([, { Properties }]) => {
    const value = Function.parse(Properties).Environment?.Variables[name];
    return typeof value === 'string' ? [value] : [];
  });
  return [...new Set(values)];
}

/** One line for a metric of ours, as functions write it. */
const line = (lake: string, name: string, value: number, at: number, by = {}) =>
  JSON.stringify(
    embeddedMetrics(lake, new Date(at), isMetricName(name) ? { [name]: value } : {}, by),
  );

const Line = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.literal(metricNamespace),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string() })),
      }),
    ),
  }),
});

/** Values of the dimension that a metric of ours has beside `Lake`. */
const values = {
  Stage: steps.map(({ state }): string => state),
  // Beside our own names, an execution's status where it ended without an error.
  Error: [...errorNames, 'TIMED_OUT', 'ABORTED'],
};

function writtenByFunctions(env: string, name: string): Written | null {
  if (!isMetricName(name)) return null;
  const by = dimensionOf(name);
  const dimensions = variable(env, 'LAKE').flatMap((lake) =>
    (by === undefined ? [{}] : values[by].map((value) => ({ [by]: value }))).flatMap((given) => {
      const document = Line.parse(JSON.parse(line(lake, name, 1, Date.now(), given)));
      return document._aws.CloudWatchMetrics.flatMap(({ Dimensions: sets }) =>
        sets.map((set) => Object.fromEntries(set.map((key) => [key, String(document[key])]))),
      );
    }),
  );
  return { dimensions, unit: metrics[name].unit };
}

const refs = (env: string, type: string, dimension: string, attribute = '') =>
  resourcesOf(env, type).map(([id]) => ({ [dimension]: `${id}${attribute}` }));

/**
 * What AWS's services write, with their units: the pages "Types of metrics for Lambda functions", "Monitoring Step
 * Functions metrics using Amazon CloudWatch", "Available CloudWatch metrics for Amazon SQS" and "Monitor Amazon
 * SageMaker AI with Amazon CloudWatch" of their guides. An alarm on another one needs its line here.
 */
const services: Record<
  string,
  {
    units: Record<string, string>;
    dimensions: (env: string) => readonly Readonly<Record<string, string>>[];
  }
> = {
  'AWS/Lambda': {
    units: {
      Invocations: 'Count',
      Errors: 'Count',
      Throttles: 'Count',
      Duration: 'Milliseconds',
      IteratorAge: 'Milliseconds',
      // Of a mapping that has the metric EventCount.
      OnFailureDestinationDeliveredEventCount: 'Count',
      DroppedEventCount: 'Count',
    },
    dimensions: (env) => [
      ...refs(env, 'AWS::Lambda::Function', 'FunctionName'),
      ...refs(env, 'AWS::Lambda::EventSourceMapping', 'EventSourceMappingUUID'),
    ],
  },
  'AWS/States': {
    units: {
      ExecutionsStarted: 'Count',
      ExecutionsSucceeded: 'Count',
      ExecutionsFailed: 'Count',
      ExecutionsTimedOut: 'Count',
      ExecutionsAborted: 'Count',
      ExecutionTime: 'Milliseconds',
    },
    dimensions: (env) => refs(env, 'AWS::StepFunctions::StateMachine', 'StateMachineArn'),
  },
  'AWS/SQS': {
    units: { ApproximateNumberOfMessagesVisible: 'Count' },
    dimensions: (env) => refs(env, 'AWS::SQS::Queue', 'QueueName', '.QueueName'),
  },
  'AWS/SageMaker': {
    units: { ModelLatency: 'Microseconds', Invocation5XXErrors: 'None' },
    // The endpoint is made by a run: its name and its variant's are those that the functions are given.
    dimensions: (env) =>
      variable(env, 'ENDPOINT_NAME').map((EndpointName) => ({
        EndpointName,
        VariantName: VARIANT_NAME,
      })),
  },
};

function written(env: string, { namespace, name }: Watched): Written | null {
  if (namespace === metricNamespace) return writtenByFunctions(env, name);
  const service = services[namespace];
  const unit = service?.units[name];
  return service === undefined || unit === undefined
    ? null
    : { dimensions: service.dimensions(env), unit };
}

const same = (a: object, b: object) =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

/** What is wrong with a metric that an alarm watches; empty when somebody writes just that one. */
function fault(env: string, watched: Watched): string {
  const by = written(env, watched);
  const { namespace, name, dimensions, unit } = watched;
  if (by === null) return `no function and no service writes ${namespace} ${name}`;
  if (unit !== undefined && unit !== by.unit)
    return `${name} is written in ${by.unit}, not ${unit}`;
  return by.dimensions.some((one) => same(one, dimensions))
    ? ''
    : `${name} is written by ${JSON.stringify(by.dimensions.slice(0, 3))}…, not by ${JSON.stringify(dimensions)}`;
}

test.each(environments)('in %s each alarm watches metrics that somebody writes', (env) => {
  const found = alarmsOf(env).flatMap((alarm) =>
    watchedBy(alarm).map((watched) => ({ alarm: alarm.AlarmName, fault: fault(env, watched) })),
  );

  expect(found.length).toBeGreaterThanOrEqual(20);
  expect(found.filter((one) => one.fault !== '')).toEqual([]);
});

describe('in the embedded cloud', () => {
  let launcher: Launcher;
  beforeAll(async () => {
    launcher = await Launcher.start();
  });
  afterAll(() => launcher.stop());

  const asked = () => ({
    url: launcher.url,
    credentials: { accessKeyId: '000000000000', secretAccessKey: launcher.rootSecret },
  });

  /** The alarms alone, references as texts, as a stack. */
  async function deploy(env: string): Promise<void> {
    const cloudFormation = new CloudFormationClient({
      endpoint: launcher.url,
      region: 'us-east-1',
      credentials: asked().credentials,
    });
    const Resources = Object.fromEntries(
      alarmsOf(env).map(({ ...alarm }, index) => [
        `Alarm${index}`,
        { Type: 'AWS::CloudWatch::Alarm', Properties: { ...alarm, AlarmActions: undefined } },
      ]),
    );
    const StackName = `alarms-${env}`;
    await cloudFormation.send(
      new CreateStackCommand({ StackName, TemplateBody: JSON.stringify({ Resources }) }),
    );
    await waitUntilStackCreateComplete(
      { client: cloudFormation, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
      { StackName },
    );
  }

  async function until(wanted: Map<string, string>): Promise<void> {
    let found = new Map<string, string>();
    for (let look = 0; look < 60; look += 1) {
      found = await alarmStates(asked(), [...wanted.keys()]);
      if ([...wanted].every(([name, state]) => found.get(name) === state)) return;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
  }

  /** A point in each period that an alarm looks at, written the way that the metric comes. */
  async function write(watched: Watched, value: number, periods: number): Promise<void> {
    const { namespace, name, dimensions, period } = watched;
    const times = Array.from({ length: periods }, (_, back) => Date.now() - back * period * 1000);
    if (namespace === metricNamespace) {
      const { Lake = '', ...by } = dimensions;
      const message = (at: number) => line(Lake, name, value, at, by);
      await call(asked(), 'logs', 'PutLogEvents', {
        logGroupName: 'functions',
        logStreamName: 'one',
        logEvents: times.map((at) => ({ timestamp: Date.now(), message: message(at) })),
      });
      return;
    }
    await call(asked(), 'monitoring', 'PutMetricData', {
      Namespace: namespace,
      MetricData: times.map((at) => ({
        MetricName: name,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        Unit: services[namespace]?.units[name],
        Timestamp: at / 1000,
        Value: value,
      })),
    });
  }

  test('each alarm of ours goes off, and the silent ones end, by the metrics that they watch', async () => {
    await call(asked(), 'logs', 'CreateLogGroup', { logGroupName: 'functions' });
    await call(asked(), 'logs', 'CreateLogStream', {
      logGroupName: 'functions',
      logStreamName: 'one',
    });
    const env = 'prod';
    await deploy(env);
    const alarms = alarmsOf(env);
    const silent = ({ TreatMissingData }: Alarm) => TreatMissingData === 'breaching';
    const named = (wanted: (alarm: Alarm) => string) =>
      new Map(alarms.map((alarm) => [alarm.AlarmName, wanted(alarm)]));
    const untold: Record<string, string> = { breaching: 'ALARM', notBreaching: 'OK' };
    await until(named((alarm) => untold[alarm.TreatMissingData] ?? 'INSUFFICIENT_DATA'));

    for (const alarm of alarms) {
      const isLess = alarm.ComparisonOperator.startsWith('Less');
      // Of an expression, which is a share: all of its metrics are equal, and many.
      const beyond = alarm.Metrics?.some((entry) => 'Expression' in entry)
        ? 1000
        : alarm.Threshold + (isLess === silent(alarm) ? 1 : -1);
      for (const watched of watchedBy(alarm)) await write(watched, beyond, alarm.EvaluationPeriods);
    }

    await until(named((alarm) => (silent(alarm) ? 'OK' : 'ALARM')));
  });
});
