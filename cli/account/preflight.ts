import { ListEndpointsCommand } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import type { Settings } from '../../infra/config';
import { stackName } from '../../infra/naming';
import { findStack, isWhole } from '../../session/stack';
import { describeState, stateOf, todoBefore } from '../../session/stack-states';
import { callAws } from './aws-json';
import { bucketChecks } from './bucket';
import type { Finding } from './finding';
import { neededQuotas, quotaServices, quotasOf, type QuotaService } from './quotas';
import type { Account, AccountEnvironment } from './session';

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

/** Quotas that are too small are errors, or warnings where the pipeline goes on without; those that cannot be read are said, and not guessed. */
export function quotaFindings(
  quotas: ReadonlyMap<string, number>,
  settings: Pick<Settings, 'training' | 'endpoint'>,
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
          what: `the quota "${quota}" is not listed: it was not checked`,
          where,
          todo: `see that it is ${least} or more`,
        },
      ];
    }
    const [name, value] = found;
    if (value >= least) return [];
    const ask = `ask for ${least} there: it takes hours to days`;
    return [
      fallback === null
        ? {
            level: 'error',
            what: `the quota "${name}" is ${value}; ${least} is needed`,
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
        todo: `servicequotas:ListServiceQuotas is needed; look up by hand: ${neededQuotas(settings)
          .filter((need) => need.service === service)
          .map(({ quota, least }) => `"${quota}" (${least})`)
          .join(', ')}`,
      },
    ];
  }
}

/** A budget is not needed: its stack is the last one, and a refusal of it takes nothing else down. */
async function budgetFindings(
  account: Account,
  { monthlyBudgetUsd }: Pick<Settings, 'monthlyBudgetUsd'>,
): Promise<Finding[]> {
  if (monthlyBudgetUsd === null) return [];
  try {
    await callAws(account, 'budgets', 'DescribeBudgets', { AccountId: account.id }, z.unknown());
    return [];
  } catch (error) {
    return [
      {
        level: 'warning',
        what: `the budgets of the account could not be read, and may be refused to the deployment as well: ${messageOf(error)}`,
        where: `AWS Budgets, account ${account.id}`,
        todo: 'see docs/deploy.md, Watching it: its root user may have to activate IAM access to billing information; all but the budget is deployed either way',
      },
    ];
  }
}

const DefaultPermissions = z
  .array(
    z.looseObject({
      Principal: z.looseObject({ DataLakePrincipalIdentifier: z.string().optional() }).optional(),
      Permissions: z.array(z.string()).default([]),
    }),
  )
  .default([]);
const DataLakeSettings = z.object({
  DataLakeSettings: z.looseObject({
    CreateDatabaseDefaultPermissions: DefaultPermissions,
    CreateTableDefaultPermissions: DefaultPermissions,
  }),
});
export type DataLakeSettings = z.infer<typeof DataLakeSettings>;

/** IAM decides alone over a new database or table where Lake Formation gives all of it to whomever IAM lets in. */
export function catalogFindings(
  { DataLakeSettings: settings }: DataLakeSettings,
  region: string,
): Finding[] {
  const closed = (['Database', 'Table'] as const).filter(
    (kind) =>
      !settings[`Create${kind}DefaultPermissions`].some(
        ({ Principal, Permissions }) =>
          Principal?.DataLakePrincipalIdentifier === 'IAM_ALLOWED_PRINCIPALS' &&
          Permissions.includes('ALL'),
      ),
  );
  if (closed.length === 0) return [];
  return [
    {
      level: 'warning',
      what: `Lake Formation gives nobody a new ${closed.join(' or ').toLowerCase()} of the catalog: the lake's roles could read none, whatever IAM lets them`,
      where: `Lake Formation, Data Catalog settings, ${region}`,
      todo: 'before the first deployment, choose "Use only IAM access control" for new databases and for new tables in new databases; after it, grant the roles of the lake SELECT and DESCRIBE there, and those of jobs and functions ALTER, too',
    },
  ];
}

async function lakeFormationFindings(account: Account): Promise<Finding[]> {
  try {
    const settings = await callAws(
      account,
      'lakeformation',
      'GetDataLakeSettings',
      {},
      DataLakeSettings,
    );
    return catalogFindings(settings, account.region);
  } catch (error) {
    return [
      {
        level: 'warning',
        what: `the settings of Lake Formation were not checked: ${messageOf(error)}`,
        where: account.region,
        todo: 'lakeformation:GetDataLakeSettings is needed; nothing, unless the organization governs its catalog by Lake Formation',
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
    findingsOfQuotas(account, settings, 'sagemaker'),
    findingsOfQuotas(account, settings, 'codebuild'),
    budgetFindings(account, settings),
    lakeFormationFindings(account),
  ]);
  return [...found.flat(), ...imageFindings(settings), ...peopleFindings(settings)];
}
