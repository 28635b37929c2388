import type { ConditionKeys } from '../identity';
import { DEFAULT_MAX_SECONDS } from './training-request';
import type { CreateTrainingJob } from './training-request';

/*
 * What SageMaker tells IAM of a request: the condition keys that the service authorization reference gives for each
 * action. A key that the request says nothing of is absent, and a policy that asks for it does not match.
 */

const given = (key: string, value: string | undefined): ConditionKeys =>
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
  ...given('sagemaker:VolumeKmsKeyArn', VolumeKmsKeyId),
  ...given('sagemaker:OutputKmsKeyArn', KmsKeyId),
  'sagemaker:MaxRuntimeInSeconds': String(MaxRuntimeInSeconds),
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
    ...given('sagemaker:VolumeKmsKeyArn', KmsKeyId),
    ...given('sagemaker:ServerlessMaxConcurrency', serverless?.MaxConcurrency.toString()),
    ...given('sagemaker:ServerlessMemorySize', serverless?.MemorySizeInMB.toString()),
  };
}
