import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { arn } from '../../arns';
import type { EnvironmentName, Settings } from '../../config';
import { modelPrefix } from '../../naming';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';
import type { Permission } from '../security/grants';
import { volumeGrant } from '../data/lake-key';

export interface ModelAccessProps {
  readonly environment: EnvironmentName;
  readonly lake: DataResources;
  /** Name of the endpoint. */
  readonly endpoint: string;
  readonly settings: Pick<Settings, 'training' | 'endpoint'>;
  /** Who puts a model behind the endpoint. */
  readonly updater: iam.IRole;
}

/** Models and endpoint configs carry the training job's name. */
export const trainingJobPattern = (environment: EnvironmentName): string =>
  `${modelPrefix(environment)}*`;

const namedIn = (environment: EnvironmentName) => (kind: string) =>
  arn('sagemaker', `${kind}/${trainingJobPattern(environment)}`);

const wildcard =
  "A training job's name ends in a hash of its execution, and its model and endpoint config bear the same name; the prefix is this environment's";

/**
 * What may be done at SageMaker: the ModelOperatorRole starts trainings, asks the endpoint and puts the champion back;
 * the updater makes models and endpoints. Jobs act as the MachineLearningRole, models and endpoints as the ServingRole.
 * Isolation, keys and sizes are conditions of the permission, not only habits of the code that calls.
 */
export class ModelAccess extends Construct {
  constructor(scope: Construct, id: string, props: ModelAccessProps) {
    super(scope, id);
    const { environment, lake, endpoint, updater } = props;
    const named = namedIn(environment);
    const { MachineLearningRole, ModelOperatorRole, ServingRole } = lake.roles;
    const endpointArn = arn('sagemaker', `endpoint/${endpoint}`);
    // Both are authorised on the endpoint and on the config it is to have.
    const changed = [endpointArn, named('endpoint-config')];
    allow(this, 'Operate', ModelOperatorRole, [
      {
        actions: ['sagemaker:CreateTrainingJob'],
        resources: [named('training-job')],
        conditions: asTheTrainingIs(props),
        wildcard,
      },
      {
        // AddTags: what is made with tags asks for it, too.
        actions: ['sagemaker:DescribeTrainingJob', 'sagemaker:AddTags'],
        resources: [named('training-job')],
        wildcard,
      },
      { actions: ['sagemaker:UpdateEndpoint'], resources: changed, wildcard },
      {
        actions: ['sagemaker:DescribeEndpoint', 'sagemaker:InvokeEndpoint'],
        resources: [endpointArn],
      },
      passing(MachineLearningRole, named('training-job')),
    ]);
    allow(this, 'Update', updater, [
      {
        actions: ['sagemaker:CreateModel'],
        resources: [named('model')],
        // A serverless endpoint refuses an isolated model.
        ...(props.settings.endpoint.kind === 'realtime' && {
          conditions: { Bool: { 'sagemaker:NetworkIsolation': 'true' } },
        }),
        wildcard,
      },
      {
        actions: ['sagemaker:CreateEndpointConfig'],
        resources: [named('endpoint-config')],
        conditions: asTheEndpointIs(props),
        wildcard,
      },
      {
        actions: ['sagemaker:CreateEndpoint', 'sagemaker:UpdateEndpoint'],
        resources: changed,
        wildcard,
      },
      { actions: ['sagemaker:DescribeEndpoint', 'sagemaker:AddTags'], resources: [endpointArn] },
      passing(ServingRole, named('model')),
      volumeGrant(lake.key.keyArn),
      { actions: ['kms:DescribeKey'], resources: [lake.key.keyArn] },
    ]);
    allow(this, 'RunAsJob', MachineLearningRole, observed('TrainingJobs'));
    allow(this, 'RunAsEndpoint', ServingRole, observed('Endpoints'));
  }
}

/**
 * A role may be passed to SageMaker only. Whether SageMaker says for which resource, AWS does not document: where it
 * does, it has to be one of ours.
 */
const passing = (role: iam.IRole, associated: string): Permission => ({
  actions: ['iam:PassRole'],
  resources: [role.roleArn],
  conditions: {
    StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' },
    ArnLikeIfExists: { 'iam:AssociatedResourceArn': associated },
  },
});

/** Only these types. Without Null, ForAllValues is true of a call that names none. */
const ofTypes = (instanceType: string) => ({
  'ForAllValues:StringEquals': { 'sagemaker:InstanceTypes': [instanceType] },
  Null: { 'sagemaker:InstanceTypes': 'false' },
});

const asTheTrainingIs = ({ lake, settings: { training } }: ModelAccessProps) => ({
  Bool: { 'sagemaker:NetworkIsolation': 'true' },
  ...ofTypes(training.instanceType),
  ArnEquals: {
    'sagemaker:VolumeKmsKeyArn': lake.key.keyArn,
    'sagemaker:OutputKmsKeyArn': lake.key.keyArn,
  },
  NumericLessThanEquals: { 'sagemaker:MaxRuntimeInSeconds': training.maxSeconds },
});

/** A serverless endpoint has no volume of ours; the limits of its size also refuse one that has instances. */
const asTheEndpointIs = ({ lake, settings: { endpoint } }: ModelAccessProps) =>
  endpoint.kind === 'realtime'
    ? {
        ...ofTypes(endpoint.instanceType),
        ArnEquals: { 'sagemaker:VolumeKmsKeyArn': lake.key.keyArn },
      }
    : {
        NumericLessThanEquals: {
          'sagemaker:ServerlessMaxConcurrency': endpoint.maxConcurrency,
          'sagemaker:ServerlessMemorySize': endpoint.memoryMb,
        },
      };

/** Logs and metrics, which SageMaker writes as the role of the job or endpoint. */
const observed = (kind: 'TrainingJobs' | 'Endpoints'): Permission[] => [
  {
    actions: [
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'logs:DescribeLogStreams',
    ],
    resources: [arn('logs', `log-group:/aws/sagemaker/${kind}*`)],
    wildcard:
      'SageMaker makes the log groups of jobs and endpoints itself, below /aws/sagemaker/; endpoints have one each',
  },
  {
    actions: ['cloudwatch:PutMetricData'],
    resources: ['*'],
    conditions: { StringLike: { 'cloudwatch:namespace': ['/aws/sagemaker/*', 'aws/sagemaker/*'] } },
    wildcard:
      "PutMetricData knows no resources; the condition allows SageMaker's own namespaces alone",
  },
];
