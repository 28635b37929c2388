import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { arn } from '../arns';
import type { Lake } from '../stacks/data-stack';
import { allow } from './grants';

export interface ModelAccessProps {
  readonly lake: Lake;
  /** Name of the endpoint. */
  readonly endpoint: string;
  /** Who puts a model behind the endpoint. */
  readonly updater: iam.IRole;
}

/** Models and endpoint configs carry the training job's name, and that begins so (functions/model/names.ts). */
export const trainingJobPattern = 'sl-*';

/**
 * What may be done at SageMaker: the MachineLearningRole trains, asks the endpoint and puts the champion back;
 * the updater makes models and endpoints that act as the MachineLearningRole.
 */
export class ModelAccess extends Construct {
  constructor(scope: Construct, id: string, { lake, endpoint, updater }: ModelAccessProps) {
    super(scope, id);
    const role = lake.roles.MachineLearningRole;
    const wildcard =
      "A training job's name ends in a hash of its execution, and its model and endpoint config bear the same name; the prefix is this pipeline's";
    const named = (kind: string) => arn('sagemaker', `${kind}/${trainingJobPattern}`);
    const endpointArn = arn('sagemaker', `endpoint/${endpoint}`);
    // Both are authorised on the endpoint and on the config it is to have.
    const changed = [endpointArn, named('endpoint-config')];
    // Jobs, models and endpoints act as the MachineLearningRole, whoever starts them.
    const passing = {
      actions: ['iam:PassRole'],
      resources: [role.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
    };
    allow(this, 'Use', role, [
      {
        // AddTags: what is made with tags asks for it, too.
        actions: [
          'sagemaker:CreateTrainingJob',
          'sagemaker:DescribeTrainingJob',
          'sagemaker:AddTags',
        ],
        resources: [named('training-job')],
        wildcard,
      },
      { actions: ['sagemaker:UpdateEndpoint'], resources: changed, wildcard },
      {
        actions: ['sagemaker:DescribeEndpoint', 'sagemaker:InvokeEndpoint'],
        resources: [endpointArn],
      },
      passing,
    ]);
    allow(this, 'Update', updater, [
      { actions: ['sagemaker:CreateModel'], resources: [named('model')], wildcard },
      {
        actions: ['sagemaker:CreateEndpointConfig'],
        resources: [named('endpoint-config')],
        wildcard,
      },
      {
        actions: ['sagemaker:CreateEndpoint', 'sagemaker:UpdateEndpoint'],
        resources: changed,
        wildcard,
      },
      { actions: ['sagemaker:DescribeEndpoint', 'sagemaker:AddTags'], resources: [endpointArn] },
      passing,
      {
        // SageMaker opens the volumes of the endpoint's instances by a grant that its caller may make.
        actions: ['kms:CreateGrant'],
        resources: [lake.key.keyArn],
        conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      },
      { actions: ['kms:DescribeKey'], resources: [lake.key.keyArn] },
    ]);
    allow(this, 'RunAsJob', role, [
      {
        actions: [
          'logs:CreateLogGroup',
          'logs:CreateLogStream',
          'logs:PutLogEvents',
          'logs:DescribeLogStreams',
        ],
        resources: [arn('logs', 'log-group:/aws/sagemaker/*')],
        wildcard:
          'SageMaker makes the log groups of jobs and endpoints itself, below /aws/sagemaker/; endpoints have one each',
      },
      {
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: {
          StringLike: { 'cloudwatch:namespace': ['/aws/sagemaker/*', 'aws/sagemaker/*'] },
        },
        wildcard:
          "PutMetricData knows no resources; the condition allows SageMaker's own namespaces alone",
      },
    ]);
  }
}
