import { Construct } from 'constructs';
import { arn } from '../arns';
import type { Lake } from '../stacks/data-stack';
import { allow } from './grants';

export interface ModelAccessProps {
  readonly lake: Lake;
  /** Name of the endpoint. */
  readonly endpoint: string;
}

/** Models and endpoint configs carry the training job's name, and that begins so (functions/model/names.ts). */
export const trainingJobPattern = 'sl-*';

/** What the MachineLearningRole may do at SageMaker, as the steps' Lambdas and as the jobs and endpoints they start. */
export class ModelAccess extends Construct {
  constructor(scope: Construct, id: string, { lake, endpoint }: ModelAccessProps) {
    super(scope, id);
    const role = lake.roles.MachineLearningRole;
    const wildcard =
      "A training job's name ends in a hash of its execution, and its model and endpoint config bear the same name; the prefix is this pipeline's";
    const named = (kind: string) => arn('sagemaker', `${kind}/${trainingJobPattern}`);
    const endpointArn = arn('sagemaker', `endpoint/${endpoint}`);
    allow(this, 'Use', role, [
      {
        actions: ['sagemaker:CreateTrainingJob', 'sagemaker:DescribeTrainingJob'],
        resources: [named('training-job')],
        wildcard,
      },
      {
        actions: ['sagemaker:CreateModel', 'sagemaker:DescribeModel'],
        resources: [named('model')],
        wildcard,
      },
      {
        actions: ['sagemaker:CreateEndpointConfig', 'sagemaker:DescribeEndpointConfig'],
        resources: [named('endpoint-config')],
        wildcard,
      },
      {
        // Both are authorised on the endpoint and on the config it is to have.
        actions: ['sagemaker:CreateEndpoint', 'sagemaker:UpdateEndpoint'],
        resources: [endpointArn, named('endpoint-config')],
        wildcard,
      },
      {
        actions: ['sagemaker:DescribeEndpoint', 'sagemaker:InvokeEndpoint'],
        resources: [endpointArn],
      },
      {
        // To itself: jobs and endpoints act under the role that starts them.
        actions: ['iam:PassRole'],
        resources: [role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
      },
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
