import { z } from 'zod';
import { settingsFor } from '../../../infra/config';
import { ownMetrics, standingCosts, standingParts } from '../../../cli/costs/standing';
import { total } from '../../../cli/costs/money';
import { synthesize } from '../../infra/synthesis';

/** What AWS charges for each type of the templates: while it is there, by its use (the lines of a night), or nothing. */
const billed: Record<string, 'standing' | 'by use' | 'nothing'> = {
  'AWS::CloudWatch::Alarm': 'standing',
  'AWS::CloudWatch::Dashboard': 'standing',
  'AWS::ECR::Repository': 'standing',
  'AWS::KMS::Key': 'standing',
  'AWS::Kinesis::Stream': 'standing',
  'AWS::SecretsManager::Secret': 'standing',
  'AWS::Athena::WorkGroup': 'by use',
  'AWS::CodeBuild::Project': 'by use',
  'AWS::Glue::Crawler': 'by use',
  'AWS::Glue::Job': 'by use',
  'AWS::Lambda::Function': 'by use',
  'AWS::Logs::LogGroup': 'by use',
  'AWS::S3::Bucket': 'by use',
  'AWS::SNS::Topic': 'by use',
  'AWS::SQS::Queue': 'by use',
  'AWS::StepFunctions::StateMachine': 'by use',
  'AWS::Athena::NamedQuery': 'nothing',
  'AWS::Budgets::Budget': 'nothing',
  'AWS::Events::Rule': 'nothing',
  'AWS::Glue::Database': 'nothing',
  'AWS::Glue::SecurityConfiguration': 'nothing',
  'AWS::Glue::Table': 'nothing',
  'AWS::IAM::Policy': 'nothing',
  'AWS::IAM::Role': 'nothing',
  'AWS::KMS::Alias': 'nothing',
  'AWS::Lambda::EventInvokeConfig': 'nothing',
  'AWS::Lambda::EventSourceMapping': 'nothing',
  'AWS::Lambda::Permission': 'nothing',
  'AWS::Lambda::Version': 'nothing',
  'AWS::S3::BucketPolicy': 'nothing',
  'AWS::SNS::TopicPolicy': 'nothing',
  'AWS::SQS::QueuePolicy': 'nothing',
  'AWS::SecretsManager::ResourcePolicy': 'nothing',
  'Custom::ImageBuild': 'nothing',
};

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z
    .looseObject({
      Metrics: z.array(z.looseObject({ MetricStat: z.unknown().optional() })).optional(),
      ShardCount: z.number().optional(),
      StreamModeDetails: z.unknown().optional(),
    })
    .default({}),
});
type Resource = z.infer<typeof Resource>;

const resourcesOf = (environment: 'dev' | 'prod'): Resource[] => {
  const { data, pipeline, budget } = synthesize({ env: environment });
  return [data, pipeline, ...(budget === null ? [] : [budget])].flatMap((template) =>
    Object.values(z.record(z.string(), Resource).parse(template.toJSON()['Resources'])),
  );
};

describe.each(['dev', 'prod'] as const)('%s', (environment) => {
  const all = resourcesOf(environment);
  const of = (type: string) => all.filter(({ Type }) => Type === type);

  test('the parts that cost while nothing runs are those of the templates', () => {
    expect(standingParts(settingsFor(environment))).toEqual({
      keys: of('AWS::KMS::Key').length,
      secrets: of('AWS::SecretsManager::Secret').length,
      shards: of('AWS::Kinesis::Stream')
        .map(({ Properties }) => Properties.ShardCount ?? NaN)
        .reduce((sum, shards) => sum + shards, 0),
      alarmMetrics: of('AWS::CloudWatch::Alarm')
        .map(
          ({ Properties: { Metrics } }) =>
            Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1,
        )
        .reduce((sum, metrics) => sum + metrics, 0),
      dashboards: of('AWS::CloudWatch::Dashboard').length,
    });
  });

  test('of each type of resource it is said whether it costs', () => {
    const unknown = [...new Set(all.map(({ Type }) => Type))].filter((type) => !(type in billed));

    expect(unknown).toEqual([]);
  });
});

test('a month without a run costs what its lines say', () => {
  // Kinesis 0.035 × 730, one key, three secrets, 20 metrics of alarms and a dashboard, 2.3 GB of images.
  const lines = standingCosts(settingsFor('dev'));

  expect(total(lines)).toBeCloseTo(25.55 + 1 + 1.2 + 2.3 + 3 + 0.23, 6);
  expect(lines.every(({ usd }) => usd > 0)).toBe(true);
  expect(ownMetrics()).toBeGreaterThan(30);
});
