/**
 * A service's error names for a call that does not conform to its model. `seen` names a public report of AWS's
 * response. Without `seen`, the name is from memory, and is among the errors in the service's API reference.
 */
export interface ServiceNames {
  /** botocore's name for the model. */
  readonly model: string;
  /** The SDKs' name for the service. */
  readonly id: string;
  /** For a value that is missing, too long, too short, out of range, not in an enumeration, or does not match. */
  readonly invalid: string;
  /** For a value of the wrong type: the request cannot be parsed. @default the protocol's name */
  readonly unreadable?: string;
  /** ECR has its own wording of messages. */
  readonly wording?: 'ecr';
  readonly seen?: string;
}

const service = (
  model: string,
  id: string,
  invalid: string,
  more: Omit<ServiceNames, 'model' | 'id' | 'invalid'> = {},
): ServiceNames => ({ model, id, invalid, ...more });

/** By signing name; `sagemaker` has two models. */
export const SERVICES: Readonly<Record<string, readonly ServiceNames[]>> = {
  athena: [service('athena', 'Athena', 'InvalidRequestException')],
  cloudformation: [service('cloudformation', 'CloudFormation', 'ValidationError')],
  cloudtrail: [service('cloudtrail', 'CloudTrail', 'ValidationException')],
  codebuild: [service('codebuild', 'CodeBuild', 'InvalidInputException')],
  ecr: [
    service('ecr', 'ECR', 'InvalidParameterException', {
      wording: 'ecr',
      seen: 'aws/aws-dotnet-deploy#549 (the wording)',
    }),
  ],
  events: [
    service('events', 'EventBridge', 'ValidationException', {
      seen: 'aws-cloudformation/custom-resource-helper#61, PutRule',
    }),
  ],
  glue: [
    service('glue', 'Glue', 'ValidationException', {
      seen: 'moj-analytical-services/etl_manager#90, CreateTable',
    }),
  ],
  iam: [
    service('iam', 'IAM', 'ValidationError', {
      seen: 'NixOS/nixops#328, a role name of 65 signs',
    }),
  ],
  kinesis: [service('kinesis', 'Kinesis', 'ValidationException')],
  kms: [service('kms', 'KMS', 'ValidationException')],
  lambda: [service('lambda', 'Lambda', 'ValidationException')],
  logs: [
    service('logs', 'CloudWatch Logs', 'InvalidParameterException', {
      seen: 'awslabs/aws-embedded-metrics-java#65, a log group name',
    }),
  ],
  monitoring: [service('cloudwatch', 'CloudWatch', 'ValidationError')],
  s3: [service('s3', 'S3', 'InvalidArgument', { unreadable: 'InvalidArgument' })],
  sagemaker: [
    service('sagemaker', 'SageMaker', 'ValidationException', {
      seen: 'zenml-io/zenml#1517, CreateTrainingJob',
    }),
    // Also an error in the model of InvokeEndpoint.
    service('sagemaker-runtime', 'SageMaker Runtime', 'ValidationError'),
  ],
  scheduler: [service('scheduler', 'Scheduler', 'ValidationException')],
  secretsmanager: [service('secretsmanager', 'Secrets Manager', 'ValidationException')],
  sns: [service('sns', 'SNS', 'ValidationError')],
  // SQS's model has no constraints, only types and required members.
  sqs: [service('sqs', 'SQS', 'InvalidParameterValue')],
  ssm: [service('ssm', 'SSM', 'ValidationException')],
  states: [
    service('stepfunctions', 'SFN', 'ValidationException', {
      seen: 'wolfeidau/buildkite-serverless-agent#37, StartExecution',
    }),
  ],
  sts: [service('sts', 'STS', 'ValidationError', { seen: 'tenesys/awsconsole#2' })],
  tagging: [
    service('resourcegroupstaggingapi', 'Resource Groups Tagging API', 'InvalidParameterException'),
  ],
};

/** Each protocol's error names for an unreadable request and for an unknown operation; from memory. */
export const PROTOCOLS = {
  json: { unreadable: 'SerializationException', unknown: 'UnknownOperationException' },
  'rest-json': { unreadable: 'SerializationException', unknown: 'UnknownOperationException' },
  cbor: { unreadable: 'SerializationException', unknown: 'UnknownOperationException' },
  query: { unreadable: 'MalformedInput', unknown: 'InvalidAction' },
  'rest-xml': { unreadable: 'MalformedXML', unknown: 'MethodNotAllowed' },
} as const;

export type Protocol = keyof typeof PROTOCOLS;
