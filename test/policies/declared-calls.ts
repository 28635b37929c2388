import { functionRoles } from '../../infra/constructs/pipeline/pipeline-functions';
import type { Call, Context } from './calls';
import { ACCOUNT, REGION } from './template';

/** A call that AWS makes or checks and the embedded cloud does not, so that no record can hold it. */
export interface DeclaredCall extends Call {
  readonly reason: string;
}

const arn = (service: string, resource: string) =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
const object = (key: string) => `arn:aws:s3:::bucket/${key}`;
const via = (service: string): Context => ({
  'kms:ViaService': `${service}.${REGION}.amazonaws.com`,
});
export const key = arn('kms', 'key/uuid');
export const forceGrant = arn('secretsmanager', 'secret:ForceGrantSecret');
/** Under which forgotten ids are kept. */
export const forgottenIds = arn('secretsmanager', 'secret:ForgottenIdsSecret');
export const token = arn('secretsmanager', 'secret:secret');

/** One call for each role and action. Actions come as in policies: `service:A B C`. */
function declare(
  reason: string,
  roles: readonly string[],
  actions: string,
  resource: string,
  context?: Context,
): DeclaredCall[] {
  const [service = '', names = ''] = actions.split(':');
  return roles.flatMap((role) =>
    names
      .split(' ')
      .map((name) => ({ reason, role, action: `${service}:${name}`, resource, context })),
  );
}

const [INGESTION, PROCESSING, REPORTER, LEARNING, OPERATING, SERVING, ANALYSTS, LABELLERS] = [
  ['DataIngestionRole'],
  ['DataProcessingRole'],
  ['RunReporterRole'],
  ['MachineLearningRole'],
  ['ModelOperatorRole'],
  ['ServingRole'],
  ['AnalyticsRole'],
  ['LabellerRole'],
];
/** Who lists the bucket, and reads and writes encrypted objects. */
const WRITING = [
  ...INGESTION,
  ...PROCESSING,
  ...REPORTER,
  ...LEARNING,
  ...OPERATING,
  ...ANALYSTS,
  ...LABELLERS,
];

/** As SageMaker asks for the grant of a volume. */
export const volumeGrant: Context = {
  'kms:GrantIsForAWSResource': 'true',
  'kms:ViaService': `sagemaker.${REGION}.amazonaws.com`,
  'kms:GrantOperations': ['CreateGrant', 'Decrypt', 'GenerateDataKeyWithoutPlaintext'],
};
const MACHINE = ['MachineRole'];
const encrypts =
  'S3, Kinesis, SNS and SQS call KMS as their caller; the embedded ones do, and a recorded run may ask nothing that is not here';
const pulls = 'SageMaker pulls the image as the role of the job or model; locally it is a process';
const spark =
  "Glue's Spark writes in parts below a temporary name and cleans up; locally the job uploads finished files";

/** The granter is a person; a run without force asks for no grant, and the recorded runs have none. */
const force = [
  ...declare(
    'Plan the run looks for a grant when the input asks for force',
    INGESTION,
    'secretsmanager:GetSecretValue',
    forceGrant,
  ),
  ...declare(
    'A person gives a grant, from a shell or in the console, which shows the value first',
    ['ForceGranterRole'],
    'secretsmanager:PutSecretValue GetSecretValue DescribeSecret',
    forceGrant,
  ),
  ...declare(
    'Secrets Manager calls KMS as its caller',
    ['ForceGranterRole'],
    'kms:Decrypt GenerateDataKey',
    key,
    via('secretsmanager'),
  ),
];

const logsOfFunctions = Object.entries(functionRoles).flatMap(([name, role]) => [
  ...declare(
    'Lambda writes a function’s log as its role; locally it goes to a file',
    [role],
    'logs:CreateLogStream PutLogEvents',
    arn('logs', `log-group:/aws/lambda/sentiment-lake-local-${name}:log-stream:one`),
  ),
  ...declare(
    'Lambda sends traces as the function’s role; there is no X-Ray in the embedded cloud',
    [role],
    'xray:PutTraceSegments PutTelemetryRecords',
    '*',
  ),
]);

const encryption = [
  ...declare(encrypts, WRITING, 'kms:Decrypt GenerateDataKey', key, via('s3')),
  ...declare(encrypts, SERVING, 'kms:Decrypt', key, via('s3')),
  ...declare(
    'SageMaker documents it for the role of a job whose output has a key',
    LEARNING,
    'kms:Encrypt',
    key,
    via('s3'),
  ),
  ...declare(encrypts, INGESTION, 'kms:GenerateDataKey', key, via('kinesis')),
  ...declare(encrypts, INGESTION, 'kms:Decrypt', key, via('secretsmanager')),
  ...declare(encrypts, REPORTER, 'kms:Decrypt GenerateDataKey', key, via('sns')),
  ...declare(encrypts, REPORTER, 'kms:Decrypt GenerateDataKey', key, via('sqs')),
  ...declare(
    encrypts,
    [...OPERATING, ...REPORTER, ...ANALYSTS],
    'kms:Decrypt',
    key,
    via('kinesis'),
  ),
  ...declare(
    'SageMaker encrypts volumes by grants that its caller and the role of the job may make',
    [...LEARNING, ...OPERATING, 'EndpointUpdaterRole'],
    'kms:CreateGrant',
    key,
    volumeGrant,
  ),
  ...declare(
    'SageMaker looks at the key of the volumes as its caller',
    [...LEARNING, ...OPERATING, 'EndpointUpdaterRole'],
    'kms:DescribeKey',
    key,
  ),
];

const parking = declare(
  'The embedded stream refuses no record, so none is queued in a recorded night',
  INGESTION,
  's3:GetObject PutObject DeleteObject',
  object('raw-data/parked/page.ndjson'),
);

const compacting = [
  ...declare(
    'A recorded lake has no day that is old enough to be compacted',
    INGESTION,
    's3:GetObject DeleteObject',
    object('raw-data/tweets/dt=day/page.ndjson.gz'),
  ),
  ...declare(
    'A recorded lake has no day that is old enough to be compacted',
    OPERATING,
    's3:DeleteObject',
    object('processed-data/scored/dt=day/a.parquet'),
  ),
];

const images = [
  { kind: 'training', role: LEARNING },
  // Of transform jobs, too.
  { kind: 'serving', role: [...SERVING, ...LEARNING] },
].flatMap(({ kind, role }) => [
  ...declare(
    pulls,
    role,
    'ecr:BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer',
    arn('ecr', `repository/sentiment-lake-local-${kind}`),
  ),
  ...declare(pulls, role, 'ecr:GetAuthorizationToken', '*'),
]);

const jobs = [
  ...[
    { role: LEARNING, kind: 'TrainingJobs', group: 'TrainingJobs' },
    { role: LEARNING, kind: 'TransformJobs', group: 'TransformJobs' },
    { role: SERVING, kind: 'Endpoints', group: 'Endpoints/sentiment-lake-local-serverless' },
  ].flatMap(({ role, kind, group }) => [
    ...declare(
      'SageMaker writes the logs of jobs and endpoints as their role',
      role,
      'logs:CreateLogGroup CreateLogStream PutLogEvents DescribeLogStreams',
      arn('logs', `log-group:/aws/sagemaker/${group}:log-stream:one`),
    ),
    ...declare(
      'SageMaker writes the metrics of jobs and endpoints as their role',
      role,
      'cloudwatch:PutMetricData',
      '*',
      { 'cloudwatch:namespace': `/aws/sagemaker/${kind}` },
    ),
  ]),
  ...declare(
    'SageMaker uploads a large archive in parts; ours are small, and the embedded cloud uploads them whole',
    LEARNING,
    's3:AbortMultipartUpload ListMultipartUploadParts',
    object('model-outputs/sl-job/output/model.tar.gz'),
  ),
  ...declare(
    'SageMaker looks for the bucket and for unfinished parts of an archive before it uploads',
    LEARNING,
    's3:GetBucketLocation ListBucketMultipartUploads',
    'arn:aws:s3:::bucket',
  ),
  ...declare(
    'A transform job that takes longer than the settings allow is stopped, and that of an aborted execution',
    [...OPERATING, ...REPORTER],
    'sagemaker:StopTransformJob',
    arn('sagemaker', 'transform-job/sl-job'),
  ),
  ...declare(
    'Glue reads the security configuration at the start of each crawl and run',
    PROCESSING,
    'glue:GetSecurityConfiguration',
    '*',
  ),
  ...declare(
    'Glue writes the logs of crawls and runs as their role',
    PROCESSING,
    'logs:CreateLogGroup CreateLogStream PutLogEvents AssociateKmsKey',
    arn('logs', 'log-group:/aws-glue/jobs/output:log-stream:one'),
  ),
  ...declare(
    'Glue writes the metrics of runs as their role',
    PROCESSING,
    'cloudwatch:PutMetricData',
    '*',
    { 'cloudwatch:namespace': 'Glue' },
  ),
  ...declare(
    spark,
    PROCESSING,
    's3:DeleteObject AbortMultipartUpload ListMultipartUploadParts',
    object('cleaned-data/tweets/dt=day/run=run/_temporary/0/part'),
  ),
  ...declare(
    spark,
    PROCESSING,
    's3:GetBucketLocation ListBucketMultipartUploads',
    'arn:aws:s3:::bucket',
  ),
];

const results = (role: string): string =>
  `processed-data/query-results/${ANALYSTS.includes(role) ? 'analysts' : 'runs'}/one.csv`;
const queries = [...REPORTER, ...OPERATING, ...ANALYSTS].flatMap((role) => [
  ...declare(
    'Athena writes large results in parts, as its caller',
    [role],
    's3:AbortMultipartUpload ListMultipartUploadParts',
    object(results(role)),
  ),
  ...declare(
    'Athena looks for unfinished parts of results, as its caller',
    [role],
    's3:ListBucketMultipartUploads',
    'arn:aws:s3:::bucket',
  ),
  ...declare(
    'Athena asks the catalog for more than the embedded one does',
    [role],
    'glue:GetDatabase',
    arn('glue', 'database/sentiment_lake'),
  ),
  ...declare(
    'Athena asks the catalog for more than the embedded one does',
    [role],
    'glue:GetPartition BatchGetPartition',
    arn('glue', 'table/sentiment_lake/tweets'),
  ),
]);

const watching = declare(
  'lake watch reads the stream, and is no part of the recorded test',
  ANALYSTS,
  'kinesis:GetRecords GetShardIterator ListShards',
  arn('kinesis', 'stream/stream'),
);

const deliveries = [
  ...declare(
    'Lambda polls the stream as the role of the function; ministack reads it directly',
    OPERATING,
    'kinesis:DescribeStream DescribeStreamSummary GetRecords GetShardIterator ListShards',
    arn('kinesis', 'stream/stream'),
  ),
  ...declare(
    'Lambda writes batches it gave up as the role of the function, and looks whether it may; no batch of a run is given up',
    OPERATING,
    's3:PutObject',
    object('aws/lambda/mapping/shardId-000000000000/2026/11/24/batch'),
  ),
  ...declare(
    'Lambda reports an archive that failed for good as the role of the function; none of a run does',
    REPORTER,
    'sqs:SendMessage',
    arn('sqs', 'UndeliveredQueue'),
  ),
  ...declare(
    'EventBridge starts the machine by schedule; the rules of a local lake are off',
    ['SchedulesStarter'],
    'states:StartExecution',
    arn('states', 'stateMachine:sentiment-lake-local'),
  ),
];

const machine = [
  ...declare(
    'Step Functions sets up the delivery of the machine’s log as its role',
    MACHINE,
    'logs:CreateLogDelivery GetLogDelivery UpdateLogDelivery DeleteLogDelivery ListLogDeliveries PutResourcePolicy DescribeResourcePolicies DescribeLogGroups',
    '*',
  ),
  ...declare(
    'Step Functions sends traces as the machine’s role',
    MACHINE,
    'xray:PutTraceSegments PutTelemetryRecords GetSamplingRules GetSamplingTargets',
    '*',
  ),
];

const rare = [
  ...declare(
    'A record that is written a second time, as after a retry, is compared with the first',
    REPORTER,
    's3:GetObject',
    object('processed-data/audit/executions/a.json'),
  ),
  ...['endpoint/sentiment-lake-local-serverless', 'endpoint-config/sl-job'].flatMap((changed) =>
    declare(
      'Made only when a model fails its smoke test and the champion is put back',
      OPERATING,
      'sagemaker:UpdateEndpoint',
      arn('sagemaker', changed),
    ),
  ),
  ...[
    ['sagemaker:DeleteModelPackage', 'model-package/sentiment-lake-local/1'],
    ['sagemaker:DeleteModel', 'model/sl-job'],
    ['sagemaker:DeleteEndpointConfig', 'endpoint-config/sl-job'],
  ].flatMap(([action = '', deleted = '']) =>
    declare(
      'Made by the promotion after the ten that are kept (registry.keepModels): test/functions/registry.test.ts',
      OPERATING,
      action,
      arn('sagemaker', deleted),
    ),
  ),
  ...declare(
    'S3 answers 404 for a missing object to those who may list, and 403 to others; ministack asks nothing',
    WRITING,
    's3:ListBucket',
    'arn:aws:s3:::bucket',
  ),
  ...declare(
    'Asked only when the lock of the night is held by another execution',
    INGESTION,
    'states:DescribeExecution',
    arn('states', 'execution:sentiment-lake-local:other'),
  ),
  ...declare(
    'An analyst stops a query of their own; the pipeline never does',
    ANALYSTS,
    'athena:StopQueryExecution',
    arn('athena', 'workgroup/sentiment-lake-local-analysts'),
  ),
  ...declare(
    'An analyst asks why records were refused; the pipeline never does',
    ANALYSTS,
    's3:GetObject',
    object('raw-data/quarantine/dt=day/run.ndjson'),
  ),
  ...declare(
    'An analyst’s editor lists the tables; the pipeline never does',
    ANALYSTS,
    'glue:GetTables',
    arn('glue', 'table/sentiment_lake/tweets'),
  ),
];

const brings =
  'Made by a person who brings labels, a corpus or tweets of their own, which no recorded run does: test/drills/people.test.ts';
const bringing = [
  ...declare(brings, LABELLERS, 's3:GetObject PutObject', object('raw-data/labels/people.ndjson')),
  ...declare(
    brings,
    LABELLERS,
    's3:GetObject PutObject',
    object('raw-data/corpora/people.jsonl.gz'),
  ),
  ...declare(brings, LABELLERS, 's3:PutObject', object('raw-data/imports/mine/00000.ndjson.gz')),
  ...declare(
    'The ingest removes an import that is in the lake, which no recorded run does: test/drills/forget.test.ts',
    INGESTION,
    's3:GetObject DeleteObjectVersion',
    object('raw-data/imports/mine/00000.ndjson.gz'),
  ),
  ...declare(
    'The ingest removes an import that is in the lake, which no recorded run does: test/drills/forget.test.ts',
    INGESTION,
    's3:ListBucketVersions',
    'arn:aws:s3:::bucket',
    { 's3:prefix': 'raw-data/imports/mine/' },
  ),
];

const forgets =
  'Made by a person who makes the lake forget tweets, which no recorded run does: test/drills/forget.test.ts';
const FORGETTER = ['ForgetterRole'];
export const forgettable = {
  /** Rows are taken out of these. */
  rewritten: [
    'raw-data/tweets/dt=day/page.ndjson.gz',
    'raw-data/labels/people.ndjson',
    'raw-data/quarantine/dt=day/run.ndjson',
    'raw-data/plans/queries/query.json',
    'raw-data/imports/name/00000.ndjson.gz',
    'raw-data/parked/page.ndjson',
    'aws/lambda/mapping/shard/2026/11/24/batch',
    'processed-data/scored/dt=day/a.parquet',
    'processed-data/audit/executions/a.json',
  ],
  /** These go whole. */
  removed: [
    'cleaned-data/tweets/dt=day/run=a/part.parquet',
    'processed-data/query-results/runs/a.csv',
    'processed-data/query-results/analysts/a.csv',
  ],
  /** These, too, and nobody reads them for it. */
  pages: ['model-outputs/sl-job/evaluation.html', 'model-outputs/sl-job/output/output.tar.gz'],
};
const forgetting = [
  ...forgettable.pages.flatMap((name) =>
    declare(forgets, FORGETTER, 's3:DeleteObjectVersion', object(name)),
  ),
  ...declare(forgets, FORGETTER, 's3:ListBucketVersions', 'arn:aws:s3:::bucket', {
    's3:prefix': 'model-outputs/',
  }),
  ...forgettable.rewritten.flatMap((name) =>
    declare(forgets, FORGETTER, 's3:PutObject DeleteObject', object(name)),
  ),
  ...[...forgettable.rewritten, ...forgettable.removed].flatMap((name) => [
    ...declare(forgets, FORGETTER, 's3:GetObjectVersion DeleteObjectVersion', object(name)),
    ...declare(forgets, FORGETTER, 's3:ListBucketVersions', 'arn:aws:s3:::bucket', {
      's3:prefix': name.slice(0, name.lastIndexOf('/') + 1),
    }),
  ]),
  ...declare(forgets, FORGETTER, 's3:GetObject', object('raw-data/plans/lock.json')),
  ...declare(forgets, FORGETTER, 's3:GetObject', object('model-outputs/sl-job/input/request.json')),
  ...declare(
    forgets,
    FORGETTER,
    's3:GetObject PutObject',
    object('model-outputs/sl-job/forgotten.json'),
  ),
  ...declare(forgets, FORGETTER, 's3:ListBucket', 'arn:aws:s3:::bucket', {
    's3:prefix': 'model-outputs/',
  }),
  ...['catalog', 'database/sentiment_lake', 'table/sentiment_lake/tweets'].flatMap((name) =>
    declare(forgets, FORGETTER, 'glue:GetPartitions UpdatePartition', arn('glue', name)),
  ),
  ...declare(encrypts, FORGETTER, 'kms:Decrypt GenerateDataKey', key, via('s3')),
  ...declare(forgets, FORGETTER, 'secretsmanager:GetSecretValue', forgottenIds),
  ...declare(encrypts, FORGETTER, 'kms:Decrypt', key, via('secretsmanager')),
];

/** A lake that is younger than `keepDays` has nothing to end but candidates. */
const ends = 'Publish the data ends days and snapshots that were kept long enough';
const ending = [
  ...['raw_tweets', 'tweets', 'scored'].flatMap((table) =>
    declare(
      ends,
      PROCESSING,
      'glue:BatchDeletePartition',
      arn('glue', `table/sentiment_lake/${table}`),
    ),
  ),
  ...declare(
    ends,
    PROCESSING,
    's3:DeleteObject',
    object('cleaned-data/tweets/dt=day/run=a/part.parquet'),
  ),
];

/** Every call that stands in for a record. */
export const declaredCalls: readonly DeclaredCall[] = [
  ...logsOfFunctions,
  ...encryption,
  ...images,
  ...parking,
  ...compacting,
  ...jobs,
  ...queries,
  ...watching,
  ...deliveries,
  ...machine,
  ...rare,
  ...force,
  ...bringing,
  ...forgetting,
  ...ending,
];
