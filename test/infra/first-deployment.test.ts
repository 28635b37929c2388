import { readFileSync, readdirSync } from 'node:fs';
import { Match } from 'aws-cdk-lib/assertions';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { trainingJobName } from '../../functions/model/names';
import { hyperparametersOf } from '../../functions/model/training-inputs';
import { trainingJob } from '../../functions/model/training-job';
import { updatePlan } from '../../functions/model/update-plan';
import { EnvironmentName, settingsFor } from '../../infra/config';
import { endpointName, roleNames } from '../../infra/naming';
import { inRepository } from '../../infra/repository';
import { resolved } from './resolved';
import { synthesize, policies } from './synthesis';
import type { Assembly } from './synthesis';

// What a first deployment to an account breaks on while an embedded cloud hides it, a test for each.
// Redrive and Fail states, the polling loops: test/workflows/state-machine.test.ts. The header row of Athena's
// results and the token: test/functions/check-and-refresh.test.ts. What cannot be read in a template, because
// only an account decides it: docs/deploy.md.
let prod: Assembly;
beforeAll(() => {
  prod = synthesize({ env: 'prod' });
}, 180_000);

const source = (...path: string[]): string => readFileSync(inRepository(...path), 'utf8');
const statementsOf = (role: string) =>
  [prod.data, prod.pipeline]
    .flatMap(policies)
    .filter(({ roles }) => roles.some((name) => name.includes(role)))
    .flatMap(({ statements }) => statements);

describe('SageMaker', () => {
  const name = trainingJobName(
    '2026-11-24',
    `arn:aws:states:us-east-1:111122223333:execution:m:${'event_name-'.repeat(9)}`,
    12,
  );
  const job = trainingJob(
    { s3: new S3Client({}), bucket: 'lake' },
    {
      jobName: name,
      roleArn: 'arn:role',
      keyArn: 'arn:key',
      image: 'image',
      tags: [],
      settings: settingsFor('prod').training,
      hyperparameters: hyperparametersOf(
        { training: { epochs: 6, seed: 1 } },
        settingsFor('prod').training,
      ),
      hasTweets: true,
      championUri: null,
      encoder: null,
    },
  );

  test('names have at most 63 letters, digits and hyphens, whatever the execution is called', () => {
    const endpoints = EnvironmentName.options.map((environment) =>
      endpointName(environment, settingsFor(environment).endpoint.kind),
    );

    for (const each of [name, ...endpoints])
      expect(each).toMatch(/^[a-zA-Z0-9](-?[a-zA-Z0-9]){0,62}$/);
  });

  test("the endpoint's kind is part of its name: a real-time one cannot become serverless in place", () => {
    prod.pipeline.hasOutput('EndpointName', { Value: 'sentiment-lake-prod-realtime' });
    expect(settingsFor('dev').endpoint.kind).toBe('serverless');
  });

  test('hyperparameters are strings', () => {
    expect(job.HyperParameters).toEqual({
      serves: 'fp32',
      int8_tolerance: '0.005',
      epochs: '6',
      seed: '1',
    });
  });

  test('the training job is cut off from the network, and its volume and output have the key', () => {
    expect(job).toMatchObject({
      EnableNetworkIsolation: true,
      OutputDataConfig: { KmsKeyId: 'arn:key' },
      // One instance talks to no other: EnableInterContainerTrafficEncryption would encrypt nothing.
      ResourceConfig: { InstanceCount: 1, VolumeKmsKeyId: 'arn:key' },
      StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    });
  });

  test('containers take the argument train or serve, listen on 8080, and rely on no SM_ variable', () => {
    const programs = readdirSync(inRepository('ml'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(py|ts)$/.test(path))
      .map((path) => source('ml', path));

    // An ENTRYPOINT in exec form hands the argument on; a CMD would be replaced by it.
    for (const kind of ['training', 'serving']) {
      expect(source('ml', kind, 'Dockerfile')).toMatch(/^ENTRYPOINT \[/m);
      expect(source('ml', kind, 'Dockerfile')).not.toMatch(/^CMD/m);
    }
    expect(source('ml', 'serving', 'Dockerfile')).toMatch(/^EXPOSE 8080$/m);
    expect(programs.length).toBeGreaterThan(15);
    expect(programs.filter((program) => /\bSM_[A-Z]+/.test(program))).toEqual([]);
  });

  test('metrics come out of output.tar.gz: an isolated job writes nothing else of its own', () => {
    expect(source('functions', 'train-model.ts')).toContain("'output.tar.gz'");
    expect(job.OutputDataConfig?.S3OutputPath).toBe('s3://lake/model-outputs/');
  });

  test('a canary takes one of two instances; a single one is exchanged at once; both under an alarm', () => {
    const routing = (instances: number) =>
      updatePlan({ kind: 'realtime', instances }, ['alarm'])?.BlueGreenUpdatePolicy
        ?.TrafficRoutingConfiguration;

    expect(routing(2)).toMatchObject({ Type: 'CANARY', CanarySize: { Value: 1 } });
    expect(routing(1)).toMatchObject({ Type: 'ALL_AT_ONCE' });
    expect(updatePlan({ kind: 'serverless', instances: 1 }, [])).toBeUndefined();
    prod.pipeline.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'sentiment-lake-prod-update-rollback',
      MetricName: 'Invocation5XXErrors',
      Dimensions: Match.arrayWith([
        { Name: 'EndpointName', Value: 'sentiment-lake-prod-realtime' },
      ]),
      TreatMissingData: 'notBreaching',
    });
    prod.pipeline.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'sentiment-lake-prod-update-endpoint',
      Environment: {
        Variables: { ROLLBACK_ALARMS: '["sentiment-lake-prod-update-rollback"]' },
      },
    });
  });

  const actionsOf = (role: string) => statementsOf(role).flatMap(({ Action }) => Action);
  const runs = [
    'ecr:BatchGetImage',
    'ecr:GetAuthorizationToken',
    'ecr:GetDownloadUrlForLayer',
    'logs:CreateLogGroup',
    'logs:PutLogEvents',
  ];

  test.each([
    ['MachineLearningRole', ['kms:CreateGrant', 'kms:Encrypt', ...runs]],
    ['ServingRole', runs],
    ['ModelOperatorRole', ['kms:CreateGrant', 'kms:DescribeKey', 'iam:PassRole']],
    ['EndpointUpdaterRole', ['kms:CreateGrant', 'kms:DescribeKey', 'iam:PassRole']],
  ])('%s may do what SageMaker documents for it', (role, needed) => {
    expect(actionsOf(role)).toEqual(expect.arrayContaining(needed));
  });

  test('what a call asks for is what the permission to make it allows', () => {
    const { training, endpoint } = settingsFor('prod');
    const conditionOf = (role: string, action: string) =>
      statementsOf(role).find(({ Action }) => Action.includes(action))?.Condition;
    const types = (type: string) => ({
      'ForAllValues:StringEquals': { 'sagemaker:InstanceTypes': [type] },
      Null: { 'sagemaker:InstanceTypes': 'false' },
    });

    expect(conditionOf('ModelOperatorRole', 'sagemaker:CreateTrainingJob')).toEqual({
      Bool: { 'sagemaker:NetworkIsolation': String(job.EnableNetworkIsolation) },
      ...types(String(job.ResourceConfig?.InstanceType)),
      ArnEquals: {
        'sagemaker:VolumeKmsKeyArn': expect.anything(),
        'sagemaker:OutputKmsKeyArn': expect.anything(),
      },
      NumericLessThanEquals: { 'sagemaker:MaxRuntimeInSeconds': training.maxSeconds },
    });
    // Real-time: test/policies/table.ts asks of the serverless kind.
    expect(endpoint.kind).toBe('realtime');
    expect(conditionOf('EndpointUpdaterRole', 'sagemaker:CreateModel')).toEqual({
      Bool: { 'sagemaker:NetworkIsolation': 'true' },
    });
    expect(conditionOf('EndpointUpdaterRole', 'sagemaker:CreateEndpointConfig')).toEqual({
      ...types(endpoint.instanceType),
      ArnEquals: { 'sagemaker:VolumeKmsKeyArn': expect.anything() },
    });
  });
});

describe('Step Functions', () => {
  test('no history nears 25,000 events: the longest loop, at its interval, is ended by the machine first', () => {
    const { runTimeoutHours, poll } = settingsFor('prod');
    // Task (Scheduled, Started, Succeeded, entered, exited), Choice and Wait (entered and exited each).
    const eventsALook = 5 + 2 + 2;

    for (const seconds of [poll.crawl, poll.clean, poll.train, poll.update])
      expect(((runTimeoutHours * 3600) / seconds) * eventsALook).toBeLessThan(25_000);
  });

  test("an Athena query is started with the lake's permissions: Athena reads and writes as its caller", () => {
    for (const role of ['RunReporterRole', 'ModelOperatorRole', 'AnalyticsRole']) {
      const statements = statementsOf(role);
      const written = statements
        .filter(({ Action }) => Action.includes('s3:PutObject'))
        .flatMap(({ Resource }) => Resource ?? [])
        .map(resolved);

      expect(statements.flatMap(({ Action }) => Action)).toEqual(
        expect.arrayContaining([
          'athena:StartQueryExecution',
          'glue:GetTable',
          's3:GetBucketLocation',
        ]),
      );
      expect(written).toContainEqual(
        expect.stringMatching(/processed-data\/query-results\/(runs|analysts)\/\*$/),
      );
    }
  });
});

describe('order and policies', () => {
  test('the pipeline refers to the data stack, never the reverse: roles, key and bucket come first', () => {
    expect(JSON.stringify(prod.data.toJSON())).not.toContain('SentimentLake-prod-Pipeline');
    expect(JSON.stringify(prod.pipeline.toJSON())).toContain('SentimentLake-prod-Data');
    // Those of the lake, and the one of people who may grant force.
    prod.data.resourcePropertiesCountIs(
      'AWS::IAM::Role',
      { RoleName: Match.anyValue() },
      roleNames.length + 1,
    );
  });

  test("the key's policy lets in every service that the lake uses it through", () => {
    const [key] = policies(prod.data).filter(({ type }) => type === 'AWS::KMS::Key');
    const text = JSON.stringify(key?.statements);

    // As principals: they act for nobody. As kms:ViaService: they act for the role that calls them.
    for (const service of ['logs', 'delivery.logs', 'events'])
      expect(text).toContain(`${service}.`);
    for (const service of ['s3', 'kinesis', 'sagemaker', 'secretsmanager', 'sns', 'sqs'])
      expect(text).toContain(`"${service}."`);
    expect(text).toContain('log-group:/aws-glue/*');
    expect(text).toContain('log-group:/aws/codebuild/');
  });

  test("the scorer's mapping tries a record as long as the stream keeps it: the stream keeps a week", () => {
    prod.pipeline.allResourcesProperties('AWS::Lambda::EventSourceMapping', {
      Enabled: true,
      MaximumRecordAgeInSeconds: 7 * 24 * 3600,
    });
    prod.data.allResourcesProperties('AWS::Kinesis::Stream', { RetentionPeriodHours: 7 * 24 });
  });

  test('no step changes what a template says: it would be drift, and the next deployment would put it back', () => {
    const changes =
      /^(lambda|events|states|cloudwatch|athena|ecr|iam|budgets|codebuild):(Update|Enable|Disable|Delete|Put|Create|Set|Attach|Detach|Add|Remove)|^(sqs|sns):(Set|Add|Remove|Delete|Create)|^glue:(Update|Delete|Create)(Crawler|Job|Database|SecurityConfiguration)|^kinesis:(Update|Increase|Decrease|Start|Stop|Delete)|^(s3|kms):(PutBucket|PutKey|PutLifecycle|PutEncryption)|^logs:(PutRetention|DeleteLogGroup)/;
    // No template says which images or figures there are.
    const content = ['ecr:PutImage', 'cloudwatch:PutMetricData'];
    const changing = [prod.data, prod.pipeline]
      .flatMap(policies)
      .filter(({ type }) => type === 'AWS::IAM::Policy')
      .flatMap(({ logicalId, statements }) =>
        statements.flatMap(({ Action }) => Action.map((action) => ({ logicalId, action }))),
      )
      .filter(({ action }) => changes.test(action) && !content.includes(action));

    expect(changing).toEqual([]);
    prod.pipeline.allResourcesProperties('AWS::Lambda::EventSourceMapping', { Enabled: true });
  });

  test('EventBridge delivers at least once: a scheduled start carries the time it was due', () => {
    const scheduled = Object.values(prod.pipeline.findResources('AWS::Events::Rule')).filter(
      ({ Properties }) => Properties.ScheduleExpression !== undefined,
    );

    expect(scheduled).toHaveLength(2);
    for (const { Properties } of scheduled)
      expect(z.string().parse(Properties.Targets[0].InputTransformer.InputTemplate)).toContain(
        '"scheduledFor":<time>',
      );
  });

  test('crawler and declared table do not fight', () => {
    prod.pipeline.allResourcesProperties('AWS::Glue::Crawler', {
      Targets: { CatalogTargets: Match.anyValue() },
      SchemaChangePolicy: { UpdateBehavior: 'LOG', DeleteBehavior: 'LOG' },
      Configuration: Match.stringLikeRegexp('"AddOrUpdateBehavior":"InheritFromTable"'),
    });
  });
});
