import {
  CreateEndpointConfigCommand,
  CreateModelCommand,
  ProductionVariantInstanceType,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import type { DescribeEndpointOutput, ProductionVariant } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { StepError } from '../workflows/errors';
import { StepInput, UpdateEndpointOutput } from '../workflows/payloads';
import { aws } from './shared/aws';
import { readEnvironment } from './settings/environment';
import { describeEndpoint, isOnItsWay, pointEndpoint } from './model/endpoint';
import { VARIANT_NAME, costTags } from './model/names';
import { modelToServe } from './model/served';
import { unlessItExists } from './model/idempotent';
import { updatePlan } from './model/update-plan';
import type { FunctionSettings } from './settings/settings';
import { onFirstCall, step } from './shared/step';

interface Dependencies {
  sageMaker: SageMakerClient;
  endpointName: string;
  servingImage: string;
  roleArn: string;
  keyArn: string;
  /** Name of the lake, for cost allocation tags. */
  lakeName: string;
  /** Alarms that roll an update back. */
  rollbackAlarms: readonly string[];
  settings: FunctionSettings['endpoint'];
}

/** Deploys the candidate to the endpoint. Succeeds only when the endpoint is InService with our configuration. */
export const updateEndpoint = (deps: Dependencies) =>
  step(
    StepInput,
    UpdateEndpointOutput,
    async ({ attempt, state }): Promise<UpdateEndpointOutput> => {
      const { sageMaker, endpointName } = deps;
      const { train, evaluation, update } = state;
      const model = modelToServe(state);
      if (model === null) {
        throw new StepError(
          'EndpointUpdateFailed',
          `There is no trained model to serve: training is ${train.status}`,
        );
      }
      const configName = model.version;
      const found = await describeEndpoint(sageMaker, endpointName);
      if (update.status === 'RUNNING' && update.attempt === attempt) {
        return isServing(found, endpointName, configName)
          ? { status: 'DONE', endpointName, configName }
          : update;
      }
      const digest = 'promote' in evaluation ? evaluation.digest : undefined;
      await createModel(deps, model.version, model.modelUri, digest);
      await createConfig(deps, configName, model.version);
      // A call whose response was lost may already have started the update.
      if (!isOnItsWay(found, configName)) {
        mustBeChangeable(found, endpointName);
        await pointEndpoint(sageMaker, {
          name: endpointName,
          configName,
          exists: found !== null,
          updatePlan: updatePlan(deps.settings, deps.rollbackAlarms),
          tags: costTags(deps.lakeName),
        });
      }
      return { status: 'RUNNING', attempt, endpointName, configName };
    },
  );

/** Whether the endpoint serves our configuration. Throws when the update failed or was rolled back. */
function isServing(
  found: DescribeEndpointOutput | null,
  name: string,
  configName: string,
): boolean {
  switch (found?.EndpointStatus) {
    case 'Creating':
    case 'Updating':
    case 'SystemUpdating':
    case 'RollingBack':
      return false;
    case 'InService':
      if (found.EndpointConfigName === configName) {
        return true;
      }
      throw failed(
        name,
        configName,
        `it was rolled back to ${found.EndpointConfigName}: ${found.FailureReason ?? 'no reason given'}`,
      );
    default:
      throw failed(
        name,
        configName,
        `it is ${found?.EndpointStatus ?? 'gone'}: ${found?.FailureReason ?? 'no reason given'}`,
      );
  }
}

function mustBeChangeable(found: DescribeEndpointOutput | null, name: string): void {
  if (found !== null && found.EndpointStatus !== 'InService') {
    const cure =
      found.EndpointStatus === 'Failed' || found.EndpointStatus === 'UpdateRollbackFailed'
        ? `Delete it (aws sagemaker delete-endpoint --endpoint-name ${name})`
        : 'Wait until it is InService';
    throw new StepError(
      'EndpointUpdateFailed',
      `The endpoint ${name} is ${found.EndpointStatus} and cannot be changed. ${cure}, then redrive this execution.`,
    );
  }
}

async function createModel(
  { sageMaker, servingImage, roleArn, settings }: Dependencies,
  modelName: string,
  modelUri: string,
  digest: string | undefined,
): Promise<void> {
  await unlessItExists(() =>
    sageMaker.send(
      new CreateModelCommand({
        ModelName: modelName,
        ExecutionRoleArn: roleArn,
        PrimaryContainer: {
          Image: servingImage,
          // The key without a version, because SageMaker accepts none; the digest pins the content.
          ModelDataUrl: modelUri,
          ...(digest !== undefined && { Environment: { MODEL_DIGEST: digest } }),
        },
        // Serverless endpoints reject this option.
        ...(settings.kind === 'realtime' && { EnableNetworkIsolation: true }),
      }),
    ),
  );
}

async function createConfig(
  { sageMaker, keyArn, settings }: Dependencies,
  configName: string,
  modelName: string,
): Promise<void> {
  await unlessItExists(() =>
    sageMaker.send(
      new CreateEndpointConfigCommand({
        EndpointConfigName: configName,
        ProductionVariants: [variant(modelName, settings)],
        // Encrypts the instance's volume; serverless endpoints have none.
        ...(settings.kind === 'realtime' && { KmsKeyId: keyArn }),
      }),
    ),
  );
}

function variant(modelName: string, settings: FunctionSettings['endpoint']): ProductionVariant {
  const common = { VariantName: VARIANT_NAME, ModelName: modelName };
  return settings.kind === 'serverless'
    ? {
        ...common,
        ServerlessConfig: {
          MemorySizeInMB: settings.memoryMb,
          MaxConcurrency: settings.maxConcurrency,
        },
      }
    : {
        ...common,
        InstanceType: z.enum(ProductionVariantInstanceType).parse(settings.instanceType),
        InitialInstanceCount: settings.instances,
        InitialVariantWeight: 1,
      };
}

const failed = (name: string, configName: string, why: string): StepError =>
  new StepError(
    'EndpointUpdateFailed',
    `The endpoint ${name} does not serve ${configName}: ${why}`,
  );

export const handler = onFirstCall(() => {
  const env = readEnvironment('update-endpoint');
  return updateEndpoint({
    sageMaker: aws(SageMakerClient),
    endpointName: env.ENDPOINT_NAME,
    servingImage: env.SERVING_IMAGE,
    roleArn: env.SERVING_ROLE_ARN,
    keyArn: env.KEY_ARN,
    lakeName: env.LAKE,
    rollbackAlarms: env.ROLLBACK_ALARMS,
    settings: env.SETTINGS.endpoint,
  });
});
