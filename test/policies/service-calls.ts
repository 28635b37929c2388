import type { Context } from './calls';
import { key, volumeGrant } from './declared-calls';
import { ACCOUNT, REGION } from './template';

/** What a service, or a person with every permission, does by the leave of a resource's own policy. */
export interface ServiceCall {
  readonly reason: string;
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly context?: Context;
}

const administrator = `arn:aws:iam::${ACCOUNT}:role/Administrator`;
const rule = (name: string): Context => ({
  'aws:SourceArn': `arn:aws:events:${REGION}:${ACCOUNT}:rule/${name}`,
});

/** The bucket of the access logs. */
export const accessLogs = 'arn:aws:s3:::lakeaccesslogsbucket';

const publishers = [
  {
    reason: 'An alarm tells the encrypted topic',
    service: 'cloudwatch',
    source: `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:sentiment-lake-local-run-failed`,
  },
  {
    reason: 'The budget tells the encrypted topic',
    service: 'budgets',
    source: `arn:aws:budgets::${ACCOUNT}:sentiment-lake-local`,
  },
];

/** None of these happens in a local run: the embedded cloud's services ask no policy of each other. */
export const serviceCalls: readonly ServiceCall[] = [
  {
    reason: 'Whoever administers the account changes the key, and its policy',
    principal: administrator,
    action: 'kms:PutKeyPolicy',
    resource: key,
  },
  {
    reason: 'A person puts the bearer token into the secret',
    principal: administrator,
    action: 'kms:GenerateDataKey',
    resource: key,
    context: { 'kms:ViaService': `secretsmanager.${REGION}.amazonaws.com` },
  },
  {
    reason: 'SageMaker makes the grant of a volume for whoever makes a model again',
    principal: administrator,
    action: 'kms:CreateGrant',
    resource: key,
    context: volumeGrant,
  },
  {
    reason: 'SageMaker looks at the key of that volume as who starts the job',
    principal: administrator,
    action: 'kms:DescribeKey',
    resource: key,
  },
  {
    reason: 'CloudWatch Logs encrypts the log groups',
    principal: `logs.${REGION}.amazonaws.com`,
    action: 'kms:Encrypt',
    resource: key,
    context: {
      'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/lambda/sentiment-lake-local-plan-run`,
    },
  },
  {
    reason: 'The log of the state machine is delivered to an encrypted log group',
    principal: 'delivery.logs.amazonaws.com',
    action: 'kms:GenerateDataKey',
    resource: key,
    context: { 'aws:SourceAccount': ACCOUNT },
  },
  {
    reason: 'EventBridge encrypts what it puts into the dead-letter queue',
    principal: 'events.amazonaws.com',
    action: 'kms:GenerateDataKey',
    resource: key,
    context: { 'aws:SourceAccount': ACCOUNT },
  },
  {
    reason:
      'EventBridge does so without saying for which account: AWS documents it for event buses alone',
    principal: 'events.amazonaws.com',
    action: 'kms:Decrypt',
    resource: key,
  },
  ...['ArchiveRule', 'sentiment-lake-local-nightly', 'sentiment-lake-local-ingest'].map((name) => ({
    reason: 'EventBridge puts what it could not deliver into the dead-letter queue',
    principal: 'events.amazonaws.com',
    action: 'sqs:SendMessage',
    resource: `arn:aws:sqs:${REGION}:${ACCOUNT}:UndeliveredQueue`,
    context: rule(name),
  })),
  {
    reason: 'S3 delivers the access logs of the lake’s bucket',
    principal: 'logging.s3.amazonaws.com',
    action: 's3:PutObject',
    resource: `${accessLogs}/lake/record`,
    context: { 'aws:SourceAccount': ACCOUNT, 'aws:SourceArn': 'arn:aws:s3:::bucket' },
  },
  ...publishers.flatMap(({ reason, service, source }) =>
    [
      { action: 'sns:Publish', resource: `arn:aws:sns:${REGION}:${ACCOUNT}:name` },
      { action: 'kms:GenerateDataKey', resource: key },
      { action: 'kms:Decrypt', resource: key },
    ].map((request) => ({
      reason,
      principal: `${service}.amazonaws.com`,
      ...request,
      context: { 'aws:SourceAccount': ACCOUNT, 'aws:SourceArn': source },
    })),
  ),
];
