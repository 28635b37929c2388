import {
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  DescribeTrainingJobCommand,
  paginateListEndpointConfigs,
  paginateListEndpoints,
  paginateListModels,
  paginateListTrainingJobs,
  StopTrainingJobCommand,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { setTimeout as sleep } from 'node:timers/promises';
import { lakeName } from '../../infra/naming';
import { UserError } from '../cloud/user-error';
import type { AccountEnvironment } from './session';

/** What the pipeline made at SageMaker beside CloudFormation, of one environment. */
export interface Serving {
  endpoints: string[];
  configs: string[];
  models: string[];
  /** Training jobs that run. */
  jobs: string[];
}

/** Models, configs and jobs carry the training job's name, which begins so (functions/model/names.ts). */
const prefix = 'sl-';

/** An endpoint takes minutes to go. */
const patienceMillis = 20 * 60_000;
const lookMillis = 3_000;

const isOurs = (name: string | undefined): name is string => name?.startsWith(prefix) ?? false;

/**
 * The environment's own. A name `sl-…` does not say whose it is: a model or a job belongs to the environment under whose
 * role it acts, a config to the one whose models it serves. Whatever is not certain is left alone.
 */
export async function findServing(
  client: SageMakerClient,
  environment: AccountEnvironment,
): Promise<Serving> {
  const role = `:role/${lakeName(environment, 'MachineLearningRole')}`;
  const endpointName = lakeName(environment);

  const endpoints: string[] = [];
  for await (const page of paginateListEndpoints({ client }, { NameContains: endpointName })) {
    endpoints.push(
      ...(page.Endpoints ?? [])
        .map(({ EndpointName = '' }) => EndpointName)
        .filter((name) => name === endpointName),
    );
  }

  const models: string[] = [];
  for await (const page of paginateListModels({ client }, { NameContains: prefix })) {
    for (const { ModelName } of page.Models ?? []) {
      if (!isOurs(ModelName)) continue;
      const { ExecutionRoleArn } = await client.send(new DescribeModelCommand({ ModelName }));
      if (ExecutionRoleArn?.endsWith(role)) models.push(ModelName);
    }
  }

  const configs: string[] = [];
  for await (const page of paginateListEndpointConfigs({ client }, { NameContains: prefix })) {
    for (const { EndpointConfigName } of page.EndpointConfigs ?? []) {
      if (!isOurs(EndpointConfigName)) continue;
      const { ProductionVariants = [] } = await client.send(
        new DescribeEndpointConfigCommand({ EndpointConfigName }),
      );
      if (ProductionVariants.every(({ ModelName }) => models.includes(ModelName ?? '')))
        configs.push(EndpointConfigName);
    }
  }

  const jobs: string[] = [];
  for await (const page of paginateListTrainingJobs(
    { client },
    { NameContains: prefix, StatusEquals: 'InProgress' },
  )) {
    for (const { TrainingJobName } of page.TrainingJobSummaries ?? []) {
      if (!isOurs(TrainingJobName)) continue;
      const { RoleArn } = await client.send(new DescribeTrainingJobCommand({ TrainingJobName }));
      if (RoleArn?.endsWith(role)) jobs.push(TrainingJobName);
    }
  }
  return { endpoints, configs, models, jobs };
}

/**
 * Removes them: what costs first, models last, for the models say whose the rest is if this is cut off.
 * Throws UserError when an endpoint does not go.
 */
export async function removeServing(
  client: SageMakerClient,
  environment: AccountEnvironment,
  found: Serving,
  signal: AbortSignal,
): Promise<void> {
  for (const TrainingJobName of found.jobs)
    await client.send(new StopTrainingJobCommand({ TrainingJobName }));
  for (const EndpointName of found.endpoints)
    await client.send(new DeleteEndpointCommand({ EndpointName }));
  for (const deadline = Date.now() + patienceMillis; found.endpoints.length > 0;) {
    const { endpoints } = await findServing(client, environment);
    if (endpoints.length === 0) break;
    if (Date.now() > deadline) {
      throw new UserError(
        `The endpoint ${endpoints.join(', ')} is still there after ${patienceMillis / 60_000} min: look at it in the SageMaker console, then call this again.`,
      );
    }
    await sleep(lookMillis, undefined, { signal });
  }
  for (const EndpointConfigName of found.configs)
    await client.send(new DeleteEndpointConfigCommand({ EndpointConfigName }));
  for (const ModelName of found.models) await client.send(new DeleteModelCommand({ ModelName }));
}
