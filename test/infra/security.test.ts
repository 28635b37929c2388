import { Match } from 'aws-cdk-lib/assertions';
import type { Template } from 'aws-cdk-lib/assertions';
import { z } from 'zod';
import { steps } from '../../workflows/steps';
import { resolved } from './resolved';
import { synthesize, policies } from './synthesis';

// What cdk-nag has no rule for, read in the templates of production.
let data: Template;
let pipeline: Template;
beforeAll(() => {
  ({ data, pipeline } = synthesize({ env: 'prod' }));
}, 120_000);

const properties = (type: string): [string, Record<string, unknown>][] =>
  [data, pipeline]
    .flatMap((template) => Object.entries(template.findResources(type)))
    .map(([id, { Properties }]) => [id, Properties]);

describe('encryption', () => {
  test.each([
    ['AWS::Logs::LogGroup', 'KmsKeyId', 20],
    ['AWS::SQS::Queue', 'KmsMasterKeyId', 1],
    ['AWS::SNS::Topic', 'KmsMasterKeyId', 1],
    ['AWS::SecretsManager::Secret', 'KmsKeyId', 2],
  ])("every %s has the lake's key", (type, property, least) => {
    const found = properties(type);

    expect(found.length).toBeGreaterThanOrEqual(least);
    const [key = ''] = Object.keys(data.findResources('AWS::KMS::Key'));
    // A reference within the data stack, or the pipeline's to that stack's output.
    const theKey = new RegExp(`"${key}","Arn"|FnGetAtt${key}Arn`);
    for (const [id, { [property]: given }] of found)
      expect([id, JSON.stringify(given)]).toEqual([id, expect.stringMatching(theKey)]);
  });

  test("the stream has the lake's key", () => {
    data.hasResourceProperties('AWS::Kinesis::Stream', {
      StreamEncryption: { EncryptionType: 'KMS', KeyId: Match.anyValue() },
    });
  });

  test('Glue encrypts what crawler and job write, their logs and their bookmarks', () => {
    pipeline.hasResourceProperties('AWS::Glue::SecurityConfiguration', {
      EncryptionConfiguration: {
        S3Encryptions: [{ S3EncryptionMode: 'SSE-KMS', KmsKeyArn: Match.anyValue() }],
        CloudWatchEncryption: { CloudWatchEncryptionMode: 'SSE-KMS', KmsKeyArn: Match.anyValue() },
        JobBookmarksEncryption: {
          JobBookmarksEncryptionMode: 'CSE-KMS',
          KmsKeyArn: Match.anyValue(),
        },
      },
    });
    const [[security = ''] = []] = properties('AWS::Glue::SecurityConfiguration');
    pipeline.allResourcesProperties('AWS::Glue::Crawler', {
      CrawlerSecurityConfiguration: { Ref: security },
    });
    pipeline.allResourcesProperties('AWS::Glue::Job', { SecurityConfiguration: { Ref: security } });
  });

  test('the workgroup encrypts results with the key, whatever a client asks for', () => {
    pipeline.allResourcesProperties('AWS::Athena::WorkGroup', {
      WorkGroupConfiguration: {
        EnforceWorkGroupConfiguration: true,
        ResultConfiguration: {
          EncryptionConfiguration: { EncryptionOption: 'SSE_KMS', KmsKey: Match.anyValue() },
        },
      },
    });
    pipeline.allResourcesProperties('AWS::Athena::NamedQuery', { WorkGroup: Match.anyValue() });
  });

  test('the build of the images keeps nothing that a key would have to encrypt', () => {
    pipeline.allResourcesProperties('AWS::CodeBuild::Project', {
      Artifacts: { Type: 'NO_ARTIFACTS' },
      Cache: { Type: 'NO_CACHE' },
      SecondaryArtifacts: Match.absent(),
    });
    pipeline.resourceCountIs('AWS::CodeBuild::ReportGroup', 0);
  });

  test('only the build that runs Docker is privileged', () => {
    const privileged = properties('AWS::CodeBuild::Project').map(([, { Environment }]) =>
      z.object({ PrivilegedMode: z.boolean() }).parse(Environment),
    );

    expect(privileged).toEqual([{ PrivilegedMode: true }]);
  });
});

describe('the access logs of the lake', () => {
  test('go to a bucket of their own, which expires them and takes TLS alone', () => {
    const [[lake, { LoggingConfiguration }] = ['', {}]] = properties('AWS::S3::Bucket').filter(
      ([id]) => !id.includes('AccessLogs'),
    );
    const { DestinationBucketName } = z
      .object({ DestinationBucketName: z.object({ Ref: z.string() }) })
      .parse(LoggingConfiguration);

    expect(DestinationBucketName.Ref).not.toBe(lake);
    data.hasResourceProperties('AWS::S3::Bucket', {
      LoggingConfiguration: Match.absent(),
      VersioningConfiguration: { Status: 'Enabled' },
      // KMS is not possible here: S3 could not deliver.
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
        ],
      },
      LifecycleConfiguration: {
        Rules: [Match.objectLike({ Id: 'old-records', ExpirationInDays: 365, Status: 'Enabled' })],
      },
    });
    const ofLogs = policies(data).filter(
      ({ logicalId, type }) => type === 'AWS::S3::BucketPolicy' && logicalId.includes('AccessLogs'),
    );
    const [denial, guard, delivery] = ofLogs.flatMap(({ statements }) => statements);
    // Who may undo it is asked in test/policies/every-action.test.ts.
    expect(guard).toMatchObject({
      Effect: 'Deny',
      NotAction: ['s3:Get*', 's3:List*'],
      Condition: { BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } },
    });
    expect(denial).toMatchObject({
      Effect: 'Deny',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
    expect(delivery).toMatchObject({
      Effect: 'Allow',
      Action: ['s3:PutObject'],
      Principal: { Service: 'logging.s3.amazonaws.com' },
      Condition: {
        StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
        ArnLike: { 'aws:SourceArn': { 'Fn::GetAtt': [lake, 'Arn'] } },
      },
    });
  });

  test('no bucket is public', () => {
    for (const [, { PublicAccessBlockConfiguration }] of properties('AWS::S3::Bucket'))
      expect(PublicAccessBlockConfiguration).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
  });
});

describe('how long things are kept', () => {
  test('every log group forgets after a year', () => {
    for (const [id, { RetentionInDays }] of properties('AWS::Logs::LogGroup'))
      expect([id, RetentionInDays]).toEqual([id, 365]);
  });

  test('every Lambda writes to one of these groups', () => {
    for (const [id, { LoggingConfig }] of properties('AWS::Lambda::Function'))
      expect([id, LoggingConfig]).toEqual([
        id,
        expect.objectContaining({ LogGroup: { Ref: expect.any(String) } }),
      ]);
  });

  test('every queue keeps what it has for two weeks, as long as SQS does', () => {
    for (const [id, { MessageRetentionPeriod }] of properties('AWS::SQS::Queue'))
      expect([id, MessageRetentionPeriod]).toEqual([id, 14 * 24 * 3600]);
  });
});

describe('time limits', () => {
  const Definition = z.object({
    TimeoutSeconds: z.number().optional(),
    States: z.record(
      z.string(),
      z.object({
        Type: z.string(),
        Resource: z.string().optional(),
        TimeoutSeconds: z.number().optional(),
        Retry: z
          .array(z.looseObject({ IntervalSeconds: z.number(), MaxAttempts: z.number() }))
          .optional(),
      }),
    ),
  });
  const definitions = () =>
    properties('AWS::StepFunctions::StateMachine').map(([id, { DefinitionString }]) => ({
      id,
      ...Definition.parse(JSON.parse(resolved(DefinitionString))),
    }));

  test('every Task has one, and its Lambda a shorter one', () => {
    const timeouts = new Map(
      properties('AWS::Lambda::Function').map(([, { FunctionName, Timeout }]) => [
        FunctionName,
        z.number().parse(Timeout),
      ]),
    );
    const ours = definitions().find(({ id }) => id.startsWith('Pipeline'));

    for (const { state, name } of steps) {
      const limit = timeouts.get(`sentiment-lake-prod-${name}`) ?? Infinity;
      expect([state, (ours?.States[state]?.TimeoutSeconds ?? 0) > limit]).toEqual([state, true]);
    }
    expect(ours?.TimeoutSeconds).toBe(6 * 3600);
  });

  test("CDK's waiter has none for its Tasks: its Lambdas' own limits end them", () => {
    const waiter = definitions().find(({ id }) => id.includes('waiter'));
    const limits = properties('AWS::Lambda::Function')
      .filter(([id]) => /framework/.test(id))
      .map(([, { Timeout }]) => Timeout);

    expect(Object.keys(waiter?.States ?? {})).toEqual([
      'framework-isComplete-task',
      'framework-onTimeout-task',
    ]);
    expect(limits).toEqual([900, 900, 900]);
  });

  test('every Lambda, Glue job and build ends by itself', () => {
    for (const [id, { Timeout }] of properties('AWS::Lambda::Function'))
      expect([id, z.number().max(900).safeParse(Timeout).success]).toEqual([id, true]);
    pipeline.allResourcesProperties('AWS::Glue::Job', { Timeout: 60 });
    for (const [id, { TimeoutInMinutes }] of properties('AWS::CodeBuild::Project'))
      expect([id, z.number().max(40).safeParse(TimeoutInMinutes).success]).toEqual([id, true]);
  });

  test('a custom resource gives up after its build, and before CloudFormation gives it up', () => {
    // CloudFormation's ServiceTimeout, at most and by default: Template Reference, aws-resource-cloudformation-customresource.
    const serviceTimeout = 3600;
    // CDK's waiter tries so often, so many seconds apart.
    const waits = definitions()
      .filter(({ id }) => id.includes('waiter'))
      .flatMap(({ States }) => Object.values(States).flatMap(({ Retry }) => Retry ?? []))
      .map(({ IntervalSeconds, MaxAttempts }) => IntervalSeconds * MaxAttempts);
    const builds = properties('AWS::CodeBuild::Project').map(
      ([, { TimeoutInMinutes }]) => 60 * z.number().parse(TimeoutInMinutes),
    );

    expect(waits.length).toBeGreaterThan(0);
    // With quarter of an hour for the last look, a Lambda's own limit, it must still be in time.
    expect(Math.max(...waits)).toBeLessThan(serviceTimeout - 5 * 60);
    expect(Math.min(...waits)).toBeGreaterThan(Math.max(...builds));
    for (const [id, { ServiceTimeout }] of properties('Custom::ImageBuild'))
      expect([id, Number(ServiceTimeout ?? serviceTimeout)]).toEqual([id, serviceTimeout]);
  });
});

describe('what cannot be delivered', () => {
  test('every target of every rule has a dead-letter queue', () => {
    // Rules without a target only count events, as a metric: cdk-monitoring-constructs makes two.
    const targets = properties('AWS::Events::Rule').flatMap(([id, { Targets }]) =>
      z
        .array(z.looseObject({ DeadLetterConfig: z.object({ Arn: z.unknown() }).optional() }))
        .parse(Targets ?? [])
        .map((target) => ({ id, queue: target.DeadLetterConfig?.Arn })),
    );

    expect(targets.length).toBeGreaterThanOrEqual(3);
    expect(targets.filter(({ queue }) => queue === undefined)).toEqual([]);
  });

  test('every Lambda that is called asynchronously has a destination for its failures', () => {
    const asynchronous = properties('AWS::Events::Rule')
      .map(([, { Targets }]) => JSON.stringify(Targets ?? []))
      .flatMap((text) => [...text.matchAll(/"Fn::GetAtt":\["(Functions\w+)","Arn"\]/g)])
      .map(([, id]) => id);
    const guarded = properties('AWS::Lambda::EventInvokeConfig').map(([, config]) =>
      z
        .object({
          FunctionName: z.object({ Ref: z.string() }),
          DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.unknown() }) }),
          MaximumRetryAttempts: z.literal(2),
        })
        .parse(config),
    );

    // Others are called by the state machine, which waits, by the stream's mapping, and by CloudFormation, which
    // reports that its custom resource did not answer.
    expect(asynchronous).toHaveLength(1);
    expect(guarded.map(({ FunctionName }) => FunctionName.Ref)).toEqual(asynchronous);
  });

  test('records that the scorer gives up are named in a queue', () => {
    pipeline.allResourcesProperties('AWS::Lambda::EventSourceMapping', {
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });
});
