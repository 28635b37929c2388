import { Match } from 'aws-cdk-lib/assertions';
import type { Template } from 'aws-cdk-lib/assertions';
import { settingsFor } from '../../infra/config';
import { errorNames } from '../../workflows/errors';
import { dimensionOf, isMetricName, metricNamespace, metrics } from '../../workflows/metrics';
import { steps } from '../../workflows/steps';
import { policies, synthesize } from './synthesis';

let prod: Template;
let dev: Template;
let data: Template;
let budget: Template | null;
beforeAll(() => {
  ({ pipeline: prod, data, budget } = synthesize({ env: 'prod' }));
  ({ pipeline: dev } = synthesize({ env: 'dev' }));
}, 240_000);

type Properties = Record<string, unknown>;

const alarmsOf = (template: Template): Map<string, Properties> =>
  new Map(
    Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => [
      String(Properties.AlarmName).replace(/^sentiment-lake-(prod|dev)-/, ''),
      Properties,
    ]),
  );

/** The dashboard's body, each token replaced by its name. */
function dashboardOf(template: Template): string {
  const [dashboard, ...others] = Object.values(
    template.findResources('AWS::CloudWatch::Dashboard'),
  );
  expect(others).toEqual([]);
  const parts: unknown[] = dashboard?.Properties.DashboardBody['Fn::Join'][1];
  return parts.map((part) => (typeof part === 'string' ? part : 'TOKEN')).join('');
}

/** The metrics of ours that a text names, as `"SentimentLake","<name>"`. */
const ownMetricsIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/"SentimentLake","(\w+)"/g)].map(([, name]) => String(name)));

const ownMetricsOfAlarms = (template: Template): string[] =>
  [...alarmsOf(template).values()].flatMap((alarm) =>
    [...JSON.stringify(alarm).matchAll(/"MetricName":"(\w+)","Namespace":"(\w+)"/g)].flatMap(
      ([, name = '', namespace]) => (namespace === metricNamespace ? [name] : []),
    ),
  );

const names = Object.keys(metrics).filter(isMetricName);

describe('the alarms', () => {
  test('each tell the topic, and each say what holds without data', () => {
    const alarms = alarmsOf(prod);

    expect(alarms.size).toBeGreaterThanOrEqual(20);
    for (const [name, alarm] of alarms) {
      expect([name, alarm]).toEqual([
        name,
        expect.objectContaining({
          ActionsEnabled: true,
          AlarmActions: [{ Ref: expect.stringMatching(/^NotificationsTopic/) }],
          TreatMissingData: expect.stringMatching(/^(notBreaching|breaching|ignore)$/),
        }),
      ]);
    }
  });

  test.each([
    ['run-slow', ({ alarms }) => alarms.runHours * 3_600_000],
    ['quarantine-share', ({ alarms }) => alarms.quarantine.maxShare],
    ['recall-low', ({ alarms }) => alarms.macroRecall.atLeast],
    ['recall-lost', ({ alarms }) => alarms.macroRecall.maxLost],
    ['endpoint-slow', ({ alarms }) => alarms.modelLatencySeconds * 1_000_000],
    ['stream-late', ({ alarms }) => alarms.iteratorAgeMinutes * 60_000],
  ] satisfies [string, (settings: ReturnType<typeof settingsFor>) => number][])(
    '%s has the threshold of the settings',
    (name, thresholdOf) => {
      expect(alarmsOf(prod).get(name)?.Threshold).toBe(thresholdOf(settingsFor('prod')));
      expect(alarmsOf(dev).get(name)?.Threshold).toBe(thresholdOf(settingsFor('dev')));
    },
  );

  test.each([
    ['run-overdue', 'runOverdueHours', 'ScheduledRunsStarted'],
    ['ingest-gap', 'ingestGapHours', 'TweetsWritten'],
  ] as const)('%s goes off when nothing came in every hour of so many', (name, hours, metric) => {
    const count = settingsFor('prod').alarms[hours];

    expect(alarmsOf(prod).get(name)).toMatchObject({
      MetricName: metric,
      Namespace: metricNamespace,
      Dimensions: [{ Name: 'Lake', Value: 'sentiment-lake-prod' }],
      Period: 3600,
      EvaluationPeriods: count,
      DatapointsToAlarm: count,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
  });

  test('where the nightly is off and the endpoint serverless, three have nothing to watch', () => {
    const missing = [...alarmsOf(prod).keys()].filter((name) => !alarmsOf(dev).has(name));

    expect(missing.sort()).toEqual(['ingest-gap', 'run-overdue', 'update-rollback']);
  });

  test('of failed checks count the runs that ended with that error', () => {
    expect(JSON.stringify(alarmsOf(prod).get('checks-failed'))).toContain(
      '{"Name":"Error","Value":"ChecksFailed"}',
    );
  });

  test('of the endpoint watch the variant that the run gives it', () => {
    for (const name of ['endpoint-5xx', 'endpoint-slow']) {
      expect(alarmsOf(prod).get(name)).toMatchObject({
        Namespace: 'AWS/SageMaker',
        Dimensions: [
          { Name: 'EndpointName', Value: 'sentiment-lake-prod-realtime' },
          { Name: 'VariantName', Value: 'AllTraffic' },
        ],
        TreatMissingData: 'notBreaching',
      });
    }
  });

  test('look back no further than CloudWatch does: a week', () => {
    for (const [, { EvaluationPeriods, Period = 300 }] of alarmsOf(prod))
      expect(Number(EvaluationPeriods) * Number(Period)).toBeLessThanOrEqual(7 * 24 * 3600);
  });
});

describe('the dashboard', () => {
  test('shows every metric of ours, and none that no function can emit', () => {
    const shown = ownMetricsIn(dashboardOf(prod));

    expect([...shown].sort()).toEqual([...names].sort());
    expect(ownMetricsOfAlarms(prod).length).toBeGreaterThanOrEqual(6);
    expect(ownMetricsOfAlarms(prod).filter((name) => !shown.has(name))).toEqual([]);
  });

  test('names the dimensions under which the functions emit', () => {
    const body = dashboardOf(prod);

    for (const name of names) {
      const shown = [...body.matchAll(new RegExp(`"SentimentLake","${name}",([^{\\]]*)`, 'g'))]
        .map(([, rest = '']) => rest.split(',').filter((part) => part !== ''))
        .map((parts) => parts.filter((_, index) => index % 2 === 0));
      const by = dimensionOf(name);

      expect(shown.length).toBeGreaterThan(0);
      for (const keys of shown)
        expect(keys.sort()).toEqual(['"Lake"', ...(by === undefined ? [] : [`"${by}"`])].sort());
    }
  });

  test('has a line for each state and for each error', () => {
    const body = dashboardOf(prod);

    for (const { state } of steps) expect(body).toContain(`"Stage","${state}"`);
    for (const error of errorNames) expect(body).toContain(`"Error","${error}"`);
  });

  test.each([
    ['runs', 'ExecutionsStarted'],
    ['durations', 'ExecutionTime'],
    ['endpoint latency', 'ModelLatency'],
    ['endpoint errors', 'Invocation5XXErrors'],
    ['endpoint calls', 'Invocations'],
    ['Athena', 'ProcessedBytes'],
    ['the iterator', 'IteratorAge'],
    ['the Spark job', 'glue.driver.aggregate.numFailedTasks'],
    ['queues', 'ApproximateNumberOfMessagesVisible'],
  ])('shows %s', (_, metric) => {
    expect(dashboardOf(prod)).toContain(metric);
  });
});

describe('alarms and budgets reach people', () => {
  test.each(['cloudwatch.amazonaws.com', 'budgets.amazonaws.com'])(
    '%s may publish to the topic and use its key, for this account alone',
    (service) => {
      const statements = [data, prod]
        .flatMap(policies)
        .flatMap((policy) =>
          policy.statements
            .filter(({ Principal }) => Object(Principal).Service === service)
            .map((statement) => ({ type: policy.type, ...statement })),
        );

      expect(statements.map(({ type, Action }) => [type, Action])).toEqual([
        ['AWS::KMS::Key', ['kms:Decrypt', 'kms:GenerateDataKey']],
        ['AWS::SNS::TopicPolicy', ['sns:Publish']],
      ]);
      for (const { Condition } of statements) {
        expect(Condition.StringEquals).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
        expect(JSON.stringify(Condition.ArnLike)).toContain(
          service.startsWith('budgets') ? ':budgets::' : ':alarm:sentiment-lake-prod-*',
        );
      }
    },
  );

  test('the budget is a month of what carries our tag, told at 80 % spent and 100 % foreseen', () => {
    // In a stack of its own: where billing data are closed to roles it fails, and the pipeline stays.
    prod.resourceCountIs('AWS::Budgets::Budget', 0);
    budget?.resourceCountIs('AWS::Budgets::Budget', 1);
    budget?.hasResourceProperties('AWS::Budgets::Budget', {
      Budget: {
        BudgetType: 'COST',
        TimeUnit: 'MONTHLY',
        // A name would stand in the way of a replacement.
        BudgetName: Match.absent(),
        BudgetLimit: { Amount: settingsFor('prod').monthlyBudgetUsd, Unit: 'USD' },
        CostFilters: { TagKeyValue: ['user:application$sentiment-lake-prod'] },
      },
      NotificationsWithSubscribers: [
        {
          Notification: { NotificationType: 'ACTUAL', Threshold: 80, ThresholdType: 'PERCENTAGE' },
          Subscribers: [{ SubscriptionType: 'SNS', Address: Match.anyValue() }],
        },
        {
          Notification: { NotificationType: 'FORECASTED', Threshold: 100 },
          Subscribers: [{ SubscriptionType: 'SNS', Address: Match.anyValue() }],
        },
      ],
    });
  });
});

test('the template is far from what CloudFormation takes: 500 resources, 1 MB', () => {
  const template = prod.toJSON();

  expect(Object.keys(template.Resources).length).toBeLessThan(400);
  expect(JSON.stringify(template).length).toBeLessThan(800_000);
});
