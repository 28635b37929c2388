import type { Context } from './calls';
import { settingsFor } from '../../infra/config';
import {
  forceGrant,
  forgettable,
  forgottenIds,
  key as lakeKey,
  token,
  volumeGrant,
} from './declared-calls';
import type { Policies } from './granted';
import { accessLogs } from './service-calls';
import { columns, intended } from './intent';
import { administrator, lakeRole } from './simulate';
import type { Principal, Request } from './simulate';
import { ACCOUNT, REGION } from './template';

/** One line of the table: who asks what, and whether they are meant to. */
export interface Row {
  readonly who: string;
  readonly principal: Principal;
  readonly request: Request;
  readonly allow: boolean;
}

export const describeRow = ({ who, request, allow }: Row): string =>
  [
    allow ? 'allow' : 'deny ',
    who,
    request.action,
    request.resource,
    ...(request.context ? [JSON.stringify(request.context)] : []),
  ].join('  ');

const SSE = 's3:x-amz-server-side-encryption';
const KEY = 's3:x-amz-server-side-encryption-aws-kms-key-id';
const otherKey = `arn:aws:kms:${REGION}:${ACCOUNT}:key/another`;
const noTls: Context = { 'aws:SecureTransport': 'false' };

/** How a write may ask to be encrypted, and whether the bucket takes it so. */
const encryptions: readonly { context?: Context; taken: boolean }[] = [
  // Spark, Glue and Athena name nothing: the bucket's default is the lake's key.
  { taken: true },
  { context: { [SSE]: 'aws:kms', [KEY]: lakeKey }, taken: true },
  { context: { [SSE]: 'aws:kms' }, taken: false },
  { context: { [SSE]: 'AES256' }, taken: false },
  { context: { [SSE]: 'AES256', [KEY]: lakeKey }, taken: false },
  { context: { [SSE]: 'aws:kms', [KEY]: otherKey }, taken: false },
  { context: { [KEY]: otherKey }, taken: false },
  { context: { 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' }, taken: false },
];

/** CloudFormation's role of `cdk bootstrap`, in full. */
export const deployment = `arn:aws:iam::${ACCOUNT}:role/cdk-hnb659fds-cfn-exec-role-${ACCOUNT}-${REGION}`;

const object = (key: string) => `arn:aws:s3:::bucket/${key}`;

interface May {
  readonly read: boolean;
  /** `new`: where there is no object yet, and no other write. */
  readonly write: boolean | 'new';
  readonly remove: boolean;
}

const asNew: Context = { 's3:if-none-match': '*' };

/** All that is asked of one object, for somebody who may read, write, remove. */
function requests(key: string, may: May) {
  const resource = object(key);
  const folder = key.slice(0, key.lastIndexOf('/') + 1);
  return [
    { action: 's3:GetObject', resource, allow: may.read },
    { action: 's3:GetObject', resource, context: noTls, allow: false },
    ...encryptions.map(({ context, taken }) => ({
      action: 's3:PutObject',
      resource,
      context: may.write === 'new' ? { ...context, ...asNew } : context,
      allow: may.write !== false && taken,
    })),
    ...(may.write === 'new' ? [{ action: 's3:PutObject', resource, allow: false }] : []),
    { action: 's3:PutObject', resource, context: noTls, allow: false },
    { action: 's3:DeleteObject', resource, allow: may.remove },
    {
      action: 's3:ListBucket',
      resource: 'arn:aws:s3:::bucket',
      context: { 's3:prefix': folder, ...noTls },
      allow: false,
    },
  ];
}

function rowsOf(who: string, principal: Principal, asked: ReturnType<typeof requests>): Row[] {
  return asked.map(({ allow, ...request }) => ({ who, principal, request, allow }));
}

/** The lake's roles, place by place. What no role may ever do is in each of them, too. */
function ofRoles(policies: Policies): Row[] {
  return intended.flatMap(({ key, role, rights }) => {
    const principal = lakeRole(role, policies);
    const resource = object(key);
    const never = ['s3:GetObjectVersion', 's3:PutObjectAcl', 's3:PutObjectTagging'];
    return [
      ...rowsOf(
        role,
        principal,
        requests(key, {
          read: rights.includes('r'),
          write: rights.includes('n') ? 'new' : rights.includes('w'),
          remove: rights.includes('d'),
        }),
      ),
      {
        who: role,
        principal,
        request: { action: 's3:DeleteObjectVersion', resource },
        allow: rights.includes('p'),
      },
      ...never.map((action) => ({
        who: role,
        principal,
        request: { action, resource },
        allow: false,
      })),
    ];
  });
}

/** Who makes the lake forget: old versions, too, but of the lake's data alone, and without reading what is current. */
function ofForgetter(policies: Policies): Row[] {
  const who = 'ForgetterRole';
  const principal = lakeRole(who, policies);
  const { rewritten, removed, pages } = forgettable;
  const closed = [
    'raw-data/elsewhere.json',
    'processed-data/elsewhere.json',
    'cleaned-data/summaries/run.json',
    'model-outputs/champion.json',
    'model-outputs/sl-job/output/model.tar.gz',
    'elsewhere/a.json',
  ];
  return [...rewritten, ...removed, ...pages, ...closed].flatMap((key) => {
    const write = rewritten.includes(key);
    const versions = write || removed.includes(key);
    return [
      ...rowsOf(
        who,
        principal,
        requests(key, { read: key.startsWith('raw-data/plans/'), write, remove: write }),
      ),
      ...['s3:GetObjectVersion', 's3:DeleteObjectVersion'].map((action) => ({
        who,
        principal,
        request: { action, resource: object(key) },
        allow: versions || (action === 's3:DeleteObjectVersion' && pages.includes(key)),
      })),
      ...['s3:PutObjectAcl', 's3:PutObjectTagging'].map((action) => ({
        who,
        principal,
        request: { action, resource: object(key) },
        allow: false,
      })),
    ];
  });
}

/** Whoever has every permission of IAM: the bucket's own policy decides. */
function ofOthers(): Row[] {
  const others = [
    {
      who: 'an administrator of the account',
      arn: `arn:aws:iam::${ACCOUNT}:role/Administrator`,
      let: false,
    },
    {
      who: 'a role of another account',
      arn: 'arn:aws:iam::999988887777:role/sentiment-lake-local-AnalyticsRole',
      let: false,
    },
    {
      who: 'a role whose name begins like ours',
      arn: `arn:aws:iam::${ACCOUNT}:role/sentiment-lake-local-AnalyticsRole2`,
      let: false,
    },
    { who: 'root', arn: `arn:aws:iam::${ACCOUNT}:root`, let: true },
    {
      who: 'the deployment',
      arn: deployment,
      let: false,
    },
    ...[
      'cdk-evil',
      'cdk-hnb659fds-cfn-exec-role',
      `cdk-evil-cfn-exec-role-${ACCOUNT}-${REGION}`,
    ].map((name) => ({
      who: 'a role that calls itself like one of cdk bootstrap',
      arn: `arn:aws:iam::${ACCOUNT}:role/${name}`,
      let: false,
    })),
  ];
  return others.flatMap(({ who, arn, let: may }) =>
    ['raw-data/tweets/dt=day/a.gz', 'model-outputs/champion.json'].flatMap((key) =>
      rowsOf(who, administrator(arn), requests(key, { read: may, write: may, remove: may })),
    ),
  );
}

/** The key: by the services of its roles only, and never by itself. */
function ofKey(policies: Policies): Row[] {
  const via: Record<(typeof columns)[number], readonly string[]> = {
    DataIngestionRole: ['s3', 'kinesis', 'secretsmanager'],
    DataProcessingRole: ['s3'],
    RunReporterRole: ['s3', 'kinesis', 'sns', 'sqs'],
    MachineLearningRole: ['s3', 'sagemaker'],
    ModelOperatorRole: ['s3', 'kinesis'],
    ServingRole: ['s3'],
    AnalyticsRole: ['s3', 'kinesis'],
    LabellerRole: ['s3'],
    CrawlStarterRole: [],
    EndpointUpdaterRole: [],
  };
  const services = ['s3', 'kinesis', 'sagemaker', 'secretsmanager', 'sns', 'sqs', 'ec2'];
  const asked = (who: string, principal: Principal, lets: readonly string[]): Row[] => [
    ...services.flatMap((service) =>
      ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:Encrypt'].map((action) => ({
        who,
        principal,
        request: {
          action,
          resource: lakeKey,
          context: { 'kms:ViaService': `${service}.${REGION}.amazonaws.com` },
        },
        // For a job's output key alone.
        allow:
          action === 'kms:Encrypt'
            ? who === 'MachineLearningRole' && service === 's3'
            : lets.includes(service) && (who !== 'ServingRole' || action === 'kms:Decrypt'),
      })),
    ),
    ...['kms:Decrypt', 'kms:GenerateDataKey', 'kms:CreateGrant'].map((action) => ({
      who,
      principal,
      request: { action, resource: lakeKey },
      allow: false,
    })),
  ];
  const admin = administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
  return [
    ...columns.flatMap((role) => asked(role, lakeRole(role, policies), via[role])),
    // Secrets Manager serves whoever may read the secret.
    ...asked('an administrator of the account', admin, ['secretsmanager']),
    ...asked('a role of another account', administrator('arn:aws:iam::999988887777:role/R'), []),
  ];
}

/** A training job as the pipeline starts it, and every way to start another. */
function ofTraining(policies: Policies): Row[] {
  const { training } = settingsFor('local');
  const good: Context = {
    'sagemaker:NetworkIsolation': 'true',
    'sagemaker:InstanceTypes': [training.instanceType],
    'sagemaker:VolumeKmsKeyArn': lakeKey,
    'sagemaker:OutputKmsKeyArn': lakeKey,
    'sagemaker:MaxRuntimeInSeconds': String(training.maxSeconds),
  };
  const bad: Context[] = [
    ...Object.keys(good).map((left) => omit(good, left)),
    { ...good, 'sagemaker:NetworkIsolation': 'false' },
    { ...good, 'sagemaker:InstanceTypes': ['ml.p4d.24xlarge'] },
    { ...good, 'sagemaker:InstanceTypes': [training.instanceType, 'ml.p4d.24xlarge'] },
    { ...good, 'sagemaker:VolumeKmsKeyArn': otherKey },
    { ...good, 'sagemaker:OutputKmsKeyArn': otherKey },
    { ...good, 'sagemaker:MaxRuntimeInSeconds': String(training.maxSeconds + 1) },
  ];
  return starting(policies, 'Training', good, bad);
}

/** A transform job as the pipeline starts it, and every way to start another. */
function ofTransform(policies: Policies): Row[] {
  const { scoring } = settingsFor('local');
  const good: Context = {
    'sagemaker:ModelArn': sageMakerArn('model/sl-batch-1'),
    'sagemaker:InstanceTypes': [scoring.instanceType],
    'sagemaker:VolumeKmsKeyArn': lakeKey,
    'sagemaker:OutputKmsKeyArn': lakeKey,
  };
  const bad: Context[] = [
    ...Object.keys(good).map((left) => omit(good, left)),
    { ...good, 'sagemaker:ModelArn': sageMakerArn('model/sl-job') },
    { ...good, 'sagemaker:InstanceTypes': ['ml.p4d.24xlarge'] },
    { ...good, 'sagemaker:VolumeKmsKeyArn': otherKey },
    { ...good, 'sagemaker:OutputKmsKeyArn': otherKey },
  ];
  return starting(policies, 'Transform', good, bad);
}

/** The models of transform jobs: isolated, and named as such. */
function ofBatchModels(policies: Policies): Row[] {
  const who = 'ModelOperatorRole';
  const isolated: Context = { 'sagemaker:NetworkIsolation': 'true' };
  const asked: [name: string, context: Context, allow: boolean][] = [
    ['sl-batch-1', isolated, true],
    ['sl-batch-1', { 'sagemaker:NetworkIsolation': 'false' }, false],
    ['sl-batch-1', {}, false],
    ['sl-job', isolated, false],
  ];
  return asked.map(([name, context, allow]) => ({
    who,
    principal: lakeRole(who, policies),
    request: { action: 'sagemaker:CreateModel', resource: sageMakerArn(`model/${name}`), context },
    allow,
  }));
}

function starting(
  policies: Policies,
  kind: 'Training' | 'Transform',
  good: Context,
  bad: readonly Context[],
): Row[] {
  const action = `sagemaker:Create${kind}Job`;
  const jobs = `${kind.toLowerCase()}-job`;
  const resource = sageMakerArn(`${jobs}/sl-job`);
  const who = 'ModelOperatorRole';
  const principal = lakeRole(who, policies);
  return [
    { who, principal, request: { action, resource, context: good }, allow: true },
    ...bad.map((context) => ({
      who,
      principal,
      request: { action, resource, context },
      allow: false,
    })),
    {
      who,
      principal,
      request: { action, resource: sageMakerArn(`${jobs}/mine`), context: good },
      allow: false,
    },
    ...columns
      .filter((role) => role !== who)
      .map((role) => ({
        who: role,
        principal: lakeRole(role, policies),
        request: { action, resource, context: good },
        allow: false,
      })),
  ];
}

/** An endpoint config as the pipeline makes it: no instances where the endpoint is serverless, and no larger one. */
function ofEndpointConfig(policies: Policies): Row[] {
  const { endpoint } = settingsFor('local');
  const good: Context = {
    'sagemaker:ServerlessMaxConcurrency': String(endpoint.maxConcurrency),
    'sagemaker:ServerlessMemorySize': String(endpoint.memoryMb),
  };
  const bad: Context[] = [
    { 'sagemaker:InstanceTypes': ['ml.p4d.24xlarge'], 'sagemaker:VolumeKmsKeyArn': lakeKey },
    { ...good, 'sagemaker:ServerlessMaxConcurrency': String(endpoint.maxConcurrency + 1) },
    { ...good, 'sagemaker:ServerlessMemorySize': String(endpoint.memoryMb + 1024) },
  ];
  const who = 'EndpointUpdaterRole';
  return [good, ...bad].map((context) => ({
    who,
    principal: lakeRole(who, policies),
    request: {
      action: 'sagemaker:CreateEndpointConfig',
      resource: sageMakerArn('endpoint-config/sl-job'),
      context,
    },
    allow: context === good,
  }));
}

/** Who hands which role to whom: the training's to a training job, the endpoint's to a model. */
function ofPassedRoles(policies: Policies): Row[] {
  const roleOf = (role: string) => lakeRole(role, policies).arn;
  const passed = ['MachineLearningRole', 'ModelOperatorRole', 'ServingRole', 'DataIngestionRole'];
  const meant: Record<string, { role: string; kind: string }> = {
    ModelOperatorRole: { role: 'MachineLearningRole', kind: 'training-job' },
    EndpointUpdaterRole: { role: 'ServingRole', kind: 'model' },
  };
  const SERVICE = 'iam:PassedToService';
  const FOR = 'iam:AssociatedResourceArn';
  return columns.flatMap((who) =>
    passed.flatMap((role) => {
      const { role: own, kind = 'model' } = meant[who] ?? {};
      const toSageMaker: Context = { [SERVICE]: 'sagemaker.amazonaws.com' };
      const contexts: { context: Context; right: boolean }[] = [
        { context: toSageMaker, right: true },
        { context: { ...toSageMaker, [FOR]: sageMakerArn(`${kind}/sl-job`) }, right: true },
        { context: { ...toSageMaker, [FOR]: sageMakerArn('model/sl-batch-1') }, right: true },
        { context: { ...toSageMaker, [FOR]: sageMakerArn(`${kind}/mine`) }, right: false },
        { context: { ...toSageMaker, [FOR]: sageMakerArn('notebook/sl-a') }, right: false },
        { context: { [SERVICE]: 'lambda.amazonaws.com' }, right: false },
        { context: {}, right: false },
      ];
      return contexts.map(({ context, right }) => ({
        who,
        principal: lakeRole(who, policies),
        request: { action: 'iam:PassRole', resource: roleOf(role), context },
        allow: right && role === own,
      }));
    }),
  );
}

/** SageMaker's roles pull the images of what they run: that keeps other images out. Transform jobs serve. */
function ofImages(policies: Policies): Row[] {
  const repositories = ['lake-local-training', 'lake-local-serving', 'somebody-elses'];
  const may: Record<string, string[]> = {
    MachineLearningRole: ['lake-local-training', 'lake-local-serving'],
    ServingRole: ['lake-local-serving'],
  };
  return columns.flatMap((who) =>
    repositories.flatMap((repository) =>
      ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'].map((action) => ({
        who,
        principal: lakeRole(who, policies),
        request: {
          action,
          resource: `arn:aws:ecr:${REGION}:${ACCOUNT}:repository/sentiment-${repository}`,
        },
        allow: may[who]?.includes(repository) ?? false,
      })),
    ),
  );
}

/** What the endpoint's role must not do beside reading its archive: the whole of what the models' Lambdas do. */
function ofServing(policies: Policies): Row[] {
  const requests = [
    {
      action: 's3:ListBucket',
      resource: 'arn:aws:s3:::bucket',
      context: { 's3:prefix': 'model-outputs/' },
    },
    { action: 'sagemaker:UpdateEndpoint', resource: sageMakerArn('endpoint-config/sl-job') },
    { action: 'sagemaker:CreateModel', resource: sageMakerArn('model/sl-job') },
    {
      action: 'kinesis:GetRecords',
      resource: `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/stream`,
    },
    {
      action: 'athena:StartQueryExecution',
      resource: `arn:aws:athena:${REGION}:${ACCOUNT}:workgroup/sentiment-lake-local`,
    },
    {
      action: 'logs:PutLogEvents',
      resource: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs:log-stream:a`,
    },
  ] satisfies Request[];
  return requests.map((request) => ({
    who: 'ServingRole',
    principal: lakeRole('ServingRole', policies),
    request,
    allow: false,
  }));
}

/** Grants of the key: for SageMaker's volumes, through SageMaker, and for no more than volumes need. */
function ofGrants(policies: Policies): Row[] {
  const action = 'kms:CreateGrant';
  const may = ['MachineLearningRole', 'ModelOperatorRole', 'EndpointUpdaterRole'];
  const contexts: { context: Context; right: boolean }[] = [
    { context: volumeGrant, right: true },
    ...Object.keys(volumeGrant).map((left) => ({ context: omit(volumeGrant, left), right: false })),
    {
      context: { ...volumeGrant, 'kms:ViaService': `ec2.${REGION}.amazonaws.com` },
      right: false,
    },
    { context: { ...volumeGrant, 'kms:GrantIsForAWSResource': 'false' }, right: false },
    { context: { ...volumeGrant, 'kms:GrantOperations': ['Decrypt', 'Sign'] }, right: false },
  ];
  const admin = administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
  const rows = (who: string, principal: Principal, allowed: boolean): Row[] =>
    contexts.map(({ context, right }) => ({
      who,
      principal,
      request: { action, resource: lakeKey, context },
      allow: allowed && right,
    }));
  return [
    ...columns.flatMap((role) => rows(role, lakeRole(role, policies), may.includes(role))),
    // People start trainings under their own names when they make a model again.
    ...rows('an administrator of the account', admin, true),
    ...rows('a person whom IAM lets do nothing', { arn: admin.arn, statements: [] }, false),
    ...rows('a role of another account', administrator('arn:aws:iam::999988887777:role/R'), false),
  ];
}

const omit = (context: Context, left: string): Context =>
  Object.fromEntries(Object.entries(context).filter(([key]) => key !== left));

const sageMakerArn = (resource: string) => `arn:aws:sagemaker:${REGION}:${ACCOUNT}:${resource}`;

/** Queues and topic take nothing that did not come by TLS. */
function ofQueues(): Row[] {
  const admin = administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
  const places = [
    { action: 'sqs:SendMessage', resource: `arn:aws:sqs:${REGION}:${ACCOUNT}:UndeliveredQueue` },
    { action: 'sns:Publish', resource: `arn:aws:sns:${REGION}:${ACCOUNT}:name` },
  ];
  return places.flatMap((request) => [
    { who: 'an administrator of the account', principal: admin, request, allow: true },
    {
      who: 'an administrator of the account',
      principal: admin,
      request: { ...request, context: noTls },
      allow: false,
    },
  ]);
}

/** Force: whoever else may write every secret may not write this one, nor the granter anything else. */
function ofForceGrant(policies: Policies): Row[] {
  const put = { action: 'secretsmanager:PutSecretValue', resource: forceGrant };
  const admin = administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
  const granter = lakeRole('ForceGranterRole', policies);
  const champion = { action: 's3:PutObject', resource: object('model-outputs/champion.json') };
  return [
    { who: 'a force granter', principal: granter, request: put, allow: true },
    { who: 'a force granter', principal: granter, request: champion, allow: false },
    {
      who: 'a force granter',
      principal: granter,
      request: { ...put, resource: token },
      allow: false,
    },
    { who: 'an administrator of the account', principal: admin, request: put, allow: false },
    ...columns.map((role) => ({
      who: role,
      principal: lakeRole(role, policies),
      request: put,
      allow: false,
    })),
  ];
}

/** The list of forgotten ids lies where labellers and analysts read; what it was written under, they may not read. */
function ofForgottenIds(policies: Policies): Row[] {
  const request = { action: 'secretsmanager:GetSecretValue', resource: forgottenIds };
  const readers = ['DataIngestionRole', 'ForgetterRole'];
  const asked = [
    ...[...columns, 'ForgetterRole', 'ForceGranterRole'].map((who) => ({
      who,
      principal: lakeRole(who, policies),
    })),
    {
      who: 'an administrator of the account',
      principal: administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`),
    },
  ];
  return asked.flatMap(({ who, principal }) => [
    { who, principal, request, allow: readers.includes(who) },
    {
      who,
      principal,
      request: { ...request, action: 'secretsmanager:PutSecretValue' },
      allow: false,
    },
  ]);
}

/** X's token: the ingest reads it, administrators put another one, and that is all. */
function ofToken(policies: Policies): Row[] {
  const get = { action: 'secretsmanager:GetSecretValue', resource: token };
  const put = { action: 'secretsmanager:PutSecretValue', resource: token };
  const everybody = [...columns, 'ForgetterRole', 'ForceGranterRole'];
  const who = 'an administrator of the account';
  const admin = administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
  return [
    ...everybody.flatMap((role) =>
      [get, put].map((request) => ({
        who: role,
        principal: lakeRole(role, policies),
        request,
        allow: role === 'DataIngestionRole' && request === get,
      })),
    ),
    { who, principal: admin, request: get, allow: false },
    { who, principal: admin, request: put, allow: true },
    {
      who: 'root',
      principal: administrator(`arn:aws:iam::${ACCOUNT}:root`),
      request: get,
      allow: true,
    },
  ];
}

/** What was shown of roles that people share with functions: none of it is left. */
function ofPeople(policies: Policies): Row[] {
  const arn = (service: string, resource: string) =>
    `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
  const asked: Request[] = [
    { action: 'kinesis:PutRecords', resource: arn('kinesis', 'stream/stream') },
    { action: 'sns:Publish', resource: arn('sns', 'name') },
    { action: 'sqs:SendMessage', resource: arn('sqs', 'UndeliveredQueue') },
    {
      action: 'glue:BatchCreatePartition',
      resource: arn('glue', 'table/sentiment_lake/tweets_candidates'),
    },
    ...['StartQueryExecution', 'GetQueryResults', 'StopQueryExecution'].map((name) => ({
      action: `athena:${name}`,
      resource: arn('athena', 'workgroup/sentiment-lake-local'),
    })),
  ];
  return ['AnalyticsRole', 'LabellerRole'].flatMap((who) =>
    asked.map((request) => ({ who, principal: lakeRole(who, policies), request, allow: false })),
  );
}

/** Records: whatever a role's own policies come to allow, it adds to them and does no more; the one that scrubs ids may. */
function ofRecords(): Row[] {
  const resource = object('processed-data/audit/executions/a.json');
  const widened = (role: string) =>
    administrator(`arn:aws:iam::${ACCOUNT}:role/sentiment-lake-local-${role}`);
  const roles = columns.filter((role) => !/Starter|Updater/.test(role));
  return [...roles, 'ForgetterRole'].flatMap((role) => {
    const scrubs = role === 'ForgetterRole';
    return [
      { action: 's3:PutObject', resource, context: asNew, allow: true },
      { action: 's3:PutObject', resource, allow: scrubs },
      { action: 's3:DeleteObject', resource, allow: scrubs },
      { action: 's3:DeleteObjectVersion', resource, allow: scrubs },
    ].map(({ allow, ...request }) => ({
      who: `${role} with s3:*`,
      principal: widened(role),
      request,
      allow,
    }));
  });
}

/** Keys hold ids of tweets: nobody lists them under their own name. */
function ofListings(): Row[] {
  const who = 'an administrator of the account';
  return ['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'].map(
    (action) => ({
      who,
      principal: administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`),
      request: { action, resource: 'arn:aws:s3:::bucket' },
      allow: false,
    }),
  );
}

/** One call of each kind that would undo a guard; every-action.test.ts asks all of them. */
function ofGuards(): Row[] {
  const who = 'an administrator of the account';
  const principal = administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
  const asked = [
    ...['PutLifecycleConfiguration', 'PutReplicationConfiguration', 'DeleteBucketPolicy'].flatMap(
      (name) =>
        ['arn:aws:s3:::bucket', accessLogs].map((resource) => ({ action: `s3:${name}`, resource })),
    ),
    ...['DeleteResourcePolicy', 'PutResourcePolicy', 'RotateSecret', 'UpdateSecret'].flatMap(
      (name) =>
        [token, forceGrant, forgottenIds].map((resource) => ({
          action: `secretsmanager:${name}`,
          resource,
        })),
    ),
  ];
  return asked.map((request) => ({ who, principal, request, allow: false }));
}

/** Who asked the bucket for what: people read it, over TLS, and change nothing. */
function ofAccessLogs(): Row[] {
  const admin = administrator(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
  const who = 'an administrator of the account';
  const resource = `${accessLogs}/lake/record`;
  const request = { action: 's3:GetObject', resource };
  return [
    { who, principal: admin, request, allow: true },
    { who, principal: admin, request: { ...request, context: noTls }, allow: false },
    ...['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:PutObject'].map((action) => ({
      who,
      principal: admin,
      request: { action, resource },
      allow: false,
    })),
  ];
}

export const tableOf = (policies: Policies): Row[] => [
  ...ofOthers(),
  ...ofRecords(),
  ...ofRoles(policies),
  ...ofForgetter(policies),
  ...ofKey(policies),
  ...ofQueues(),
  ...ofForceGrant(policies),
  ...ofForgottenIds(policies),
  ...ofToken(policies),
  ...ofPeople(policies),
  ...ofListings(),
  ...ofGuards(),
  ...ofAccessLogs(),
  ...ofTraining(policies),
  ...ofTransform(policies),
  ...ofBatchModels(policies),
  ...ofEndpointConfig(policies),
  ...ofPassedRoles(policies),
  ...ofImages(policies),
  ...ofServing(policies),
  ...ofGrants(policies),
];
