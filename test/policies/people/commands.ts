import type { AccountEnvironment } from '../../../cli/account/session';
import { commands, type CommandName } from '../../../cli/commands';
import type { People } from '../../../session/people';
import { settingsFor } from '../../../infra/config';
import {
  databaseName,
  endpointNames,
  forceGranterRole,
  forgetterRoleName,
  lakeName,
  modelPrefix,
  stackName,
} from '../../../infra/naming';
import type { Context } from '../calls';
import { forceGrant, forgottenIds, key, token, volumeGrant } from '../declared-calls';
import { ACCOUNT, REGION } from '../template';

/*
 * Which calls each command of the command line makes in an account, in the order in which it makes them first, and as
 * whom. people.test.ts reads from the source what each command can send, and compares.
 */

export type { CommandName };

export const commandNames: readonly string[] = commands.map(({ name }) => name);

/** Commands that take `--env dev`, and so can work in an account. */
export const namesWithEnvironment: readonly string[] = commands
  .filter(({ name, input }) => name !== 'rehearse' && input.shape['env'].safeParse('dev').success)
  .map(({ name }) => name);

/** The roles behind the clients of `People`. */
export const roleOf = {
  analyst: 'AnalyticsRole',
  labeller: 'LabellerRole',
  forceGranter: forceGranterRole,
  forgetter: forgetterRoleName,
} as const satisfies Record<keyof People, string>;
export type RoleOfPeople = (typeof roleOf)[keyof People];

export interface CommandCall {
  /** The role that was assumed for it; null under the person's own name. */
  readonly as: RoleOfPeople | null;
  /** As the SDK calls it, `s3:HeadObject`; null where AWS asks for it on the way, or another program sends it. */
  readonly operation: string | null;
  readonly action: string;
  readonly resource: string;
  readonly context?: Context;
  /** `stacks are gone`: the bucket's policy went with the stack. `may be refused`: the command says so, and goes on. */
  readonly unless?: 'stacks are gone' | 'may be refused';
}

export type CommandCalls =
  | { readonly calls: readonly CommandCall[] }
  /** Why it makes no call in any account. */
  | { readonly embeddedOnly: string };

const arn = (service: string, resource: string) =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
const bucket = 'arn:aws:s3:::bucket';
const object = (name: string) => `${bucket}/${name}`;
const via = (service: string): Context => ({
  'kms:ViaService': `${service}.${REGION}.amazonaws.com`,
});

/** The SDK's names of services that IAM calls otherwise. */
const services: Readonly<Record<string, string>> = {
  'cloudwatch-logs': 'logs',
  'service-quotas': 'servicequotas',
  sfn: 'states',
  'secrets-manager': 'secretsmanager',
  'sagemaker-runtime': 'sagemaker',
};

/**
 * Operations whose action has another name: "Actions, resources, and condition keys for Amazon S3", and for AWS Budgets,
 * of the service authorization reference, column of the API operations.
 */
const actions: Readonly<Record<string, string>> = {
  's3:HeadObject': 's3:GetObject',
  's3:HeadBucket': 's3:ListBucket',
  's3:ListBuckets': 's3:ListAllMyBuckets',
  's3:ListObjectsV2': 's3:ListBucket',
  's3:ListObjectVersions': 's3:ListBucketVersions',
  's3:ListMultipartUploads': 's3:ListBucketMultipartUploads',
  's3:DeleteObjects': 's3:DeleteObjectVersion',
  's3:GetBucketEncryption': 's3:GetEncryptionConfiguration',
  's3:GetPublicAccessBlock': 's3:GetBucketPublicAccessBlock',
  'budgets:DescribeBudgets': 'budgets:ViewBudget',
};

/** What S3 and Secrets Manager ask of the key as their caller, where it encrypts. */
const ofKey: Readonly<Record<string, readonly string[]>> = {
  's3:GetObject': ['kms:Decrypt'],
  's3:GetObjectVersion': ['kms:Decrypt'],
  's3:PutObject': ['kms:GenerateDataKey'],
  'secretsmanager:GetSecretValue': ['kms:Decrypt'],
  'secretsmanager:PutSecretValue': ['kms:GenerateDataKey', 'kms:Decrypt'],
};

type More = Partial<Pick<CommandCall, 'context' | 'unless' | 'action'>>;

/** A call of the SDK, with what AWS asks of the key for it. */
function sends(
  as: CommandCall['as'],
  operation: string,
  resource: string,
  { action: other, ...more }: More = {},
): CommandCall[] {
  const [service = '', name = ''] = operation.split(':');
  const action = other ?? actions[operation] ?? `${services[service] ?? service}:${name}`;
  const call: CommandCall = { as, operation, action, resource, ...more };
  const [asking = ''] = action.split(':');
  const asked = more.unless === undefined ? (ofKey[action] ?? []) : [];
  return [
    call,
    ...asked.map((name) => ({
      as,
      operation: null,
      action: name,
      resource: key,
      context: via(asking),
    })),
  ];
}

/** A call that AWS makes or checks on the way, or that the CDK sends. */
const asks = (
  as: CommandCall['as'],
  action: string,
  resource: string,
  context?: Context,
): CommandCall => ({ as, operation: null, action, resource, ...(context && { context }) });

const list = (as: CommandCall['as'], prefix: string, versions = false): CommandCall[] =>
  sends(as, versions ? 's3:ListObjectVersions' : 's3:ListObjectsV2', bucket, {
    context: { 's3:prefix': prefix },
  });

const { analyst, labeller, forgetter, forceGranter } = roleOf;

/** Every command's calls in an environment of an account. */
export function callsIn(environment: AccountEnvironment): Record<CommandName, CommandCalls> {
  const lake = lakeName(environment);
  const machine = arn('states', `stateMachine:${lake}`);
  const execution = arn('states', `execution:${lake}:one`);
  const stack = (name: string) => arn('cloudformation', `stack/${name}/uuid`);
  const [dataStack, pipeline, budget] = [
    stack(stackName(environment, 'Data')),
    stack(stackName(environment, 'Pipeline')),
    stack(stackName(environment, 'Budget')),
  ];
  const database = databaseName(environment);
  const sageMaker = (resource: string) => arn('sagemaker', resource);
  const model = `${modelPrefix(environment)}job`;
  const endpoints = endpointNames(environment).map((name) => sageMaker(`endpoint/${name}`));
  const { training } = settingsFor(environment);

  const assume = (role: RoleOfPeople): CommandCall[] =>
    sends(null, 'sts:AssumeRole', arn('iam', `role/${lake}-${role}`).replace(REGION, ''));

  // STS answers GetCallerIdentity to everybody, even where a policy denies it: its API reference says so.
  const findsAccount: CommandCall[] = [];
  const opens = [...findsAccount, ...sends(null, 'cloudformation:DescribeStacks', pipeline)];

  const question = [
    ...assume(analyst),
    ...['StartQueryExecution', 'GetQueryExecution', 'GetQueryResults'].flatMap((name) =>
      sends(analyst, `athena:${name}`, arn('athena', `workgroup/${lake}-analysts`)),
    ),
    // Athena reads and writes as its caller.
    ...['catalog', `database/${database}`, `table/${database}/tweets`].flatMap((name) =>
      ['glue:GetTable', 'glue:GetPartitions'].map((action) =>
        asks(analyst, action, arn('glue', name)),
      ),
    ),
    ...['s3:GetObject', 's3:PutObject'].flatMap((action) =>
      sends(
        analyst,
        's3:ByAthena',
        object(
          action === 's3:GetObject'
            ? 'cleaned-data/tweets/dt=day/run=a/part.parquet'
            : 'processed-data/query-results/analysts/one.csv',
        ),
        { action },
      ).map((call) => ({ ...call, operation: null })),
    ),
  ];

  const listsModels = ['ListModelPackages', 'DescribeModelPackage'].flatMap((name) =>
    sends(null, `sagemaker:${name}`, sageMaker(`model-package/${lake}/1`)),
  );
  const history = sends(null, 'sfn:GetExecutionHistory', execution);
  const watches = [...history, ...sends(null, 'sfn:DescribeExecution', execution)];
  const starts = [...sends(null, 'sfn:StartExecution', machine), ...watches];
  const archived = sends(
    analyst,
    's3:HeadObject',
    object('processed-data/audit/executions/one-0.json'),
  );
  // What the console shows, and so the report of a run.
  const shows = [
    ...question,
    ...sends(null, 'sfn:ListExecutions', machine),
    ...sends(null, 'sfn:DescribeStateMachine', machine),
    ...watches,
    ...listsModels,
    ...[
      'processed-data/audit/executions/',
      'processed-data/audit/reports/',
      'raw-data/quarantine/',
      'cleaned-data/tweets/',
      'processed-data/scored/',
    ].flatMap((prefix) => list(analyst, prefix)),
    ...[
      'processed-data/audit/executions/one-0.json',
      'processed-data/executions/dt=day/one.json',
      'processed-data/audit/reports/one.json',
      'raw-data/quarantine/dt=day/run.ndjson',
      'model-outputs/champion.json',
      `model-outputs/${model}/evaluation.json`,
      `model-outputs/${model}/manifest.json`,
    ].flatMap((name) => sends(analyst, 's3:GetObject', object(name))),
  ];
  const finishes = [
    ...shows,
    ...sends(analyst, 's3:GetObject', object(`model-outputs/${model}/evaluation.html`)),
    ...sends(analyst, 's3:GetObject', object(`model-outputs/${model}/manifest.json`)),
    ...archived,
  ];

  const newLabels = sends(labeller, 's3:PutObject', object('raw-data/labels/people.ndjson'));
  const labels = [
    ...question,
    ...assume(labeller),
    ...list(labeller, 'raw-data/labels/'),
    ...sends(labeller, 's3:GetObject', object('raw-data/labels/people.ndjson')),
    ...newLabels,
  ];
  const importsLabels = [
    ...assume(labeller),
    ...list(labeller, 'raw-data/labels/'),
    ...sends(labeller, 's3:HeadObject', object('raw-data/labels/people.ndjson')),
    ...sends(labeller, 's3:GetObject', object('raw-data/labels/people.ndjson')),
    ...newLabels,
  ];

  const repro = sageMaker(`training-job/${modelPrefix(environment)}repro-one`);
  const trainsAgain = [
    ...sends(null, 'sagemaker:CreateTrainingJob', repro, {
      context: {
        'sagemaker:NetworkIsolation': 'true',
        'sagemaker:InstanceTypes': [training.instanceType],
        'sagemaker:VolumeKmsKeyArn': key,
        'sagemaker:OutputKmsKeyArn': key,
        'sagemaker:MaxRuntimeInSeconds': String(training.maxSeconds),
      },
    }),
    // The job carries tags, goes by a role, and its volume is encrypted.
    asks(null, 'sagemaker:AddTags', repro),
    asks(null, 'iam:PassRole', arn('iam', `role/${lake}-MachineLearningRole`).replace(REGION, ''), {
      'iam:PassedToService': 'sagemaker.amazonaws.com',
    }),
    asks(null, 'kms:DescribeKey', key),
    asks(null, 'kms:CreateGrant', key, volumeGrant),
    ...sends(null, 'sagemaker:DescribeTrainingJob', repro),
  ];

  const keyOfStack = [
    ...sends(null, 'cloudformation:DescribeStacks', dataStack),
    ...sends(null, 'cloudformation:ListStackResources', dataStack),
  ];

  const bootstrap = (name: string) =>
    arn('iam', `role/cdk-hnb659fds-${name}-${ACCOUNT}-${REGION}`).replace(`:${REGION}:`, '::');
  // The CDK's own: its roles do the rest. "Bootstrapping your environment" of the CDK's guide names them.
  const cdk = ['deploy-role', 'file-publishing-role', 'lookup-role'].map((name) =>
    asks(null, 'sts:AssumeRole', bootstrap(name)),
  );

  const findsServing = [
    ...sends(null, 'sagemaker:ListEndpoints', '*'),
    ...sends(null, 'sagemaker:ListModels', '*'),
    ...sends(null, 'sagemaker:DescribeModel', sageMaker(`model/${model}`)),
    ...sends(null, 'sagemaker:ListEndpointConfigs', '*'),
    ...sends(null, 'sagemaker:DescribeEndpointConfig', sageMaker(`endpoint-config/${model}`)),
    ...sends(null, 'sagemaker:ListTrainingJobs', '*'),
    ...sends(null, 'sagemaker:DescribeTrainingJob', sageMaker(`training-job/${model}`)),
    ...sends(null, 'sagemaker:ListTransformJobs', '*'),
    ...sends(null, 'sagemaker:DescribeTransformJob', sageMaker(`transform-job/${model}`)),
  ];
  const gone = { unless: 'stacks are gone' } as const;
  const kept = `arn:aws:s3:::${stackName(environment, 'Data').toLowerCase()}-lakebucket-one`;

  const rewritten = [
    'raw-data/plans/forgotten.json',
    'raw-data/tweets/dt=day/page.ndjson.gz',
    'raw-data/labels/people.ndjson',
    'processed-data/scored/dt=day/a.parquet',
    'processed-data/audit/executions/a.json',
  ];
  const forgets = [
    ...assume(forgetter),
    ...sends(forgetter, 'secrets-manager:GetSecretValue', forgottenIds),
    ...sends(forgetter, 's3:GetObject', object('raw-data/plans/forgotten.json')),
    ...list(forgetter, 'raw-data/tweets/', true),
    ...list(forgetter, 'model-outputs/'),
    ...rewritten.flatMap((name) => [
      ...sends(forgetter, 's3:GetObject', object(name), { action: 's3:GetObjectVersion' }),
      ...sends(forgetter, 's3:PutObject', object(name)),
      ...sends(forgetter, 's3:DeleteObject', object(name), { action: 's3:DeleteObjectVersion' }),
    ]),
    ...sends(forgetter, 's3:GetObject', object(`model-outputs/${model}/input/request.json`)),
    ...['catalog', `database/${database}`, `table/${database}/tweets`].flatMap((name) => [
      ...sends(forgetter, 'glue:GetPartitions', arn('glue', name)),
      ...sends(forgetter, 'glue:UpdatePartition', arn('glue', name)),
    ]),
    ...starts,
    ...list(forgetter, 'processed-data/audit/executions/', true),
  ];

  const runs = { calls: [...opens, ...starts, ...finishes] };

  return {
    start: { embeddedOnly: 'boots the embedded cloud and works there as its root' },
    up: { embeddedOnly: 'boots the embedded cloud and works there as its root' },
    rehearse: { embeddedOnly: 'makes an embedded cloud of its own, with an administrator there' },
    run: runs,
    retrain: runs,
    backfill: runs,
    replay: runs,
    redrive: {
      calls: [
        ...opens,
        ...sends(null, 'sfn:ListExecutions', machine),
        ...history,
        ...sends(null, 'sfn:RedriveExecution', execution),
        ...watches,
        ...finishes,
      ],
    },
    history: {
      calls: [
        ...opens,
        ...sends(null, 'sfn:ListExecutions', machine),
        ...watches,
        ...sends(analyst, 's3:GetObject', object('processed-data/executions/dt=day/one.json')),
        ...assume(analyst),
        ...sends(analyst, 's3:GetObject', object('model-outputs/champion.json')),
        ...sends(analyst, 's3:GetObject', object(`model-outputs/${model}/forgotten.json`)),
      ],
    },
    query: { calls: [...opens, ...question] },
    rollback: runs,
    models: {
      calls: [
        ...opens,
        ...assume(analyst),
        ...sends(analyst, 's3:GetObject', object('model-outputs/champion.json')),
        ...listsModels,
        ...sends(analyst, 's3:GetObject', object(`model-outputs/${model}/evaluation.json`)),
        ...question,
      ],
    },
    sql: { calls: [...opens, ...question] },
    predict: {
      calls: [
        ...opens,
        ...endpoints.flatMap((one) => sends(null, 'sagemaker-runtime:InvokeEndpoint', one)),
      ],
    },
    watch: {
      calls: [
        ...opens,
        ...assume(analyst),
        ...['ListShards', 'GetShardIterator', 'GetRecords'].flatMap((name) =>
          sends(analyst, `kinesis:${name}`, arn('kinesis', 'stream/stream')),
        ),
        // Kinesis decrypts as its caller.
        asks(analyst, 'kms:Decrypt', key, via('kinesis')),
        ...list(analyst, 'processed-data/scored/dt=day/stream-'),
        ...sends(analyst, 's3:GetObject', object('processed-data/scored/dt=day/stream-a.parquet')),
      ],
    },
    'import-labels': { calls: [...opens, ...importsLabels] },
    label: { calls: [...opens, ...labels] },
    console: {
      calls: [
        ...opens,
        ...shows,
        ...starts,
        ...sends(null, 'sfn:RedriveExecution', execution),
        ...sends(null, 'sfn:StopExecution', execution),
        ...labels,
        ...endpoints.flatMap((one) => sends(null, 'sagemaker-runtime:InvokeEndpoint', one)),
      ],
    },
    'grant-force': {
      calls: [
        ...opens,
        ...assume(forceGranter),
        ...sends(forceGranter, 'secrets-manager:PutSecretValue', forceGrant),
      ],
    },
    reproduce: {
      calls: [
        ...opens,
        ...assume(analyst),
        ...sends(analyst, 's3:GetObject', object(`model-outputs/${model}/manifest.json`)),
        ...assume(labeller),
        ...list(labeller, 'raw-data/labels/people.ndjson'),
        ...list(analyst, 'cleaned-data/tweets/dt=day/'),
        ...keyOfStack,
        ...trainsAgain,
        ...sends(
          analyst,
          's3:GetObject',
          object('model-outputs/reproductions/one/output/output.tar.gz'),
        ),
      ],
    },
    pretrain: {
      calls: [
        ...opens,
        ...assume(labeller),
        ...sends(labeller, 's3:HeadObject', object('raw-data/corpora/people.jsonl.gz')),
        ...sends(labeller, 's3:PutObject', object('raw-data/corpora/people.jsonl.gz')),
      ],
    },
    'import-tweets': {
      calls: [
        ...opens,
        ...assume(labeller),
        ...sends(labeller, 's3:PutObject', object('raw-data/imports/mine/00000.ndjson.gz')),
        ...starts,
        ...finishes,
      ],
    },
    forget: { calls: [...opens, ...forgets] },
    deploy: {
      calls: [
        ...findsAccount,
        ...keyOfStack,
        ...opens,
        ...sends(null, 'secrets-manager:GetSecretValue', token, { unless: 'may be refused' }),
        ...sends(null, 'secrets-manager:DescribeSecret', token),
        // X's token, as the command says how to store it.
        asks(null, 'secretsmanager:PutSecretValue', token),
        ...sends(null, 'cloudformation:DescribeStacks', stack('CDKToolkit')),
        // A name that is wanted may be that of a bucket of the same account.
        ...sends(null, 's3:HeadBucket', 'arn:aws:s3:::wanted'),
        ...sends(null, 's3:GetBucketTagging', bucket),
        ...sends(null, 'sagemaker:ListEndpoints', '*'),
        ...sends(null, 'service-quotas:ListServiceQuotas', '*'),
        ...sends(null, 'budgets:DescribeBudgets', `arn:aws:budgets::${ACCOUNT}:budget/*`),
        ...sends(null, 'lakeformation:GetDataLakeSettings', '*'),
        ...cdk,
      ],
    },
    destroy: {
      calls: [
        ...findsAccount,
        ...keyOfStack,
        ...opens,
        ...sends(null, 'cloudformation:DescribeStacks', budget),
        ...sends(null, 'cloudformation:ListStackResources', pipeline),
        ...sends(null, 's3:ListBuckets', '*'),
        ...sends(null, 's3:GetBucketTagging', bucket),
        ...sends(null, 's3:GetBucketEncryption', bucket),
        ...findsServing,
        ...sends(null, 'sfn:ListExecutions', machine),
        ...sends(null, 'sfn:StopExecution', execution),
        ...sends(null, 'sagemaker:StopTrainingJob', sageMaker(`training-job/${model}`)),
        ...sends(null, 'sagemaker:StopTransformJob', sageMaker(`transform-job/${model}`)),
        ...endpoints.flatMap((one) => [
          ...sends(null, 'sagemaker:DeleteEndpoint', one),
          ...sends(null, 'sagemaker:ListTags', one),
        ]),
        ...sends(null, 'sagemaker:DeleteEndpointConfig', sageMaker(`endpoint-config/${model}`)),
        ...sends(null, 'sagemaker:DeleteModel', sageMaker(`model/${model}`)),
        ...['ListModelPackages', 'DeleteModelPackage'].flatMap((name) =>
          sends(null, `sagemaker:${name}`, sageMaker(`model-package/${lake}/1`)),
        ),
        ...['DescribeModelPackageGroup', 'DeleteModelPackageGroup'].flatMap((name) =>
          sends(null, `sagemaker:${name}`, sageMaker(`model-package-group/${lake}`)),
        ),
        ...cdk,
        ...sends(null, 'cloudformation:DeleteStack', budget),
        // With --delete-data.
        ...sends(null, 's3:ListObjectVersions', kept, gone),
        ...sends(null, 's3:DeleteObjects', `${kept}/raw-data/a.gz`, gone),
        // Of a marker that stands for a deletion, too: then S3 asks for the other action.
        { ...asks(null, 's3:DeleteObject', `${kept}/raw-data/a.gz`), ...gone },
        ...sends(null, 's3:ListMultipartUploads', kept, gone),
        ...sends(null, 's3:AbortMultipartUpload', `${kept}/raw-data/a.gz`, gone),
        ...sends(null, 's3:DeleteBucket', kept, gone),
        ...sends(null, 'kms:DescribeKey', key),
        ...sends(null, 'kms:ScheduleKeyDeletion', key),
      ],
    },
    verify: {
      calls: [
        ...opens,
        ...keyOfStack,
        ...starts,
        ...assume(analyst),
        ...archived,
        ...sends(null, 'sagemaker:ListTrainingJobs', '*'),
        ...sends(null, 'sagemaker:DescribeTrainingJob', sageMaker(`training-job/${model}`)),
        ...sends(null, 'ecr:DescribeImages', arn('ecr', `repository/${lake}-training`)),
        ...endpoints.flatMap((one) => sends(null, 'sagemaker:DescribeEndpoint', one)),
        ...sends(null, 'sagemaker:DescribeEndpointConfig', sageMaker(`endpoint-config/${model}`)),
        ...sends(null, 'sagemaker:DescribeModel', sageMaker(`model/${model}`)),
        ...sends(null, 's3:GetBucketEncryption', bucket),
        ...sends(null, 's3:GetBucketVersioning', bucket),
        ...sends(null, 's3:GetPublicAccessBlock', bucket),
        ...assume(forgetter),
        ...list(forgetter, 'raw-data/tweets/', true),
        ...sends(forgetter, 's3:HeadObject', object('raw-data/tweets/dt=day/page.ndjson.gz'), {
          action: 's3:GetObjectVersion',
        }),
        ...assume(labeller),
        ...list(labeller, 'raw-data/labels/'),
        ...sends(labeller, 's3:HeadObject', object('raw-data/labels/people.ndjson')),
        ...list(analyst, 'cleaned-data/tweets/'),
        ...sends(analyst, 's3:HeadObject', object('cleaned-data/tweets/dt=day/run=a/part.parquet')),
        ...sends(labeller, 's3:PutObject', object('raw-data/imports/verify/probe.json')),
        ...['s3:GetObject', 's3:DeleteObject'].flatMap((operation) =>
          sends(analyst, operation, object('raw-data/tweets/verify.ndjson.gz'), {
            unless: 'may be refused',
          }),
        ),
        ...question,
        ...sends(null, 'athena:GetWorkGroup', arn('athena', `workgroup/${lake}-analysts`)),
        ...sends(null, 'secrets-manager:DescribeSecret', token),
        ...sends(null, 'cloudwatch-logs:DescribeLogGroups', '*'),
        ...[dataStack, pipeline].flatMap((one) => [
          ...sends(null, 'cloudformation:DetectStackDrift', one),
          ...sends(null, 'cloudformation:DescribeStackResourceDrifts', one),
        ]),
        ...sends(null, 'cloudformation:DescribeStackDriftDetectionStatus', '*'),
      ],
    },
  };
}
