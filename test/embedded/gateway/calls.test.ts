import { AthenaClient, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild';
import {
  BatchCreatePartitionCommand,
  CreateDatabaseCommand,
  GetPartitionsCommand,
  GlueClient,
  StartCrawlerCommand,
  StartJobRunCommand,
} from '@aws-sdk/client-glue';
import {
  CreateRoleCommand,
  IAMClient,
  ListRolesCommand,
  TagRoleCommand,
} from '@aws-sdk/client-iam';
import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import {
  CreateFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import {
  CompleteMultipartUploadCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateModelCommand,
  CreateTrainingJobCommand,
  ListTrainingJobsCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { CreateTopicCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { cbor } from '@smithy/core/cbor';
import { withoutCheck } from '../../support/checked-calls';
import { send, signed } from '../../support/signed';
import { BUCKET, TestCloud } from './cloud';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await TestCloud.start();
});
afterAll(() => cloud.stop());

const clients = () => {
  const config = cloud.client();
  return {
    athena: withoutCheck(new AthenaClient(config)),
    cloudFormation: withoutCheck(new CloudFormationClient(config)),
    codeBuild: withoutCheck(new CodeBuildClient(config)),
    glue: withoutCheck(new GlueClient(config)),
    iam: withoutCheck(new IAMClient(config)),
    kinesis: withoutCheck(new KinesisClient({ ...config, requestHandler: new NodeHttpHandler() })),
    lambda: withoutCheck(new LambdaClient(config)),
    s3: withoutCheck(new S3Client({ ...config, forcePathStyle: true })),
    sageMaker: withoutCheck(new SageMakerClient(config)),
    runtime: withoutCheck(new SageMakerRuntimeClient(config)),
    secrets: withoutCheck(new SecretsManagerClient(config)),
    sfn: withoutCheck(new SFNClient(config)),
    sns: withoutCheck(new SNSClient(config)),
    sts: withoutCheck(new STSClient(config)),
  };
};
type Clients = ReturnType<typeof clients>;

const ROLE = 'arn:aws:iam::000000000000:role/some';
/** A value of another type than TypeScript would let through. */
const wrong = (value: unknown) => JSON.parse(JSON.stringify(value));

const job = (fields: object) =>
  new CreateTrainingJobCommand(
    wrong({
      TrainingJobName: 'job',
      RoleArn: ROLE,
      AlgorithmSpecification: { TrainingImage: 'image', TrainingInputMode: 'File' },
      OutputDataConfig: { S3OutputPath: 's3://lake/out' },
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 1 },
      StoppingCondition: { MaxRuntimeInSeconds: 60 },
      ...fields,
    }),
  );

const refused: [string, (aws: Clients) => Promise<unknown>, string, RegExp][] = [
  [
    'a text that is too long, in a list',
    ({ athena }) =>
      athena.send(
        new StartQueryExecutionCommand({
          QueryString: 'SELECT ?',
          ExecutionParameters: ['1', 'x'.repeat(1500)],
        }),
      ),
    'InvalidRequestException',
    /^1 validation error detected: Value at 'executionParameters' failed to satisfy constraint: Member must have length less than or equal to 1024 \(item 2: its length is 1500\)$/,
  ],
  [
    'a text that is too short',
    ({ athena }) => athena.send(new StartQueryExecutionCommand({ QueryString: '' })),
    'InvalidRequestException',
    /Value at 'queryString' .* greater than or equal to 1 \(its length is 0\)/,
  ],
  [
    'a member that is missing',
    ({ athena }) => athena.send(new StartQueryExecutionCommand(wrong({}))),
    'InvalidRequestException',
    /Value at 'queryString' failed to satisfy constraint: Member must not be null/,
  ],
  [
    'a text that is empty, in a form',
    ({ cloudFormation }) =>
      cloudFormation.send(new DescribeStacksCommand({ StackName: 'x', NextToken: '' })),
    'ValidationError',
    /Value at 'nextToken'/,
  ],
  [
    'an unknown value of an enumeration',
    ({ codeBuild }) =>
      codeBuild.send(
        new StartBuildCommand(wrong({ projectName: 'p', computeTypeOverride: 'BUILD_HUGE' })),
      ),
    'InvalidInputException',
    /'computeTypeOverride' .* enum value set: \[.*BUILD_GENERAL1_SMALL.*\(it is 'BUILD_HUGE'\)/,
  ],
  [
    'too many items of a list',
    ({ glue }) =>
      glue.send(
        new BatchCreatePartitionCommand({
          DatabaseName: 'd',
          TableName: 't',
          PartitionInputList: Array.from({ length: 101 }, (_, at) => ({ Values: [String(at)] })),
        }),
      ),
    'ValidationException',
    /'partitionInputList' .* less than or equal to 100 \(its length is 101\)/,
  ],
  [
    'a text of signs that the pattern has not',
    ({ glue }) => glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'a\u0007b' } })),
    'ValidationException',
    /'databaseInput.name' .* regular expression pattern/,
  ],
  [
    'a number that is too large, in a call for the launcher',
    ({ glue }) =>
      glue.send(new GetPartitionsCommand({ DatabaseName: 'd', TableName: 't', MaxResults: 1001 })),
    'ValidationException',
    /'maxResults' .* value less than or equal to 1000 \(it is 1001\)/,
  ],
  [
    'a name that is too long, in a call that the gateway answers',
    ({ glue }) => glue.send(new StartCrawlerCommand({ Name: 'x'.repeat(256) })),
    'ValidationException',
    /'name' .* less than or equal to 255/,
  ],
  [
    'a number that is too small',
    ({ glue }) => glue.send(new StartJobRunCommand({ JobName: 'j', Timeout: 0 })),
    'ValidationException',
    /'timeout' .* value greater than or equal to 1 \(it is 0\)/,
  ],
  [
    'a role name of 65 signs, in a form',
    ({ iam }) =>
      iam.send(new CreateRoleCommand({ RoleName: 'r'.repeat(65), AssumeRolePolicyDocument: '{}' })),
    'ValidationError',
    /'roleName' .* less than or equal to 64 \(its length is 65\)/,
  ],
  [
    'too many items of a list, in a form',
    ({ iam }) =>
      iam.send(
        new TagRoleCommand({
          RoleName: 'r',
          Tags: Array.from({ length: 51 }, (_, at) => ({ Key: `k${at}`, Value: '' })),
        }),
      ),
    'ValidationError',
    /'tags' .* less than or equal to 50/,
  ],
  [
    'a number that is none, in a form',
    ({ iam }) => iam.send(new ListRolesCommand(wrong({ MaxItems: 'many' }))),
    'MalformedInput',
    /'maxItems' .* Member must be a whole number/,
  ],
  [
    'too many records',
    ({ kinesis }) =>
      kinesis.send(
        new PutRecordsCommand({
          StreamName: 's',
          Records: Array.from({ length: 501 }, () => ({
            Data: Buffer.from('x'),
            PartitionKey: 'k',
          })),
        }),
      ),
    'ValidationException',
    /'records' .* less than or equal to 500/,
  ],
  [
    'a key of a record that is empty',
    ({ kinesis }) =>
      kinesis.send(
        new PutRecordsCommand({
          StreamName: 's',
          Records: [
            { Data: Buffer.from('x'), PartitionKey: 'k' },
            { Data: Buffer.from('x'), PartitionKey: '' },
          ],
        }),
      ),
    'ValidationException',
    /'records\.2\.member\.partitionKey'/,
  ],
  [
    'a memory size out of range',
    ({ lambda }) => lambda.send(lambdaOf({ MemorySize: 64 })),
    'ValidationException',
    /'memorySize' .* value greater than or equal to 128 \(it is 64\)/,
  ],
  [
    'a runtime that does not exist',
    ({ lambda }) => lambda.send(lambdaOf({ Runtime: 'nodejs99.x' })),
    'ValidationException',
    /'runtime' .* enum value set/,
  ],
  [
    'an ARN of another kind',
    ({ lambda }) => lambda.send(lambdaOf({ Role: 'arn:aws:s3:::lake' })),
    'ValidationException',
    /'role' .* regular expression pattern: .*iam.*\(it is 'arn:aws:s3:::lake'\)/,
  ],
  [
    'a body whose member has another type',
    ({ lambda }) => lambda.send(lambdaOf({ Timeout: 'long' })),
    'SerializationException',
    /'timeout' .* Member must be a whole number \(it is a text\)/,
  ],
  [
    'a name in the path',
    ({ lambda }) => lambda.send(new GetFunctionCommand({ FunctionName: 'a b' })),
    'ValidationException',
    /'functionName' .* regular expression pattern/,
  ],
  [
    'a header out of its enumeration',
    ({ lambda }) =>
      lambda.send(new InvokeCommand(wrong({ FunctionName: 'f', InvocationType: 'Soon' }))),
    'ValidationException',
    /'invocationType' .* enum value set: \[Event, RequestResponse, DryRun\]/,
  ],
  [
    'a number in the query',
    ({ lambda }) => lambda.send(new ListFunctionsCommand({ MaxItems: 10001 })),
    'ValidationException',
    /'maxItems' .* less than or equal to 10000/,
  ],
  [
    'a header of S3 out of its enumeration',
    ({ s3 }) =>
      s3.send(
        new PutObjectCommand(wrong({ Bucket: BUCKET, Key: 'k', Body: 'x', StorageClass: 'COLD' })),
      ),
    'InvalidArgument',
    /'storageClass' .* enum value set/,
  ],
  [
    'a number in a query of S3',
    ({ s3 }) => s3.send(new ListObjectsV2Command(wrong({ Bucket: BUCKET, MaxKeys: 'all' }))),
    'InvalidArgument',
    /'maxKeys' .* Member must be a whole number/,
  ],
  [
    'a document of S3 without what is required',
    ({ s3 }) =>
      s3.send(
        new PutBucketLifecycleConfigurationCommand(
          wrong({
            Bucket: BUCKET,
            LifecycleConfiguration: { Rules: [{ ID: 'a', Filter: { Prefix: '' } }] },
          }),
        ),
      ),
    'MalformedXML',
    /'lifecycleConfiguration\.rules\.1\.member\.status' .* must not be null/,
  ],
  [
    'a document of S3 with a key that is empty',
    ({ s3 }) =>
      s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [{ Key: '' }] } })),
    'MalformedXML',
    /'delete\.objects\.1\.member\.key' .* greater than or equal to 1/,
  ],
  [
    'a document of S3 with another type',
    ({ s3 }) =>
      s3.send(
        new CompleteMultipartUploadCommand(
          wrong({
            Bucket: BUCKET,
            Key: 'k',
            UploadId: 'u',
            MultipartUpload: { Parts: [{ ETag: 'e', PartNumber: 'first' }] },
          }),
        ),
      ),
    'MalformedXML',
    /'multipartUpload\.parts\.1\.member\.partNumber'/,
  ],
  [
    'a job name of 64 signs',
    ({ sageMaker }) => sageMaker.send(job({ TrainingJobName: 'j'.repeat(64) })),
    'ValidationException',
    /'trainingJobName' .* less than or equal to 63 \(its length is 64\)/,
  ],
  [
    'an instance type that does not exist',
    ({ sageMaker }) =>
      sageMaker.send(
        job({
          ResourceConfig: { InstanceType: 'ml.x9.tiny', InstanceCount: 1, VolumeSizeInGB: 1 },
        }),
      ),
    'ValidationException',
    /'resourceConfig\.instanceType' .* enum value set: \[.* and \d+ more\]/,
  ],
  [
    'a value of a map that is too long',
    ({ sageMaker }) => sageMaker.send(job({ HyperParameters: { epochs: 'x'.repeat(2501) } })),
    'ValidationException',
    /'hyperParameters\.epochs\.member' .* less than or equal to 2500/,
  ],
  [
    'a name that is missing',
    ({ sageMaker }) => sageMaker.send(new CreateModelCommand(wrong({}))),
    'ValidationException',
    /'modelName' .* Member must not be null/,
  ],
  [
    'a page that is too large',
    ({ sageMaker }) => sageMaker.send(new ListTrainingJobsCommand({ MaxResults: 101 })),
    'ValidationException',
    /'maxResults' .* less than or equal to 100/,
  ],
  [
    'a header of an invocation',
    ({ runtime }) =>
      runtime.send(
        new InvokeEndpointCommand({
          EndpointName: 'e',
          Body: 'x',
          CustomAttributes: 'x'.repeat(1025),
        }),
      ),
    'ValidationError',
    /'customAttributes' .* less than or equal to 1024/,
  ],
  [
    'a secret that is too large, without showing it',
    ({ secrets }) =>
      secrets.send(new CreateSecretCommand({ Name: 's', SecretString: 'q'.repeat(65537) })),
    'ValidationException',
    /^((?!qq).)*'secretString' ((?!qq).)* less than or equal to 65536 \(its length is 65537\)$/,
  ],
  [
    'an id that is empty',
    ({ secrets }) => secrets.send(new GetSecretValueCommand({ SecretId: '' })),
    'ValidationException',
    /'secretId' .* greater than or equal to 1/,
  ],
  [
    'an execution name of 81 signs',
    ({ sfn }) =>
      sfn.send(
        new StartExecutionCommand({
          stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:m',
          name: 'n'.repeat(81),
        }),
      ),
    'ValidationException',
    /'name' .* less than or equal to 80 \(its length is 81\)/,
  ],
  [
    'a type of another API',
    ({ sfn }) =>
      sfn.send(
        new CreateStateMachineCommand(
          wrong({ name: 'm', definition: '{}', roleArn: ROLE, type: 'SLOW' }),
        ),
      ),
    'ValidationException',
    /'type' .* enum value set: \[STANDARD, EXPRESS\]/,
  ],
  [
    'an ARN that is empty',
    ({ sfn }) => sfn.send(new DescribeExecutionCommand({ executionArn: '' })),
    'ValidationException',
    /'executionArn' .* greater than or equal to 1/,
  ],
  [
    'a name that is missing, in a form',
    ({ sns }) => sns.send(new CreateTopicCommand(wrong({}))),
    'ValidationError',
    /'name' .* must not be null/,
  ],
  [
    'an attribute without its type, in a map of a form',
    ({ sns }) =>
      sns.send(
        new PublishCommand(
          wrong({ TopicArn: 't', Message: 'm', MessageAttributes: { a: { StringValue: 'x' } } }),
        ),
      ),
    'ValidationError',
    /'messageAttributes\.a\.member\.dataType' .* must not be null/,
  ],
  [
    'a session that is too short',
    ({ sts }) =>
      sts.send(
        new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'session', DurationSeconds: 899 }),
      ),
    'ValidationError',
    /'durationSeconds' .* value greater than or equal to 900 \(it is 899\)/,
  ],
  [
    'a shard count that is too small',
    ({ kinesis }) => kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 0 })),
    'ValidationException',
    /'shardCount' .* greater than or equal to 1/,
  ],
];

const lambdaOf = (fields: object) =>
  new CreateFunctionCommand(
    wrong({
      FunctionName: 'f',
      Role: ROLE,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { S3Bucket: BUCKET, S3Key: 'code' },
      ...fields,
    }),
  );

test.each(refused)('%s is refused', async (_, call, name, message) => {
  const error: unknown = await call(clients()).catch((thrown: unknown) => thrown);

  expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
});

const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1' };
const json = (target: string, body: object | string) => ({
  method: 'POST',
  headers: { ...JSON_TYPE, 'x-amz-target': target },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const form = (body: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body,
});

/** Services without a client among our dependencies, and requests that no client sends. */
const raw: [string, string, Parameters<typeof signed>[1], number, RegExp][] = [
  [
    'logs',
    'a name with a sign that it cannot have',
    json('Logs_20140328.CreateLogGroup', { logGroupName: 'a:b' }),
    400,
    /InvalidParameterException.*'logGroupName' .*pattern/,
  ],
  [
    'events',
    'a rule name of 65 signs',
    json('AWSEvents.PutRule', { Name: 'r'.repeat(65), ScheduleExpression: 'rate(1 day)' }),
    400,
    /ValidationException.*'name' .* 64/,
  ],
  [
    'ecr',
    'a repository name in capitals',
    json('AmazonEC2ContainerRegistry_V20150921.CreateRepository', { repositoryName: 'BIG' }),
    400,
    /InvalidParameterException.*Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy/,
  ],
  [
    'kms',
    'a waiting time of no days',
    json('TrentService.ScheduleKeyDeletion', { KeyId: 'k', PendingWindowInDays: 0 }),
    400,
    /ValidationException.*'pendingWindowInDays' .*greater than or equal to 1/,
  ],
  [
    'ssm',
    'a name that is missing',
    json('AmazonSSM.PutParameter', { Value: 'v' }),
    400,
    /ValidationException.*'name' .*must not be null/,
  ],
  [
    'tagging',
    'a number that is a text',
    json('ResourceGroupsTaggingAPI_20170126.GetResources', { ResourcesPerPage: '1' }),
    400,
    /SerializationException.*'resourcesPerPage'/,
  ],
  [
    'sqs',
    'a queue that is not named',
    json('AmazonSQS.SendMessage', { MessageBody: 'm' }),
    400,
    /InvalidParameterValue.*'queueUrl' .*must not be null/,
  ],
  [
    'scheduler',
    'a schedule without its target',
    {
      method: 'POST',
      path: '/schedules/nightly',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ScheduleExpression: 'rate(1 day)',
        FlexibleTimeWindow: { Mode: 'OFF' },
      }),
    },
    400,
    /ValidationException.*'target' .*must not be null/,
  ],
  [
    'monitoring',
    'a metric without its name, in a form',
    form('Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.Value=1'),
    400,
    /<Code>ValidationError<\/Code>.*metricData\.1\.member\.metricName/,
  ],
  [
    'states',
    'a member that the operation has not',
    json('AWSStepFunctions.ListExecutions', { stateMachineARN: 'x' }),
    400,
    /ValidationException.*'stateMachineARN' .*Member must be one of the operation/,
  ],
  [
    'states',
    'a body that is no JSON',
    json('AWSStepFunctions.ListStateMachines', '{"maxResults":'),
    400,
    /SerializationException/,
  ],
  [
    'states',
    'a body that is no structure',
    json('AWSStepFunctions.ListStateMachines', '[]'),
    400,
    /SerializationException.*not a JSON structure/,
  ],
  [
    'states',
    'an operation that it does not have',
    json('AWSStepFunctions.StartEverything', {}),
    404,
    /UnknownOperationException.*AWSStepFunctions\.StartEverything/,
  ],
  [
    'states',
    'a target of another service',
    json('Kinesis_20131202.ListStreams', {}),
    404,
    /UnknownOperationException/,
  ],
  [
    'iam',
    'an action that it does not have',
    form('Action=MakeRole&Version=2010-05-08'),
    400,
    /<Code>InvalidAction<\/Code>.*MakeRole/,
  ],
  [
    'lambda',
    'a path that it does not have',
    { path: '/2015-03-31/everything' },
    404,
    /UnknownOperationException/,
  ],
  [
    's3',
    'a document that is no XML',
    {
      method: 'POST',
      path: `/${BUCKET}?delete`,
      headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
      body: '<Delete><Object>',
    },
    400,
    /<Code>MalformedXML<\/Code>.*not well-formed/,
  ],
  [
    's3',
    'a document with an element that its schema has not',
    {
      method: 'PUT',
      path: `/${BUCKET}?tagging`,
      headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
      body: '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value><Colour>red</Colour></Tag></TagSet></Tagging>',
    },
    400,
    /<Code>MalformedXML<\/Code>.*tagging\.tagSet\.1\.member\.colour/,
  ],
];

test.each(raw)('%s: %s is refused', async (service, _, request, status, text) => {
  const asked = await signed(cloud.url, request, { credentials: cloud.root, service });
  const answer = await send(cloud.url, asked);

  expect(answer.body.replaceAll('&#39;', "'")).toMatch(text);
  expect(answer.status).toBe(status);
});

test('a call in CBOR is refused in CBOR', async () => {
  const asked = await signed(
    cloud.url,
    {
      method: 'POST',
      path: '/service/GraniteServiceVersion20100801/operation/PutMetricData',
      headers: { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' },
      body: Buffer.from(cbor.serialize({ Namespace: '', MetricData: [{ MetricName: 'm' }] })),
    },
    { credentials: cloud.root, service: 'monitoring' },
  );
  const { status, bytes, headers } = await send(cloud.url, asked);

  expect(status).toBe(400);
  expect(headers['smithy-protocol']).toBe('rpc-v2-cbor');
  expect(cbor.deserialize(bytes)).toMatchObject({
    __type: 'ValidationError',
    message: expect.stringMatching(/'namespace' .* greater than or equal to 1/),
  });
});

test('what AWS takes passes, in each protocol', async () => {
  const { athena, cloudFormation, glue, iam, kinesis, lambda, s3, sageMaker, secrets, sfn, sns } =
    clients();
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a b/ü', Body: 'x', Tagging: 'a=b' }));
  await s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: BUCKET,
      LifecycleConfiguration: {
        Rules: [
          { ID: 'a', Status: 'Enabled', Filter: { Prefix: 'a/' }, Expiration: { Days: 3 } },
          {
            ID: 'b',
            Status: 'Disabled',
            Filter: { Prefix: '' },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
          },
        ],
      },
    }),
  );
  const { Deleted } = await s3.send(
    new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [{ Key: 'a b/ü' }] } }),
  );
  await kinesis.send(new CreateStreamCommand({ StreamName: 'stream', ShardCount: 1 }));
  await sns.send(
    new CreateTopicCommand({ Name: 'topic', Tags: [{ Key: 'k', Value: '' }], Attributes: {} }),
  );
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'plain',
      Path: '/',
      AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
      Tags: [],
    }),
  );
  await secrets.send(new CreateSecretCommand({ Name: 'some/secret', SecretString: 'x' }));

  expect(Deleted).toMatchObject([{ Key: 'a b/ü' }]);
  await expect(
    sageMaker.send(new ListTrainingJobsCommand({ MaxResults: 100 })),
  ).resolves.toBeDefined();
  await expect(lambda.send(new ListFunctionsCommand({ MaxItems: 50 }))).resolves.toBeDefined();
  await expect(cloudFormation.send(new DescribeStacksCommand({}))).resolves.toBeDefined();
  // Right as calls, whatever the services find.
  await expect(
    sfn.send(new DescribeExecutionCommand({ executionArn: EXECUTION })),
  ).rejects.toMatchObject({
    name: 'ExecutionDoesNotExist',
  });
  await expect(glue.send(new StartCrawlerCommand({ Name: 'none' }))).rejects.toMatchObject({
    name: 'EntityNotFoundException',
  });
  await expect(
    athena.send(
      new StartQueryExecutionCommand({
        QueryString: 'SELECT ?',
        ExecutionParameters: ['x'.repeat(1024)],
        WorkGroup: 'nobody-made-it',
      }),
    ),
  ).rejects.not.toMatchObject({ message: expect.stringMatching(/validation error/) });
});

test('CloudTrail is called with the target of the SDK for JavaScript, and with botocore’s', async () => {
  const cloudTrail = new CloudTrailClient(cloud.client());
  const byName = [{ AttributeKey: 'EventName', AttributeValue: 'StartExecution' }] as const;
  const botocore = json('com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents', {});

  const { Events } = await cloudTrail.send(
    new LookupEventsCommand({ LookupAttributes: [...byName], StartTime: new Date(0) }),
  );
  const asked = await signed(cloud.url, botocore, {
    credentials: cloud.root,
    service: 'cloudtrail',
  });

  expect(Events).toEqual([]);
  expect(await send(cloud.url, asked)).toMatchObject({ status: 200 });
});

const EXECUTION = 'arn:aws:states:us-east-1:000000000000:execution:machine:run';
