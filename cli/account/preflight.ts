import { BudgetsClient, DescribeBudgetsCommand } from '@aws-sdk/client-budgets';
import {
  GetDataLakeSettingsCommand,
  LakeFormationClient,
  type DataLakeSettings,
} from '@aws-sdk/client-lakeformation';
import { ListEndpointsCommand } from '@aws-sdk/client-sagemaker';
import type { Settings } from '../../infra/config';
import { stackName } from '../../infra/naming';
import { clientConfig } from '../../session/clients';
import { findStack, isWhole } from '../../session/stack';
import { describeState, stateOf, todoBefore } from '../../session/stack-states';
import { bucketChecks } from './bucket';
import type { Finding } from './finding';
import { neededQuotas, quotaServices, quotasOf, type QuotaService } from './quotas';
import type { Account, AccountEnvironment } from './session';

/** The lowest version of `cdk bootstrap` with which our CDK version can publish assets. */
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
        ? `cdk bootstrap has version ${version}, but ${leastBootstrap} is needed (${describeState(stack)})`
        : 'cdk bootstrap was never run in this account and region',
      where: `stack CDKToolkit, account ${id}, ${region}`,
      todo: first ? `${first}; then ${again}` : again,
    },
  ];
}

/** Finds stack states that prevent a deployment. A failed creation is a warning, because the deployment deletes it. */
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
      ? [{ level: 'warning', ...finding, todo: 'nothing: the deployment starts again' }]
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
        todo: 'choose a region that has SageMaker (AWS_REGION), or get the permission sagemaker:ListEndpoints',
      },
    ];
  }
}

/**
 * Finds quotas that are too small: errors, or warnings if the pipeline works without them. A quota that cannot be read
 * is a warning.
 */
export function quotaFindings(
  quotas: ReadonlyMap<string, number>,
  settings: Pick<Settings, 'training' | 'endpoint' | 'scoring'>,
  service: QuotaService,
  region: string,
): Finding[] {
  const needs = neededQuotas(settings).filter((need) => need.service === service);
  return needs.flatMap(({ quota, matches, least, fallback, isNameSure }): Finding[] => {
    const found = [...quotas].find(([name]) => matches(name));
    const where = `Service Quotas, ${quotaServices[service]}, ${region}`;
    if (!found) {
      if (!isNameSure) return [];
      return [
        {
          level: 'warning',
          what: `the quota "${quota}" was not checked: Service Quotas does not list it`,
          where,
          todo: `make sure that it is at least ${least}`,
        },
      ];
    }
    const [name, value] = found;
    if (value >= least) return [];
    const ask = `request ${least} there: it takes hours to days`;
    return [
      fallback === null
        ? {
            level: 'error',
            what: `the quota "${name}" is ${value}, but ${least} is needed`,
            where,
            todo: ask,
          }
        : {
            level: 'warning',
            what: `the quota "${name}" is ${value}: ${fallback}`,
            where,
            todo: `nothing, or ${ask}`,
          },
    ];
  });
}

async function findingsOfQuotas(
  account: Account,
  settings: Settings,
  service: QuotaService,
): Promise<Finding[]> {
  try {
    return quotaFindings(await quotasOf(account, service), settings, service, account.region);
  } catch (error) {
    return [
      {
        level: 'warning',
        what: `the quotas of ${quotaServices[service]} were not checked: ${messageOf(error)}`,
        where: `Service Quotas, ${account.region}`,
        todo: `get the permission servicequotas:ListServiceQuotas, or check them yourself: ${neededQuotas(
          settings,
        )
          .filter((need) => need.service === service)
          .map(({ quota, least }) => `"${quota}" (${least})`)
          .join(', ')}`,
      },
    ];
  }
}

/** Checks whether a budget can be created. Only warns: its stack comes last, and its failure affects nothing else. */
async function budgetFindings(
  account: Account,
  { monthlyBudgetUsd }: Pick<Settings, 'monthlyBudgetUsd'>,
): Promise<Finding[]> {
  if (monthlyBudgetUsd === null) return [];
  try {
    const client = new BudgetsClient(clientConfig(account.connection));
    await client.send(new DescribeBudgetsCommand({ AccountId: account.id }));
    return [];
  } catch (error) {
    return [
      {
        level: 'warning',
        what: `the account's budgets could not be read, so the deployment may fail to create one: ${messageOf(error)}`,
        where: `AWS Budgets, account ${account.id}`,
        todo: "see docs/deploy.md, Watching it: the account's root user may have to activate IAM access to billing information. Everything else is deployed either way",
      },
    ];
  }
}

/** Warns when Lake Formation would deny the lake's roles new databases or tables that IAM allows them. */
export function catalogFindings(settings: DataLakeSettings, region: string): Finding[] {
  const closed = (['Database', 'Table'] as const).filter(
    (kind) =>
      !settings[`Create${kind}DefaultPermissions`]?.some(
        ({ Principal, Permissions = [] }) =>
          Principal?.DataLakePrincipalIdentifier === 'IAM_ALLOWED_PRINCIPALS' &&
          Permissions.includes('ALL'),
      ),
  );
  if (closed.length === 0) return [];
  return [
    {
      level: 'warning',
      what: `Lake Formation controls each new ${closed.join(' or ').toLowerCase()} of the catalog: the lake's roles could not read them, even with IAM permissions`,
      where: `Lake Formation, Data Catalog settings, ${region}`,
      todo: 'before the first deployment, choose "Use only IAM access control" for new databases and for new tables in new databases. After it, grant the lake\'s roles SELECT and DESCRIBE there, and the roles of jobs and functions ALTER, too',
    },
  ];
}

async function lakeFormationFindings(account: Account): Promise<Finding[]> {
  try {
    const client = new LakeFormationClient(clientConfig(account.connection));
    const { DataLakeSettings = {} } = await client.send(new GetDataLakeSettingsCommand({}));
    return catalogFindings(DataLakeSettings, account.region);
  } catch (error) {
    return [
      {
        level: 'warning',
        what: `Lake Formation's settings were not checked: ${messageOf(error)}`,
        where: account.region,
        todo: 'nothing, unless your organization uses Lake Formation. To check it, you need lakeformation:GetDataLakeSettings',
      },
    ];
  }
}

/** Warns about a training image with CUDA. It works but costs more: each training pulls it, and ECR stores it. */
export function imageFindings({ torchIndexUrl }: Pick<Settings, 'torchIndexUrl'>): Finding[] {
  if (torchIndexUrl !== null) return [];
  return [
    {
      level: 'warning',
      what: 'the training image will contain CUDA: several GB that our instances do not use',
      where: 'torchIndexUrl, infra/config.ts',
      todo: 'set PyTorch\'s index of CPU packages there, or with -c torchIndexUrl=<address>. PyTorch\'s "Get started" page shows it (Linux, Pip, CPU)',
    },
  ];
}

/** Warns about roles that nobody may assume: their commands fail for everyone, even the account's administrators. */
export function peopleFindings({ people }: Pick<Settings, 'people'>): Finding[] {
  const nobody = Object.entries(people).flatMap(([kind, who]) => (who.length === 0 ? [kind] : []));
  if (nobody.length === 0) return [];
  return [
    {
      level: 'warning',
      what: `nobody may assume the roles of ${nobody.join(', ')}: the commands that need them fail for everyone`,
      where: 'people, infra/config.ts',
      todo: 'list the ARNs of roles or users there. docs/permissions.md, "People and commands", says who needs which',
    },
  ];
}

/** Runs all checks that are possible before a deployment, in parallel. */
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
    findingsOfQuotas(account, settings, 'sagemaker'),
    findingsOfQuotas(account, settings, 'codebuild'),
    budgetFindings(account, settings),
    lakeFormationFindings(account),
  ]);
  return [...found.flat(), ...imageFindings(settings), ...peopleFindings(settings)];
}
