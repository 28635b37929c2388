import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { EnvironmentName } from '../../config';
import { alarmArns, arn, budgetArns } from '../../arns';
import { lakeName, roleNames } from '../../naming';
import type { RoleName } from '../../naming';
import { policyDocument } from '../../policy-documents';
import { allow } from '../security/grants';
import type { Permission } from '../security/grants';
import type { LakeRoles } from '../security/lake-roles';

export interface LakeKeyProps {
  readonly environment: EnvironmentName;
  readonly roles: LakeRoles;
}

/** The services through which each role uses encrypted data; no role calls KMS directly. */
const services: Record<RoleName, readonly string[]> = {
  DataIngestionRole: ['s3', 'kinesis', 'secretsmanager'],
  DataProcessingRole: ['s3'],
  RunReporterRole: ['s3', 'kinesis', 'sns', 'sqs'],
  MachineLearningRole: ['s3', 'sagemaker'],
  ModelOperatorRole: ['s3', 'kinesis'],
  ServingRole: ['s3'],
  AnalyticsRole: ['s3', 'kinesis'],
  LabellerRole: ['s3'],
};

/**
 * Lets SageMaker create the grant for encrypted volumes, with the permission of its caller or of the job's role. The
 * operations are those of a symmetric key for volumes. AWS's managed policies for SageMaker have the same conditions.
 */
export const volumeGrant = (keyArn: string): Permission => ({
  actions: ['kms:CreateGrant'],
  resources: [keyArn],
  conditions: {
    Bool: { 'kms:GrantIsForAWSResource': 'true' },
    StringEquals: { 'kms:ViaService': `sagemaker.${Aws.REGION}.amazonaws.com` },
    'ForAllValues:StringEquals': { 'kms:GrantOperations': volumeOperations },
    // Without it, ForAllValues is true for a call without operations.
    Null: { 'kms:GrantOperations': 'false' },
  },
});

export const volumeOperations = [
  'CreateGrant',
  'Decrypt',
  'DescribeKey',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
  'RetireGrant',
];

/** The roles that start a training job, run it, or create or change an endpoint. */
const volumeRoles = ['MachineLearningRole', 'ModelOperatorRole', 'EndpointUpdaterRole'];

/** The lake's only key; its policy is `policies/KMS_policy.json`. */
export class LakeKey extends Construct {
  readonly key: kms.IKey;

  constructor(scope: Construct, id: string, { environment, roles }: LakeKeyProps) {
    super(scope, id);
    this.key = new kms.Key(this, 'Key', {
      alias: `alias/${lakeName(environment)}`,
      description: `Everything that the sentiment lake (${environment}) keeps`,
      enableKeyRotation: true,
      policy: policyDocument('KMS_policy.json', {
        Account: Aws.ACCOUNT_ID,
        Region: Aws.REGION,
        RootArn: arn('iam', 'root', { region: '' }),
        LakeRoleArns: roles.arns,
        AlarmArns: alarmArns(environment),
        BudgetArns: budgetArns,
        VolumeRoleArns: volumeRoles.map((name) =>
          arn('iam', `role/${lakeName(environment, name)}`, { region: '' }),
        ),
        VolumeOperations: volumeOperations,
        TrainingRoleArn: arn('iam', `role/${lakeName(environment, 'MachineLearningRole')}`, {
          region: '',
        }),
        LogGroupArns: logGroups(environment).map((name) => arn('logs', `log-group:${name}`)),
      }),
      // Without the key every object is lost. A failed first deployment still deletes the key.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    for (const name of roleNames) this.openTo(name, roles);
  }

  private openTo(name: RoleName, roles: LakeRoles): void {
    const resources = [this.key.keyArn];
    allow(this, `${name}UsesKey`, roles.byName[name], [
      {
        // The endpoint does not write objects.
        actions: ['kms:Decrypt', ...(name === 'ServingRole' ? [] : ['kms:GenerateDataKey'])],
        resources,
        conditions: {
          StringEquals: {
            'kms:ViaService': services[name].map(
              (service) => `${service}.${Aws.REGION}.amazonaws.com`,
            ),
          },
        },
      },
      ...(volumeRoles.includes(name)
        ? [volumeGrant(this.key.keyArn), { actions: ['kms:DescribeKey'], resources }]
        : []),
      // SageMaker documents it for a job's output key.
      ...(name === 'MachineLearningRole'
        ? [
            {
              actions: ['kms:Encrypt'],
              resources,
              conditions: { StringEquals: { 'kms:ViaService': `s3.${Aws.REGION}.amazonaws.com` } },
            },
          ]
        : []),
    ]);
  }
}

/** Log groups that are encrypted with the key: ours, and those Glue makes for a security configuration. */
const logGroups = (environment: EnvironmentName): string[] => [
  `/aws/lambda/${lakeName(environment)}-*`,
  `/aws/vendedlogs/states/${lakeName(environment)}`,
  `/aws/codebuild/${lakeName(environment)}-*`,
  '/aws-glue/*',
];
