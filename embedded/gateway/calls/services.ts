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

/** By signing name; `sagemaker` has two models. */
export const SERVICES: Readonly<Record<string, readonly ServiceNames[]>> = {
  athena: [{ model: 'athena', id: 'Athena', invalid: 'InvalidRequestException' }],
  cloudformation: [{ model: 'cloudformation', id: 'CloudFormation', invalid: 'ValidationError' }],
  codebuild: [{ model: 'codebuild', id: 'CodeBuild', invalid: 'InvalidInputException' }],
  ecr: [
    {
      model: 'ecr',
      id: 'ECR',
      invalid: 'InvalidParameterException',
      wording: 'ecr',
      seen: 'aws/aws-dotnet-deploy#549 (the wording)',
    },
  ],
  events: [
    {
      model: 'events',
      id: 'EventBridge',
      invalid: 'ValidationException',
      seen: 'aws-cloudformation/custom-resource-helper#61, PutRule',
    },
  ],
  glue: [
    {
      model: 'glue',
      id: 'Glue',
      invalid: 'ValidationException',
      seen: 'moj-analytical-services/etl_manager#90, CreateTable',
    },
  ],
  iam: [
    {
      model: 'iam',
      id: 'IAM',
      invalid: 'ValidationError',
      seen: 'NixOS/nixops#328, a role name of 65 signs',
    },
  ],
  kinesis: [{ model: 'kinesis', id: 'Kinesis', invalid: 'ValidationException' }],
  kms: [{ model: 'kms', id: 'KMS', invalid: 'ValidationException' }],
  lambda: [{ model: 'lambda', id: 'Lambda', invalid: 'ValidationException' }],
  logs: [
    {
      model: 'logs',
      id: 'CloudWatch Logs',
      invalid: 'InvalidParameterException',
      seen: 'awslabs/aws-embedded-metrics-java#65, a log group name',
    },
  ],
  monitoring: [{ model: 'cloudwatch', id: 'CloudWatch', invalid: 'ValidationError' }],
  s3: [{ model: 's3', id: 'S3', invalid: 'InvalidArgument', unreadable: 'InvalidArgument' }],
  sagemaker: [
    {
      model: 'sagemaker',
      id: 'SageMaker',
      invalid: 'ValidationException',
      seen: 'zenml-io/zenml#1517, CreateTrainingJob',
    },
    // Also an error in the model of InvokeEndpoint.
    { model: 'sagemaker-runtime', id: 'SageMaker Runtime', invalid: 'ValidationError' },
  ],
  scheduler: [{ model: 'scheduler', id: 'Scheduler', invalid: 'ValidationException' }],
  secretsmanager: [
    { model: 'secretsmanager', id: 'Secrets Manager', invalid: 'ValidationException' },
  ],
  sns: [{ model: 'sns', id: 'SNS', invalid: 'ValidationError' }],
  // SQS's model has no constraints, only types and required members.
  sqs: [{ model: 'sqs', id: 'SQS', invalid: 'InvalidParameterValue' }],
  ssm: [{ model: 'ssm', id: 'SSM', invalid: 'ValidationException' }],
  states: [
    {
      model: 'stepfunctions',
      id: 'SFN',
      invalid: 'ValidationException',
      seen: 'wolfeidau/buildkite-serverless-agent#37, StartExecution',
    },
  ],
  sts: [{ model: 'sts', id: 'STS', invalid: 'ValidationError', seen: 'tenesys/awsconsole#2' }],
  tagging: [
    {
      model: 'resourcegroupstaggingapi',
      id: 'Resource Groups Tagging API',
      invalid: 'InvalidParameterException',
    },
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
