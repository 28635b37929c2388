import { ListEndpointsCommand } from '@aws-sdk/client-sagemaker';
import type { Settings } from '../../infra/config';
import { stackName } from '../../infra/naming';
import { findStack, isWhole } from '../cloud/stack';
import { describeState, stateOf, todoBefore } from '../cloud/stack-states';
import { bucketChecks } from './bucket';
import { neededQuotas, sageMakerQuotas } from './quotas';
import type { Account, AccountEnvironment } from './session';

/** What stands in the way of a deployment, or will stand in the way of its first night. */
export interface Finding {
  /** An error ends the deployment before it begins. */
  level: 'error' | 'warning';
  what: string;
  where: string;
  todo: string;
}

/** The version of `cdk bootstrap` that today's CDK publishes assets with. */
const leastBootstrap = 6;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

async function bootstrapFindings({ clients, id, region }: Account): Promise<Finding[]> {
  const stack = await findStack(clients.cloudFormation, 'CDKToolkit');
  const version = Number(
    stack?.Outputs?.find(({ OutputKey }) => OutputKey === 'BootstrapVersion')?.OutputValue ?? 0,
  );
  if (isWhole(stack?.StackStatus) && version >= leastBootstrap) return [];
  const first = stack && todoBefore('deploy', stack);
  const again = `npx cdk bootstrap aws://${id}/${region}`;
  return [
    {
      level: 'error',
      what: stack
        ? `cdk bootstrap has version ${version}, and ${leastBootstrap} is needed (${describeState(stack)})`
        : 'the CDK was never bootstrapped here',
      where: `stack CDKToolkit, account ${id}, ${region}`,
      todo: first ? `${first}; then ${again}` : again,
    },
  ];
}

/** What the stacks' states are in the way of; a creation that failed is said, since the deployment deletes it. */
export function stateFindings(
  stacks: readonly { StackName?: string; StackStatus?: string }[],
  place: string,
): Finding[] {
  return stacks.flatMap((stack): Finding[] => {
    const { StackName, StackStatus } = stack;
    const finding = { what: describeState(stack), where: `stack ${StackName}, ${place}` };
    const todo = todoBefore('deploy', stack);
    if (todo !== null) return [{ level: 'error', ...finding, todo }];
    return stateOf(StackStatus).works === 'no'
      ? [{ level: 'warning', ...finding, todo: 'nothing: the deployment begins anew' }]
      : [];
  });
}

async function stacksOf(
  { clients, region }: Account,
  environment: AccountEnvironment,
): Promise<Finding[]> {
  const names = [stackName(environment, 'Data'), stackName(environment, 'Pipeline')];
  const found = await Promise.all(names.map((name) => findStack(clients.cloudFormation, name)));
  return stateFindings(
    found.filter((stack) => stack !== undefined),
    region,
  );
}

async function regionFindings({ clients, region }: Account): Promise<Finding[]> {
  try {
    await clients.sageMaker.send(new ListEndpointsCommand({ MaxResults: 1 }));
    return [];
  } catch (error) {
    return [
      {
        level: 'error',
        what: `SageMaker does not answer: ${messageOf(error)}`,
        where: region,
        todo: 'choose a region that has SageMaker (AWS_REGION), or ask for sagemaker:ListEndpoints',
      },
    ];
  }
}

/** Quotas that are too small are errors; those that cannot be read are said, and not guessed. */
export function quotaFindings(
  quotas: ReadonlyMap<string, number>,
  settings: Pick<Settings, 'training' | 'endpoint'>,
  region: string,
): Finding[] {
  return neededQuotas(settings).flatMap(({ quota, matches, least }): Finding[] => {
    const found = [...quotas].find(([name]) => matches(name));
    const where = `Service Quotas, Amazon SageMaker, ${region}`;
    if (!found) {
      return [
        {
          level: 'warning',
          what: `the quota "${quota}" is not listed: it was not checked`,
          where,
          todo: `see that it is ${least} or more`,
        },
      ];
    }
    const [name, value] = found;
    if (value >= least) return [];
    return [
      {
        level: 'error',
        what: `the quota "${name}" is ${value}; ${least} is needed`,
        where,
        todo: `ask for ${least} there: it takes hours to days`,
      },
    ];
  });
}

async function quotasOf(account: Account, settings: Settings): Promise<Finding[]> {
  try {
    return quotaFindings(await sageMakerQuotas(account), settings, account.region);
  } catch (error) {
    return [
      {
        level: 'warning',
        what: `the quotas of SageMaker were not checked: ${messageOf(error)}`,
        where: `Service Quotas, ${account.region}`,
        todo: `servicequotas:ListServiceQuotas is needed; look up by hand: ${neededQuotas(settings)
          .map(({ quota, least }) => `"${quota}" (${least})`)
          .join(', ')}`,
      },
    ];
  }
}

/** A training image with CUDA works, and costs: each training pulls it, and ECR keeps it. */
export function imageFindings({ torchIndexUrl }: Pick<Settings, 'torchIndexUrl'>): Finding[] {
  if (torchIndexUrl !== null) return [];
  return [
    {
      level: 'warning',
      what: 'the training image will carry CUDA, several GB that no instance here uses',
      where: 'torchIndexUrl, infra/config.ts',
      todo: 'name PyTorch\'s index of CPU files there, or by -c torchIndexUrl=<address>: its "Get started" page has it (Linux, Pip, CPU)',
    },
  ];
}

/** Roles that nobody may take on: commands are refused to everybody, an administrator of the account included. */
export function peopleFindings({ people }: Pick<Settings, 'people'>): Finding[] {
  const nobody = Object.entries(people).flatMap(([kind, who]) => (who.length === 0 ? [kind] : []));
  if (nobody.length === 0) return [];
  return [
    {
      level: 'warning',
      what: `nobody may take on the roles of ${nobody.join(', ')}: what the command line does as them is refused to everybody`,
      where: 'people, infra/config.ts',
      todo: 'name roles or users there by their ARNs: docs/permissions.md, "People and commands", says who needs which',
    },
  ];
}

/** Everything that can be known before a deployment, all at once. */
export async function preflight(
  account: Account,
  environment: AccountEnvironment,
  settings: Settings,
): Promise<Finding[]> {
  const found = await Promise.all([
    bootstrapFindings(account),
    stacksOf(account, environment),
    bucketChecks(account, environment, settings.bucketName),
    regionFindings(account),
    quotasOf(account, settings),
  ]);
  return [...found.flat(), ...imageFindings(settings), ...peopleFindings(settings)];
}

/** `error: what (where): todo` */
export const describeFinding = ({ level, what, where, todo }: Finding): string =>
  `${level}: ${what}\n    where: ${where}\n    do:    ${todo}`;
