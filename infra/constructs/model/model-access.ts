import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { arn } from '../../arns';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName, modelPrefix } from '../../naming';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';
import type { Permission } from '../security/grants';
import { volumeGrant } from '../data/lake-key';

export interface ModelAccessProps {
  readonly environment: EnvironmentName;
  readonly lake: DataResources;
  /** Name of the endpoint. */
  readonly endpoint: string;
  readonly settings: Pick<Settings, 'training' | 'endpoint' | 'scoring'>;
  /** The role that puts a model behind the endpoint. */
  readonly updater: iam.IRole;
}

/** Name pattern of training jobs, and of models and endpoint configs, which have the job's name. */
export const trainingJobPattern = (environment: EnvironmentName): string =>
  `${modelPrefix(environment)}*`;

const namedIn = (environment: EnvironmentName) => (kind: string) =>
  arn('sagemaker', `${kind}/${trainingJobPattern(environment)}`);

const wildcard =
  "A training job's name ends in a hash of its execution, and its model and endpoint config have the same name; the prefix belongs to this environment";

/**
 * Permissions for SageMaker. ModelOperatorRole starts trainings and transform jobs, creates the models of these, calls
 * the endpoint and restores the champion. The updater creates models and endpoints. Jobs run as MachineLearningRole,
 * endpoints and their models as ServingRole. Network isolation, keys and sizes are conditions of the permissions, so the calling code cannot leave them out.
 */
export class ModelAccess extends Construct {
  constructor(scope: Construct, id: string, props: ModelAccessProps) {
    super(scope, id);
    const { environment, lake, endpoint, updater } = props;
    const named = namedIn(environment);
    const { MachineLearningRole, ModelOperatorRole, RunReporterRole, ServingRole } = lake.roles;
    const endpointArn = arn('sagemaker', `endpoint/${endpoint}`);
    // Both calls need permission for the endpoint and for its new config.
    const batchModels = arn('sagemaker', `model/${modelPrefix(environment)}batch-*`);
    const group = arn('sagemaker', `model-package-group/${lakeName(environment)}`);
    const changed = [endpointArn, named('endpoint-config')];
    allow(this, 'Operate', ModelOperatorRole, [
      {
        actions: ['sagemaker:CreateTrainingJob'],
        resources: [named('training-job')],
        conditions: asTheTrainingIs(props),
        wildcard,
      },
      {
        // AddTags: SageMaker also checks it when a resource is created with tags.
        actions: ['sagemaker:DescribeTrainingJob', 'sagemaker:AddTags'],
        resources: [named('training-job')],
        wildcard,
      },
      { actions: ['sagemaker:UpdateEndpoint'], resources: changed, wildcard },
      {
        actions: ['sagemaker:DescribeEndpoint', 'sagemaker:InvokeEndpoint'],
        resources: [endpointArn],
      },
      {
        actions: ['sagemaker:CreateModel'],
        resources: [batchModels],
        conditions: { Bool: { 'sagemaker:NetworkIsolation': 'true' } },
        wildcard,
      },
      {
        actions: ['sagemaker:CreateTransformJob'],
        resources: [named('transform-job')],
        conditions: asTheTransformIs(props, batchModels),
        wildcard,
      },
      {
        actions: [
          'sagemaker:DescribeTransformJob',
          'sagemaker:StopTransformJob',
          'sagemaker:AddTags',
        ],
        resources: [named('transform-job')],
        wildcard,
      },
      passing(MachineLearningRole, [named('training-job'), batchModels]),
      { actions: ['sagemaker:CreateModelPackageGroup', 'sagemaker:AddTags'], resources: [group] },
      {
        actions: [
          'sagemaker:CreateModelPackage',
          'sagemaker:ListModelPackages',
          'sagemaker:DescribeModelPackage',
          'sagemaker:UpdateModelPackage',
          'sagemaker:DeleteModelPackage',
        ],
        resources: [arn('sagemaker', `model-package/${lakeName(environment)}/*`)],
        wildcard: 'SageMaker numbers the packages of a group; the group is this environment’s',
      },
      {
        // Of the models that are no longer registered.
        actions: ['sagemaker:DeleteModel'],
        resources: [named('model')],
        wildcard,
      },
      {
        actions: ['sagemaker:DeleteEndpointConfig'],
        resources: [named('endpoint-config')],
        wildcard,
      },
    ]);
    // Of an execution that was aborted or ran out of time.
    allow(this, 'Stop', RunReporterRole, [
      {
        actions: ['sagemaker:StopTransformJob'],
        resources: [named('transform-job')],
        wildcard,
      },
    ]);
    allow(this, 'Update', updater, [
      {
        actions: ['sagemaker:CreateModel'],
        resources: [named('model')],
        // A serverless endpoint rejects a model with network isolation.
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
      passing(ServingRole, [named('model')]),
      volumeGrant(lake.key.keyArn),
      { actions: ['kms:DescribeKey'], resources: [lake.key.keyArn] },
    ]);
    allow(this, 'RunAsJob', MachineLearningRole, observed('TrainingJobs', 'TransformJobs'));
    allow(this, 'RunAsEndpoint', ServingRole, observed('Endpoints'));
  }
}

/**
 * Allows passing a role to SageMaker only. AWS does not document whether SageMaker names the resource. If it does, the
 * resource must be ours.
 */
const passing = (role: iam.IRole, associated: string[]): Permission => ({
  actions: ['iam:PassRole'],
  resources: [role.roleArn],
  conditions: {
    StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' },
    ArnLikeIfExists: { 'iam:AssociatedResourceArn': associated },
  },
});

/** Only these instance types. Without Null, ForAllValues is true for a call without types. */
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

const asTheTransformIs = ({ lake, settings: { scoring } }: ModelAccessProps, models: string) => ({
  ...ofTypes(scoring.instanceType),
  ArnLike: { 'sagemaker:ModelArn': models },
  ArnEquals: {
    'sagemaker:VolumeKmsKeyArn': lake.key.keyArn,
    'sagemaker:OutputKmsKeyArn': lake.key.keyArn,
  },
});

/** A serverless endpoint has no volume of ours. Its size limits also deny an endpoint with instances. */
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

/** Permissions for logs and metrics, which SageMaker writes with the role of the job or endpoint. */
const observed = (
  ...kinds: readonly ('TrainingJobs' | 'TransformJobs' | 'Endpoints')[]
): Permission[] => [
  {
    actions: [
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'logs:DescribeLogStreams',
    ],
    resources: kinds.map((kind) => arn('logs', `log-group:/aws/sagemaker/${kind}*`)),
    wildcard:
      'SageMaker creates the log groups of jobs and endpoints itself, below /aws/sagemaker/; endpoints have one each',
  },
  {
    actions: ['cloudwatch:PutMetricData'],
    resources: ['*'],
    conditions: { StringLike: { 'cloudwatch:namespace': ['/aws/sagemaker/*', 'aws/sagemaker/*'] } },
    wildcard:
      "PutMetricData supports no resources; the condition allows only SageMaker's own namespaces",
  },
];
