import { Match } from 'aws-cdk-lib/assertions';
import type { Template } from 'aws-cdk-lib/assertions';
import { functionEnvironments } from '../../functions/settings/environment';
import { trainingJobName } from '../../functions/model/names';
import { STREAM_BATCH } from '../../infra/constructs/pipeline/stream-scoring';
import { imageBuildHandlers } from '../../infra/bundles';
import { trainingJobPattern } from '../../infra/constructs/model/model-access';
import { EnvironmentName } from '../../infra/config';
import { modelPrefix, starterRoleNames } from '../../infra/naming';
import { renderedCatalog } from '../../queries/catalog';
import { functionNames, stepNames, steps } from '../../workflows/steps';
import { policies, synthesize } from './synthesis';

let template: Template;
let data: Template;
beforeAll(() => {
  ({ data, pipeline: template } = synthesize({ env: 'dev' }));
}, 120_000);

const properties = (type: string): Record<string, unknown>[] =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties);

describe('the Lambdas', () => {
  test.each(functionNames)(
    '%s has a log of its own, traces, and exactly the variables it reads',
    (name) => {
      template.hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: `sentiment-lake-dev-${name}`,
        LoggingConfig: { LogGroup: Match.anyValue() },
        TracingConfig: { Mode: 'Active' },
      });
      const [fn] = properties('AWS::Lambda::Function').filter(
        ({ FunctionName }) => FunctionName === `sentiment-lake-dev-${name}`,
      );
      expect(fn).toHaveProperty(['Environment', 'Variables'], expect.objectContaining({}));
      expect(Object.keys(Object(fn?.Environment).Variables).sort()).toEqual(
        [...(functionEnvironments[name] ?? [])].sort(),
      );
    },
  );

  test.each(steps)(
    '$name may take as long as its step says',
    ({ name, timeoutSeconds, memoryMb }) => {
      template.hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: `sentiment-lake-dev-${name}`,
        Timeout: timeoutSeconds,
        MemorySize: memoryMb,
      });
    },
  );

  test('all have a timeout, those of CDK included', () => {
    const timeouts = properties('AWS::Lambda::Function').map(({ Timeout }) => Timeout);

    expect(timeouts.length).toBeGreaterThanOrEqual(
      functionNames.length + imageBuildHandlers.length,
    );
    expect(timeouts.filter((timeout) => typeof timeout !== 'number')).toEqual([]);
  });

  test('which commit they are of is known to the training step alone', () => {
    const knowing = properties('AWS::Lambda::Function').filter(({ Environment }) =>
      /GIT_/.test(JSON.stringify(Environment ?? {})),
    );

    expect(knowing.map(({ FunctionName }) => FunctionName)).toEqual([
      'sentiment-lake-dev-train-model',
    ]);
  });
});

test('every log group is encrypted and forgets', () => {
  for (const group of properties('AWS::Logs::LogGroup')) {
    expect(group).toMatchObject({ KmsKeyId: expect.anything(), RetentionInDays: 90 });
  }
});

describe('permissions', () => {
  // Resources that AWS knows no narrower name for; each is explained where it is granted.
  const unavoidable = [
    'xray:PutTraceSegments',
    'xray:PutTelemetryRecords',
    'xray:GetSamplingRules',
    'xray:GetSamplingTargets',
    'cloudtrail:LookupEvents',
    'cloudwatch:PutMetricData',
    'ecr:GetAuthorizationToken',
    'glue:GetSecurityConfiguration',
    'logs:CreateLogDelivery',
    'logs:GetLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:DescribeResourcePolicies',
    'logs:DescribeLogGroups',
  ];
  const allowed = () =>
    [data, template]
      .flatMap(policies)
      .filter(({ type }) => type === 'AWS::IAM::Policy')
      .flatMap(({ statements }) => statements);

  test('are for named resources, but for a list of actions that know none', () => {
    const everywhere = allowed()
      .filter(({ Resource }) => Resource?.includes('*'))
      .flatMap(({ Action }) => Action);

    expect([...new Set(everywhere)].filter((action) => !unavoidable.includes(action))).toEqual([]);
  });

  test('name their actions: the roles of the lake are given none by a pattern', () => {
    const roles = [data, template]
      .flatMap(policies)
      .filter(({ roles: [role = ''] }) =>
        /(DataIngestion|DataProcessing|Analytics|MachineLearning|ModelOperator|Serving)Role/.test(
          role,
        ),
      )
      .flatMap(({ statements }) => statements)
      .flatMap(({ Action }) => Action);

    expect(roles.length).toBeGreaterThan(50);
    expect(roles.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('let two roles be passed to SageMaker, and no other role to nobody else', () => {
    const passing = allowed().filter(({ Action }) => Action.includes('iam:PassRole'));

    for (const { Condition, Resource } of passing) {
      expect(Condition).toEqual({
        StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' },
        ArnLikeIfExists: { 'iam:AssociatedResourceArn': expect.anything() },
      });
      expect(Resource).toHaveLength(1);
    }
    // Who starts training jobs, and who makes models and endpoints.
    expect(
      passing.map(({ Resource }) =>
        /Roles(\w+Role)/.exec(JSON.stringify(Resource))?.[1]?.slice(0, 12),
      ),
    ).toEqual(['MachineLearn', 'ServingRole']);
  });

  test.each(starterRoleNames)('%s starts and looks: none of its actions touches data', (name) => {
    const actions = policies(template)
      .filter(({ roles: [role = ''] }) => role.includes(name))
      .flatMap(({ statements }) => statements)
      .flatMap(({ Action }) => Action);

    expect(actions.length).toBeGreaterThan(3);
    expect(
      actions.filter((action) =>
        /^(s3|athena|kinesis|secretsmanager):|Decrypt|GenerateDataKey|InvokeEndpoint/.test(action),
      ),
    ).toEqual([]);
  });

  test("fit into the 10,240 characters that IAM gives a role's inline policies", () => {
    const sizes = new Map<string, number>();
    for (const { roles, statements } of [data, template].flatMap(policies)) {
      // Tokens are longer than what they become.
      const role = /(\w+)Role[A-F0-9]{8}/.exec(roles[0] ?? '')?.[1];
      if (role) sizes.set(role, (sizes.get(role) ?? 0) + lengthOf(statements));
    }

    expect(sizes.size).toBeGreaterThanOrEqual(4);
    expect([...sizes].filter(([, size]) => size > 10_240)).toEqual([]);
  });

  test.each(EnvironmentName.options)('cover the names that training jobs get in %s', (name) => {
    const execution = 'arn:aws:states:us-east-1:1:execution:m:e';
    const job = trainingJobName('2026-11-24', execution, 0, modelPrefix(name));

    expect(job.startsWith(trainingJobPattern(name).replace('*', ''))).toBe(true);
    expect(job.length).toBeLessThanOrEqual(63);
  });
});

/** Characters of a policy as IAM counts them, each token taken as 40 characters of its value. */
const lengthOf = (value: unknown): number =>
  JSON.stringify(value, (_, node: unknown) => {
    if (typeof node !== 'object' || node === null) return node;
    const join = 'Fn::Join' in node ? node['Fn::Join'] : undefined;
    if (Array.isArray(join)) {
      return join[1]
        .map((part: unknown) =>
          typeof part === 'string' ? part : 'x'.repeat(isAccountOrRegion(part) ? 14 : 40),
        )
        .join('');
    }
    return ['Ref', 'Fn::GetAtt', 'Fn::ImportValue', 'Fn::Sub'].some((key) => key in node)
      ? 'x'.repeat(80)
      : node;
  }).length;

const isAccountOrRegion = (part: unknown): boolean =>
  /"AWS::(Partition|Region|AccountId)"/.test(JSON.stringify(part));

describe('Glue', () => {
  test('the crawler has a catalog target, only logs what it thinks of the schema, and its partitions inherit', () => {
    template.hasResourceProperties('AWS::Glue::Crawler', {
      Targets: { CatalogTargets: [{ Tables: ['raw_tweets'] }], S3Targets: Match.absent() },
      SchemaChangePolicy: { UpdateBehavior: 'LOG', DeleteBehavior: 'LOG' },
      Configuration: Match.stringLikeRegexp(
        '"Partitions":\\{"AddOrUpdateBehavior":"InheritFromTable"\\}',
      ),
      CrawlerSecurityConfiguration: Match.anyValue(),
    });
  });

  test('the job is Spark 4.1 of Glue 6.0, one run at a time, and installs nothing at night', () => {
    template.hasResourceProperties('AWS::Glue::Job', {
      GlueVersion: '6.0',
      WorkerType: 'G.1X',
      NumberOfWorkers: 2,
      Timeout: 60,
      ExecutionProperty: { MaxConcurrentRuns: 1 },
      SecurityConfiguration: Match.anyValue(),
      DefaultArguments: {
        '--additional-python-modules': Match.absent(),
        '--python-modules-installer-option': Match.absent(),
        '--extra-py-files': Match.anyValue(),
      },
    });
  });

  test('crawler and job encrypt what they write', () => {
    template.hasResourceProperties('AWS::Glue::SecurityConfiguration', {
      EncryptionConfiguration: {
        S3Encryptions: [{ S3EncryptionMode: 'SSE-KMS' }],
        CloudWatchEncryption: { CloudWatchEncryptionMode: 'SSE-KMS' },
        JobBookmarksEncryption: { JobBookmarksEncryptionMode: 'CSE-KMS' },
      },
    });
  });
});

describe('Athena', () => {
  test.each([
    ['sentiment-lake-dev', '/processed-data/query-results/runs/'],
    ['sentiment-lake-dev-analysts', '/processed-data/query-results/analysts/'],
  ])(
    'the workgroup %s enforces encrypted results below %s and a limit of what is scanned',
    (Name, results) => {
      template.hasResourceProperties('AWS::Athena::WorkGroup', {
        Name,
        WorkGroupConfiguration: {
          EnforceWorkGroupConfiguration: true,
          BytesScannedCutoffPerQuery: Match.anyValue(),
          ResultConfiguration: {
            EncryptionConfiguration: { EncryptionOption: 'SSE_KMS', KmsKey: Match.anyValue() },
            OutputLocation: { 'Fn::Join': ['', Match.arrayWith([results])] },
          },
        },
      });
    },
  );

  test('every query of queries/ is there by name', () => {
    const names = properties('AWS::Athena::NamedQuery').map(({ Name }) => String(Name));

    expect(names.sort()).toEqual(
      renderedCatalog()
        .map(({ name }) => name)
        .sort(),
    );
  });
});

test('the mapping is enabled by the template alone, and a poison record does not block its shard', () => {
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    Enabled: true,
    StartingPosition: 'TRIM_HORIZON',
    BisectBatchOnFunctionError: true,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    MaximumRetryAttempts: 8,
    MaximumRecordAgeInSeconds: 7 * 24 * 60 * 60,
    DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
  });
});

test('a batch of the stream fits into one call of the scorer', () => {
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: STREAM_BATCH.records,
    MaximumBatchingWindowInSeconds: STREAM_BATCH.seconds,
  });
  // Lambda's limits: 6 MB of records with their envelopes, and a window of five minutes.
  expect(STREAM_BATCH.records * 2_048).toBeLessThan(6 * 1024 * 1024);
  expect(STREAM_BATCH.seconds).toBeLessThanOrEqual(300);
});

describe('the state machine', () => {
  const machine = () => {
    const [found] = properties('AWS::StepFunctions::StateMachine').filter(
      ({ StateMachineName }) => StateMachineName === 'sentiment-lake-dev',
    );
    return found ?? {};
  };

  test('is a STANDARD one that traces and logs everything but the data', () => {
    expect(machine()).toMatchObject({
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
    });
  });

  test('calls published versions, which stay when they are replaced', () => {
    const versions = template.findResources('AWS::Lambda::Version');
    const called = JSON.stringify(machine().DefinitionString);

    expect(Object.keys(versions).filter((id) => called.includes(`{"Ref":"${id}"}`))).toHaveLength(
      stepNames.length,
    );
    for (const version of Object.values(versions)) expect(version.DeletionPolicy).toBe('Retain');
  });
});

describe('the rules', () => {
  const rules = () => properties('AWS::Events::Rule');

  test.each([
    ['nightly', 'cron(15 2 * * ? *)'],
    ['ingest', 'rate(15 minutes)'],
  ])(
    'mode %s starts the machine with the time it was due, and what cannot start is kept',
    (mode, schedule) => {
      template.hasResourceProperties('AWS::Events::Rule', {
        ScheduleExpression: schedule,
        State: 'DISABLED',
        Targets: [
          {
            InputTransformer: {
              InputPathsMap: { time: '$.time' },
              InputTemplate: `{"mode":"${mode}","scheduledFor":<time>}`,
            },
            DeadLetterConfig: { Arn: Match.anyValue() },
          },
        ],
      });
    },
  );

  test('every end of an execution of this machine is archived', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: {
          status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
          stateMachineArn: [Match.anyValue()],
        },
      },
      Targets: [{ DeadLetterConfig: { Arn: Match.anyValue() } }],
    });
    // Rules without a target only count: the dashboard shows how often the Spark job failed.
    expect(rules().filter(({ Targets }) => Targets !== undefined)).toHaveLength(3);
  });
});

test('the topic and every queue are encrypted and take TLS alone', () => {
  const denials = policies(template)
    .filter(({ type }) => type === 'AWS::SQS::QueuePolicy' || type === 'AWS::SNS::TopicPolicy')
    .filter(({ statements }) =>
      statements.some(
        ({ Effect, Condition }) =>
          Effect === 'Deny' && Condition.Bool?.['aws:SecureTransport'] === 'false',
      ),
    );
  const encrypted = [...properties('AWS::SQS::Queue'), ...properties('AWS::SNS::Topic')];

  expect(denials).toHaveLength(encrypted.length);
  for (const resource of encrypted) expect(resource).toHaveProperty('KmsMasterKeyId');
});

describe('the images', () => {
  test('have tags that cannot be moved', () => {
    for (const kind of ['training', 'serving']) {
      template.hasResourceProperties('AWS::ECR::Repository', {
        RepositoryName: `sentiment-lake-dev-${kind}`,
        ImageTagMutability: 'IMMUTABLE',
        ImageScanningConfiguration: { ScanOnPush: true },
      });
    }
  });

  test('are looked for before they are built: a tag that is there cannot be pushed again', () => {
    const building = policies(template)
      .filter(({ roles: [role = ''] }) => role.includes('ImagesBuilderRole'))
      .flatMap(({ statements }) => statements)
      .flatMap(({ Action }) => Action);

    expect(building).toEqual(expect.arrayContaining(['ecr:DescribeImages', 'ecr:PutImage']));
    // That the script looks first is shown by running it: images.test.ts.
    template.hasResourceProperties('AWS::CodeBuild::Project', {
      Source: { BuildSpec: Match.stringLikeRegexp('sh ml/build-image.sh serving ') },
    });
  });

  test('are built under the tag that the training step uses, before the machine can run', () => {
    const [[id = '', build] = []] = Object.entries(template.findResources('Custom::ImageBuild'));
    const tag = String(build?.Properties.Tag);

    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'sentiment-lake-dev-train-model',
      Environment: {
        Variables: { TRAINING_IMAGE: { 'Fn::Join': ['', Match.arrayWith([`:${tag}`])] } },
      },
    });
    template.hasResource('AWS::StepFunctions::StateMachine', {
      Properties: { StateMachineName: 'sentiment-lake-dev' },
      DependsOn: Match.arrayWith([id]),
    });
  });
});

test('the command line finds what it needs among the outputs', () => {
  // What the CDK publishes for a stack that refers to this one is nobody's but its own.
  const outputs = Object.keys(template.findOutputs('*')).filter(
    (name) => !name.startsWith('PublishOutput'),
  );

  expect(outputs.sort()).toEqual(
    [
      'AnalystsWorkgroupName',
      'BucketName',
      'CrawlerName',
      'DatabaseName',
      'EndpointName',
      'ForceGrantSecretArn',
      'ForgottenSecretArn',
      'GlueJobName',
      'StateMachineArn',
      'StreamName',
      'TokenSecretArn',
      'TopicArn',
      'WorkgroupName',
    ].sort(),
  );
});
