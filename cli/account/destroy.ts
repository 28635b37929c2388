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
import { count } from '../run/stages';
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
    // A stack that is half gone lists what it has no more.
    if (error instanceof Error && error.name === 'StateMachineDoesNotExist') return [];
    throw error;
  }
}

/** Ends what runs: an execution would put an endpoint back behind our back. */
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
        cause: 'npm run destroy takes this environment down',
      }),
    );
  }
  for (const deadline = Date.now() + stopMillis; (await running(sfn, machine)).length > 0;) {
    if (Date.now() > deadline)
      throw new UserError(
        `An execution of ${machine} does not stop: look at it in the console, then call this again.`,
      );
    await sleep(1_000, undefined, { signal });
  }
  return executions.length;
}

/** Refuses before anything is touched: half a tear-down would be the worst. */
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

/** What the pipeline's stack itself says of what has to end before it goes; also of a stack that is broken or half gone. */
interface Deployed {
  /** ARN of the state machine; null where there is none. */
  machine: string | null;
  /** Every name that the endpoint may have. */
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
    // Its settings may have changed since it was made.
    endpoints: [
      ...new Set([...endpointNames(environment), ...(outputs ? [outputs.EndpointName] : [])]),
    ],
  };
}

/** The bucket whose deletion was confirmed by its name. Throws UserError when the name is another. */
async function confirmDeletion(
  data: readonly LakeData[],
  { yes, confirm: typed }: DestroyOptions,
  signal: AbortSignal,
): Promise<LakeData[]> {
  const [one, ...others] = data;
  if (!one)
    throw new UserError(
      'There is no bucket of this environment to delete the data of; without --delete-data the rest is taken down. Nothing was done.',
    );
  if (others.length > 0)
    throw new UserError(
      `More than one bucket is this environment's: ${data.map(({ bucket }) => bucket).join(', ')}. Delete the one you mean by hand.`,
    );
  const name =
    typed ??
    (await ask(
      `--delete-data deletes every tweet, label and model for good. Type the bucket's name, ${one.bucket}:`,
      'say it with --confirm <bucket>',
      signal,
    ));
  if (name !== one.bucket || (typed !== null && !yes)) {
    throw new UserError(
      typed !== null && !yes
        ? '--confirm counts with --yes only. Nothing was done.'
        : `"${name}" is not ${one.bucket}. Nothing was done.`,
    );
  }
  return [one];
}

/** A budget that the settings do not name any more is in no app: CDK leaves its stack. */
async function removeBudget(
  client: CloudFormationClient,
  environment: EnvironmentName,
): Promise<void> {
  const StackName = stackName(environment, 'Budget');
  if ((await findStack(client, StackName)) === undefined) return;
  await client.send(new DeleteStackCommand({ StackName }));
  await waitUntilStackDeleteComplete({ client, maxWaitTime: 300 }, { StackName });
}

const plural = (number: number, what: string): string =>
  `${count(number)} ${what}${number === 1 ? '' : 's'}`;

const describeServing = ({ endpoints, configs, models, jobs }: Serving): string =>
  [
    plural(endpoints.length, 'endpoint'),
    plural(configs.length, 'endpoint config'),
    plural(models.length, 'model'),
    plural(jobs.length, 'running training job'),
  ].join(', ');

function sayWhatIsLeft(
  screen: Screen,
  data: readonly LakeData[],
  accessLogs: readonly string[],
  environment: string,
): void {
  if (data.length + accessLogs.length === 0) {
    screen.say(`Nothing of sentiment-lake ${environment} is left that costs.`);
    return;
  }
  screen.say('Left, on purpose:');
  for (const { bucket, keyArn } of data) {
    screen.say(
      `  bucket ${bucket}: storage, $${prices.s3PerGbMonth} a GB and month. Its policy went with the stack: IAM alone guards it now.`,
    );
    if (keyArn !== null)
      screen.say(
        `  key ${keyArn}: ${dollars(prices.kmsKeyPerMonth)} a month. Without it the objects cannot be read any more.`,
      );
  }
  for (const bucket of accessLogs)
    screen.say(
      `  bucket ${bucket}, the access logs: storage, $${prices.s3PerGbMonth} a GB and month.`,
    );
  screen.say(
    `  log groups below /aws/sagemaker/ and /aws-glue/, shared by all that use these services: $${prices.logsPerGbMonth} a GB and month.`,
  );
  screen.say(`To delete the data, too: npm run destroy -- --env ${environment} --delete-data`);
}

/** `npm run destroy`: ends what runs, removes what CloudFormation does not know, then the stacks; the data only when told. */
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
  // Asked of the stack while it is there: it names the key itself, the bucket what it encrypts with.
  const stackKey = await keyOfStack({ clients, environment, region: account.region });
  const data = (await findLakeData(account, environment)).map(({ bucket, keyArn }) => ({
    bucket,
    keyArn: keyArn ?? stackKey,
  }));
  const { machine, endpoints } = await deployedPipeline(account, environment);
  const serving = await findServing(clients.sageMaker, environment, endpoints);
  screen.say(
    `Found: ${areStacks ? 'stacks' : 'no stack'}, ${describeServing(serving)}, ${plural(data.length, 'bucket')}.`,
  );
  const doomed = command.deleteData ? await confirmDeletion(data, command, workspace.signal) : [];
  await confirm(
    `Take sentiment-lake ${environment} down${command.deleteData ? ', its data included' : '; the data stay'}?`,
    command.yes,
    workspace.signal,
  );

  if (machine !== null)
    screen.say(
      `Stopped: ${plural(await stopExecutions(clients.sfn, machine, workspace.signal), 'execution')}.`,
    );
  // Asked again: what ran may have made more.
  const made = await findServing(clients.sageMaker, environment, endpoints);
  await removeServing(clients.sageMaker, endpoints, made, workspace.signal);
  screen.say(`Removed: ${describeServing(made)}.`);
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
    screen.say(`Bucket ${bucket} deleted with ${plural(deleted, 'version')} of objects.`);
  };
  // The lake's own bucket last: this is called again by its name after an interruption.
  if (command.deleteData)
    for (const bucket of await findAccessLogs(account, environment)) await remove(bucket);
  for (const { bucket, keyArn } of doomed) {
    await remove(bucket);
    if (keyArn !== null)
      screen.say(
        `Key ${keyArn} will be gone in ${await scheduleKeyDeletion(account, keyArn)} days; until then: aws kms cancel-key-deletion.`,
      );
  }
  const left = await findServing(clients.sageMaker, environment, endpoints);
  if ([left.endpoints, left.configs, left.models].flat().length > 0)
    throw new UserError(`Still there: ${describeServing(left)}. Call this again.`);
  const overlooked = await endpointsLeft(clients.sageMaker, environment);
  if (overlooked.length > 0)
    throw new UserError(
      `Still there, and it costs: the endpoint ${overlooked.join(', ')}. It has the tag or the name of sentiment-lake ${environment}, ` +
        'but this command did not make it. Delete it: ' +
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
