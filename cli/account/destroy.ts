import {
  DeleteStackCommand,
  waitUntilStackDeleteComplete,
  type CloudFormationClient,
} from '@aws-sdk/client-cloudformation';
import { ListExecutionsCommand, StopExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvironmentName } from '../../infra/config';
import { endpointNames, lakeName, stackKinds, stackName } from '../../infra/naming';
import { dollars } from '../costs/money';
import { prices } from '../costs/prices';
import { count, counted } from '../run/stages';
import type { Screen } from '../screen';
import type { Workspace } from '../../session/workspace';
import { findStack, outputsOf, resourcesOf } from '../../session/stack';
import { describeState, todoBefore } from '../../session/stack-states';
import { UserError } from '../../session/user-error';
import { ask, confirm } from './ask';
import { runCdk } from './cdk';
import { keyOfStack } from './key';
import {
  deleteBucket,
  findAccessLogs,
  findLakeData,
  scheduleKeyDeletion,
  type LakeData,
} from './lake-data';
import { findRegistry, removeRegistry, type FoundRegistry } from './registry';
import { endpointsLeft, findServing, removeServing, type Serving } from './serving';
import { describeAccount, findAccount, type Account, type AccountEnvironment } from './session';

interface DestroyOptions {
  environment: AccountEnvironment;
  /** Asks nothing. */
  yes: boolean;
  deleteData: boolean;
  /** Name of the bucket, typed in advance. */
  confirm: string | null;
}

const stopMillis = 120_000;

async function running(sfn: SFNClient, stateMachineArn: string): Promise<string[]> {
  try {
    const { executions = [] } = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING' }),
    );
    return executions.map(({ executionArn = '' }) => executionArn);
  } catch (error) {
    // A half-deleted stack still lists a state machine that no longer exists.
    if (error instanceof Error && error.name === 'StateMachineDoesNotExist') return [];
    throw error;
  }
}

/** Stops running executions, because one could create the endpoint again. Returns how many; throws UserError. */
async function stopExecutions(
  sfn: SFNClient,
  machine: string,
  signal: AbortSignal,
): Promise<number> {
  const executions = await running(sfn, machine);
  for (const executionArn of executions) {
    await sfn.send(
      new StopExecutionCommand({
        executionArn,
        error: 'Destroyed',
        cause: 'npm run destroy deletes this environment',
      }),
    );
  }
  for (const deadline = Date.now() + stopMillis; (await running(sfn, machine)).length > 0;) {
    if (Date.now() > deadline)
      throw new UserError(
        `An execution of ${machine} does not stop. Check it in the console, then run this command again.`,
      );
    await sleep(1_000, undefined, { signal });
  }
  return executions.length;
}

/** Throws UserError for a protected stack before anything is deleted, to avoid a half-done destroy. */
async function mustBeUnprotected(
  { clients }: Account,
  { environment }: DestroyOptions,
): Promise<boolean> {
  const stacks = stackKinds.map((kind) => stackName(environment, kind));
  const found = await Promise.all(stacks.map((name) => findStack(clients.cloudFormation, name)));
  for (const stack of found) {
    if (!stack) continue;
    const first = todoBefore('destroy', stack);
    if (first !== null)
      throw new UserError(`${describeState(stack)}, so nothing was done. First ${first}`);
    if (!stack.EnableTerminationProtection) continue;
    throw new UserError(
      `${stack.StackName} is protected against deletion (protectData in infra/config.ts), so nothing was done. To go on:\n` +
        `    aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name ${stack.StackName}`,
    );
  }
  return found.some((stack) => stack !== undefined);
}

/** What must be stopped before the pipeline's stack is deleted. Read from the stack, even a half-deleted one. */
interface Deployed {
  /** ARN of the state machine; null where there is none. */
  machine: string | null;
  /** Every possible name of the endpoint. */
  endpoints: string[];
}

async function deployedPipeline(
  { clients: { cloudFormation } }: Account,
  environment: AccountEnvironment,
): Promise<Deployed> {
  const name = stackName(environment, 'Pipeline');
  const outputs = outputsOf(await findStack(cloudFormation, name));
  const machine =
    outputs?.StateMachineArn ??
    (await resourcesOf(cloudFormation, name))
      .filter(({ ResourceType }) => ResourceType === 'AWS::StepFunctions::StateMachine')
      .find(({ PhysicalResourceId = '' }) =>
        PhysicalResourceId.endsWith(`:stateMachine:${lakeName(environment)}`),
      )?.PhysicalResourceId ??
    null;
  return {
    machine,
    // The settings may have changed since the stack was created.
    endpoints: [
      ...new Set([...endpointNames(environment), ...(outputs ? [outputs.EndpointName] : [])]),
    ],
  };
}

/** Asks for the name of the bucket to delete; returns the bucket. Throws UserError when the name differs. */
async function confirmDeletion(
  data: readonly LakeData[],
  { yes, confirm: typed }: DestroyOptions,
  signal: AbortSignal,
): Promise<LakeData[]> {
  const [one, ...others] = data;
  if (!one)
    throw new UserError(
      'This environment has no bucket, so --delete-data has nothing to delete. Nothing was done. Run the command without --delete-data to delete the rest.',
    );
  if (others.length > 0)
    throw new UserError(
      `This environment has more than one bucket: ${data.map(({ bucket }) => bucket).join(', ')}. Delete the right one yourself.`,
    );
  const name =
    typed ??
    (await ask(
      `--delete-data deletes every tweet, label and model for good. Type the bucket's name, ${one.bucket}:`,
      'confirm with --confirm <bucket>',
      signal,
    ));
  if (name !== one.bucket || (typed !== null && !yes)) {
    throw new UserError(
      typed !== null && !yes
        ? '--confirm needs --yes, too. Nothing was done.'
        : `"${name}" is not ${one.bucket}. Nothing was done.`,
    );
  }
  return [one];
}

/** Deletes the budget's stack. If the settings no longer have a budget, the CDK app lacks this stack and keeps it. */
async function removeBudget(
  client: CloudFormationClient,
  environment: EnvironmentName,
): Promise<void> {
  const StackName = stackName(environment, 'Budget');
  if ((await findStack(client, StackName)) === undefined) return;
  await client.send(new DeleteStackCommand({ StackName }));
  await waitUntilStackDeleteComplete({ client, maxWaitTime: 300 }, { StackName });
}

const describeServing = ({ endpoints, configs, models, jobs, transforms }: Serving): string =>
  [
    counted(endpoints.length, 'endpoint'),
    counted(configs.length, 'endpoint config'),
    counted(models.length, 'model'),
    counted(jobs.length, 'running training job'),
    counted(transforms.length, 'running transform job'),
  ].join(', ');

const describeRegistry = ({ group, packages }: FoundRegistry): string =>
  group === null
    ? 'no registry of models'
    : `the registry ${group} with ${counted(packages.length, 'model')}`;

function sayWhatIsLeft(
  screen: Screen,
  data: readonly LakeData[],
  accessLogs: readonly string[],
  environment: string,
): void {
  if (data.length + accessLogs.length === 0) {
    screen.say(`No billable resource of sentiment-lake ${environment} is left.`);
    return;
  }
  screen.say('Kept on purpose:');
  for (const { bucket, keyArn } of data) {
    screen.say(
      `  bucket ${bucket}: storage, $${prices.s3PerGbMonth} per GB and month. Its policy was deleted with the stack: only IAM protects it now.`,
    );
    if (keyArn !== null)
      screen.say(
        `  key ${keyArn}: ${dollars(prices.kmsKeyPerMonth)} a month. The objects cannot be read without it.`,
      );
  }
  for (const bucket of accessLogs)
    screen.say(
      `  bucket ${bucket} (access logs): storage, $${prices.s3PerGbMonth} per GB and month.`,
    );
  screen.say(
    `  log groups below /aws/sagemaker/ and /aws-glue/, shared by all users of these services: $${prices.logsPerGbMonth} per GB and month.`,
  );
  screen.say(`To delete the data as well: npm run destroy -- --env ${environment} --delete-data`);
}

/**
 * `npm run destroy`: stops executions, deletes what CloudFormation does not manage, then the stacks; the data only with
 * --delete-data. Returns the exit status.
 */
export async function destroyIn(
  workspace: Workspace,
  screen: Screen,
  command: DestroyOptions,
): Promise<number> {
  const { environment } = command;
  const account = await findAccount(workspace);
  const { clients } = account;
  screen.say(`${environment}: ${describeAccount(account)}`);
  const areStacks = await mustBeUnprotected(account, command);
  // Read the key from the stack while it exists: the bucket may not say what it encrypts with.
  const stackKey = await keyOfStack({ clients, environment, region: account.region });
  const data = (await findLakeData(account, environment)).map(({ bucket, keyArn }) => ({
    bucket,
    keyArn: keyArn ?? stackKey,
  }));
  const { machine, endpoints } = await deployedPipeline(account, environment);
  const serving = await findServing(clients.sageMaker, environment, endpoints);
  const registry = await findRegistry(clients.sageMaker, environment);
  screen.say(
    `Found: ${areStacks ? 'stacks' : 'no stack'}, ${describeServing(serving)}, ${describeRegistry(registry)}, ${counted(data.length, 'bucket')}.`,
  );
  const doomed = command.deleteData ? await confirmDeletion(data, command, workspace.signal) : [];
  await confirm(
    `Delete sentiment-lake ${environment}${command.deleteData ? ' including its data' : ', but keep its data'}?`,
    command.yes,
    workspace.signal,
  );

  if (machine !== null)
    screen.say(
      `Stopped: ${counted(await stopExecutions(clients.sfn, machine, workspace.signal), 'execution')}.`,
    );
  // Search again: the stopped executions may have created more.
  const made = await findServing(clients.sageMaker, environment, endpoints);
  await removeServing(clients.sageMaker, endpoints, made, workspace.signal);
  const registered = await findRegistry(clients.sageMaker, environment);
  await removeRegistry(clients.sageMaker, registered);
  screen.say(`Removed: ${describeServing(made)}, ${describeRegistry(registered)}.`);
  if (areStacks) {
    const started = Date.now();
    if (!screen.isTerminal) screen.say('cdk destroy …');
    await runCdk(workspace, { environment }, 'destroy', (line) => screen.live(line, started));
    screen.rest();
    await removeBudget(clients.cloudFormation, environment);
    screen.say('Stacks deleted.');
  }
  const remove = async (bucket: string) => {
    const deleted = await deleteBucket(clients.s3, bucket, workspace.signal, (so) =>
      screen.live(`deleting ${bucket}: ${count(so)} versions`),
    );
    screen.rest();
    screen.say(`Bucket ${bucket} deleted with ${counted(deleted, 'version')} of objects.`);
  };
  // Delete the lake's own bucket last: after an interruption the next call finds the lake by this bucket.
  if (command.deleteData)
    for (const bucket of await findAccessLogs(account, environment)) await remove(bucket);
  for (const { bucket, keyArn } of doomed) {
    await remove(bucket);
    if (keyArn !== null)
      screen.say(
        `AWS deletes the key ${keyArn} in ${await scheduleKeyDeletion(account, keyArn)} days. To keep it: aws kms cancel-key-deletion.`,
      );
  }
  const left = await findServing(clients.sageMaker, environment, endpoints);
  if ([left.endpoints, left.configs, left.models].flat().length > 0)
    throw new UserError(`Not deleted yet: ${describeServing(left)}. Run this command again.`);
  const rest = await findRegistry(clients.sageMaker, environment);
  if (rest.packages.length > 0)
    throw new UserError(
      `Not deleted yet: ${counted(rest.packages.length, 'model')} of the registry ${rest.group}. Run this command again.`,
    );
  if (rest.others > 0)
    screen.say(
      `Kept: the registry ${rest.group}, with ${counted(rest.others, 'package')} that the pipeline did not make (free of charge).`,
    );
  const overlooked = await endpointsLeft(clients.sageMaker, environment);
  if (overlooked.length > 0)
    throw new UserError(
      `Still there and billable: the endpoint ${overlooked.join(', ')}. It has the tag or the name prefix of sentiment-lake ${environment}, ` +
        'but none of the names that this command looks for. Delete it: ' +
        overlooked
          .map((name) => `aws sagemaker delete-endpoint --endpoint-name ${name}`)
          .join('; '),
    );
  sayWhatIsLeft(
    screen,
    await findLakeData(account, environment),
    await findAccessLogs(account, environment),
    environment,
  );
  return 0;
}
