import type { ConditionKeys } from '../identity';
import { arnOf } from './names';
import { DEFAULT_MAX_SECONDS } from './training-request';
import type { CreateTrainingJob } from './training-request';
import type { CreateTransformJob } from './transform-request';

/*
 * The condition keys that SageMaker passes to IAM for each action, from the service authorization reference. A key is
 * absent if the request does not set its value; a policy that tests it then does not match.
 */

const conditionKey = (key: string, value: string | undefined): ConditionKeys =>
  value === undefined ? {} : { [key]: value };

const isolation = (isolated = false): ConditionKeys => ({
  'sagemaker:NetworkIsolation': String(isolated),
});

export const trainingConditions = ({
  EnableNetworkIsolation,
  ResourceConfig: { InstanceType, VolumeKmsKeyId },
  OutputDataConfig: { KmsKeyId },
  StoppingCondition: { MaxRuntimeInSeconds = DEFAULT_MAX_SECONDS },
}: CreateTrainingJob): ConditionKeys => ({
  ...isolation(EnableNetworkIsolation),
  'sagemaker:InstanceTypes': [InstanceType],
  ...conditionKey('sagemaker:VolumeKmsKeyArn', VolumeKmsKeyId),
  ...conditionKey('sagemaker:OutputKmsKeyArn', KmsKeyId),
  'sagemaker:MaxRuntimeInSeconds': String(MaxRuntimeInSeconds),
});

export const transformConditions = ({
  ModelName,
  TransformResources: { InstanceType, VolumeKmsKeyId },
  TransformOutput: { KmsKeyId },
}: CreateTransformJob): ConditionKeys => ({
  'sagemaker:ModelArn': arnOf('model', ModelName),
  'sagemaker:InstanceTypes': [InstanceType],
  ...conditionKey('sagemaker:VolumeKmsKeyArn', VolumeKmsKeyId),
  ...conditionKey('sagemaker:OutputKmsKeyArn', KmsKeyId),
});

export const modelConditions = ({
  EnableNetworkIsolation,
}: {
  EnableNetworkIsolation?: boolean | undefined;
}): ConditionKeys => isolation(EnableNetworkIsolation);

interface EndpointConfigRequest {
  KmsKeyId?: string | undefined;
  ProductionVariants: readonly {
    InstanceType?: string | undefined;
    ServerlessConfig?: { MemorySizeInMB: number; MaxConcurrency: number } | undefined;
  }[];
}

export function configConditions({
  KmsKeyId,
  ProductionVariants,
}: EndpointConfigRequest): ConditionKeys {
  const types = ProductionVariants.flatMap(({ InstanceType }) => InstanceType ?? []);
  const [serverless] = ProductionVariants.flatMap(({ ServerlessConfig }) => ServerlessConfig ?? []);
  return {
    ...(types.length > 0 && { 'sagemaker:InstanceTypes': types }),
    ...conditionKey('sagemaker:VolumeKmsKeyArn', KmsKeyId),
    ...conditionKey('sagemaker:ServerlessMaxConcurrency', serverless?.MaxConcurrency.toString()),
    ...conditionKey('sagemaker:ServerlessMemorySize', serverless?.MemorySizeInMB.toString()),
  };
}
