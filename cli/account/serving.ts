import {
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  DescribeTrainingJobCommand,
  DescribeTransformJobCommand,
  paginateListEndpointConfigs,
  paginateListEndpoints,
  paginateListModels,
  paginateListTags,
  paginateListTrainingJobs,
  paginateListTransformJobs,
  StopTrainingJobCommand,
  StopTransformJobCommand,
  type SageMakerClient,
  type Tag,
} from '@aws-sdk/client-sagemaker';
import { setTimeout as sleep } from 'node:timers/promises';
import { costTags, modelNamePrefix } from '../../functions/model/names';
import { endpointNames, lakeName } from '../../infra/naming';
import { UserError } from '../../session/user-error';
import type { AccountEnvironment } from './session';

/** One environment's SageMaker resources that the pipeline created outside CloudFormation, by name. */
export interface Serving {
  endpoints: string[];
  configs: string[];
  models: string[];
  /** Running training jobs. */
  jobs: string[];
  /** Running transform jobs. */
  transforms: string[];
}

/** Name prefix of models, configs and jobs. All environments share it; a resource's role tells its environment. */
const prefix = modelNamePrefix;

/** How long to wait for an endpoint's deletion, which takes minutes. */
const patienceMillis = 20 * 60_000;
const lookMillis = 3_000;

const isOurs = (name: string | undefined): name is string => name?.startsWith(prefix) ?? false;

interface FoundEndpoint {
  readonly name: string;
  readonly status: string;
}

/** The existing endpoints among these names, with their status. */
async function endpointsOf(
  client: SageMakerClient,
  names: readonly string[],
): Promise<FoundEndpoint[]> {
  const found: FoundEndpoint[] = [];
  for await (const page of paginateListEndpoints({ client }, {})) {
    for (const { EndpointName: name = '', EndpointStatus: status = '' } of page.Endpoints ?? []) {
      if (names.includes(name)) found.push({ name, status });
    }
  }
  return found;
}

/**
 * Finds this environment's endpoints by their tag or by the start of their name. This second search does not depend on
 * the names that `findServing` gets, because an overlooked endpoint is billed until somebody deletes it.
 */
export async function endpointsLeft(
  client: SageMakerClient,
  environment: AccountEnvironment,
): Promise<string[]> {
  const lake = lakeName(environment);
  const left: string[] = [];
  for await (const { Endpoints = [] } of paginateListEndpoints({ client }, {})) {
    for (const { EndpointName: name = '', EndpointArn: arn } of Endpoints) {
      if (name === lake || name.startsWith(`${lake}-`) || (await isTagged(client, arn, lake)))
        left.push(name);
    }
  }
  return left;
}

async function isTagged(
  client: SageMakerClient,
  ResourceArn: string | undefined,
  lake: string,
): Promise<boolean> {
  for await (const { Tags = [] } of paginateListTags({ client }, { ResourceArn })) {
    if (costTags(lake).every((tag) => Tags.some((one) => isSame(one, tag)))) return true;
  }
  return false;
}

const isSame = (one: Tag, other: Tag): boolean =>
  one.Key === other.Key && one.Value === other.Value;

/**
 * Finds the environment's resources. A name `sl-…` does not tell the environment: a model or training job belongs to the
 * environment of its role, a config or transform job to the environment of its models. Leaves out everything uncertain. `names` are the
 * possible names of the endpoint.
 */
export async function findServing(
  client: SageMakerClient,
  environment: AccountEnvironment,
  names: readonly string[] = endpointNames(environment),
): Promise<Serving> {
  // Models created before ServingRole existed have MachineLearningRole.
  const roles = ['MachineLearningRole', 'ServingRole'].map(
    (name) => `:role/${lakeName(environment, name)}`,
  );
  const isOurRole = (arn: string | undefined) => roles.some((role) => arn?.endsWith(role));
  const endpoints = (await endpointsOf(client, names)).map(({ name }) => name);

  const models: string[] = [];
  for await (const page of paginateListModels({ client }, { NameContains: prefix })) {
    for (const { ModelName } of page.Models ?? []) {
      if (!isOurs(ModelName)) continue;
      const { ExecutionRoleArn } = await client.send(new DescribeModelCommand({ ModelName }));
      if (isOurRole(ExecutionRoleArn)) models.push(ModelName);
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
      if (isOurRole(RoleArn)) jobs.push(TrainingJobName);
    }
  }

  const transforms: string[] = [];
  for await (const page of paginateListTransformJobs(
    { client },
    { NameContains: prefix, StatusEquals: 'InProgress' },
  )) {
    for (const { TransformJobName } of page.TransformJobSummaries ?? []) {
      if (!isOurs(TransformJobName)) continue;
      const { ModelName } = await client.send(
        new DescribeTransformJobCommand({ TransformJobName }),
      );
      if (models.includes(ModelName ?? '')) transforms.push(TransformJobName);
    }
  }
  return { endpoints, configs, models, jobs, transforms };
}

/** SageMaker does not delete an endpoint while it changes, so we wait for the change to finish. */
const isChanging = (status: string): boolean => /(ing|RollingBack)$/.test(status);

async function removeEndpoints(
  client: SageMakerClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const deadline = Date.now() + patienceMillis; ;) {
    const endpoints = await endpointsOf(client, names);
    if (endpoints.length === 0) return;
    for (const { name: EndpointName } of endpoints.filter(({ status }) => !isChanging(status)))
      await client.send(new DeleteEndpointCommand({ EndpointName }));
    if (Date.now() > deadline) {
      const list = endpoints.map(({ name, status }) => `${name} (${status})`).join(', ');
      throw new UserError(
        `The endpoint ${list} still exists after ${patienceMillis / 60_000} min. Check it in the SageMaker console, then run this command again.`,
      );
    }
    await sleep(lookMillis, undefined, { signal });
  }
}

/**
 * Deletes these resources and the endpoints of these names. The most expensive ones go first, models last: after an
 * interruption, models tell the environment of the rest. Throws UserError when an endpoint is not deleted in time.
 */
export async function removeServing(
  client: SageMakerClient,
  names: readonly string[],
  found: Serving,
  signal: AbortSignal,
): Promise<void> {
  for (const TrainingJobName of found.jobs)
    await client.send(new StopTrainingJobCommand({ TrainingJobName }));
  for (const TransformJobName of found.transforms)
    await client.send(new StopTransformJobCommand({ TransformJobName }));
  await removeEndpoints(client, names, signal);
  for (const EndpointConfigName of found.configs)
    await client.send(new DeleteEndpointConfigCommand({ EndpointConfigName }));
  for (const ModelName of found.models) await client.send(new DeleteModelCommand({ ModelName }));
}
