import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { EnvironmentName } from '../../infra/config';
import { clientsFor, fromEnvironment, type Clients, type Connection } from '../../session/clients';
import type { Workspace } from '../../session/workspace';
import { peopleOf } from '../../session/people';
import type { Session } from '../../session/session';
import { stackName } from '../../infra/naming';
import { findStack, outputsOf } from '../../session/stack';
import { describeState, stateOf, todoBefore } from '../../session/stack-states';
import { UserError } from '../../session/user-error';

/** An environment in an AWS account. */
export type AccountEnvironment = Exclude<EnvironmentName, 'local'>;

/** The account, region and caller that the SDK's credential chain found. */
export interface Account {
  id: string;
  /** ARN of the person or role. */
  caller: string;
  region: string;
  /** The value of AWS_ENDPOINT_URL, if set: calls then do not go to AWS. */
  endpoint: string | null;
  connection: Connection;
  clients: Clients;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The region that the SDK finds: AWS_REGION, or the profile's. Throws UserError when there is none. */
async function regionOf(clients: Clients): Promise<string> {
  try {
    return await clients.sts.config.region();
  } catch {
    throw new UserError(
      'No region is set. Set AWS_REGION, such as us-east-1, or add a region to the profile.',
    );
  }
}

/** Finds the caller's account. Throws UserError when the region or the credentials are missing or rejected. */
export async function findAccount({ env }: Pick<Workspace, 'env'>): Promise<Account> {
  const connection = fromEnvironment(env);
  const clients = clientsFor(connection);
  const region = await regionOf(clients);
  try {
    const { Account: id = '', Arn: caller = '' } = await clients.sts.send(
      new GetCallerIdentityCommand({}),
    );
    return { id, caller, region, endpoint: env.AWS_ENDPOINT_URL ?? null, connection, clients };
  } catch (error) {
    throw new UserError(
      `AWS did not accept your credentials (${messageOf(error)}). Sign in as for any AWS tool: with aws sso login and AWS_PROFILE, ` +
        'or with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    );
  }
}

/** `account 123456789012, us-east-1, as arn:…` */
export const describeAccount = ({ id, region, caller, endpoint }: Account): string =>
  `account ${id}, ${region}, as ${caller}${endpoint === null ? '' : ` (AWS_ENDPOINT_URL is ${endpoint})`}`;

/** Opens a session with a deployed environment. It starts no processes, and closing it stops nothing. */
export async function openAccount(
  lake: Pick<Workspace, 'env'>,
  environment: AccountEnvironment,
): Promise<Session> {
  const account = await findAccount(lake);
  return sessionIn(account, environment);
}

/**
 * As `openAccount`, for a known account. A stack after a failed update is used, and `say` gets a warning about it.
 * Throws UserError when the environment does not exist or does not work.
 */
export async function sessionIn(
  account: Account,
  environment: AccountEnvironment,
  say: (line: string) => void = () => undefined,
): Promise<Session> {
  const { clients, connection } = account;
  const stack = await findStack(clients.cloudFormation, stackName(environment, 'Pipeline'));
  const deploy = `npm run deploy -- --env ${environment}`;
  if (!stack) {
    throw new UserError(
      `No sentiment-lake ${environment} in ${describeAccount(account)}. Deploy it: ${deploy}`,
    );
  }
  const { works } = stateOf(stack.StackStatus);
  const first = todoBefore('deploy', stack);
  const outputs = outputsOf(stack);
  if (works === 'no' || !outputs) {
    throw new UserError(
      `sentiment-lake ${environment} does not work: ${describeState(stack)}. ` +
        (first === null ? `Deploy it: ${deploy}` : `First ${first}. Then deploy it: ${deploy}`),
    );
  }
  if (works === 'half')
    say(`warning: ${describeState(stack)}. Some resources may be changed already. Next: ${first}`);
  return {
    environment,
    region: account.region,
    endpoint: account.endpoint,
    connection,
    clients,
    people: peopleOf(connection, clients.sts, outputs, environment),
    outputs,
    usesXStub: false,
    close: async () => undefined,
  };
}
