import { highestPrice, postsAndAuthors } from '../../functions/x/price';
import { settingsFor, type EnvironmentName, type Settings } from '../../infra/config';
import { stackName } from '../../infra/naming';
import { dollars, total } from '../costs/money';
import { hostingCost } from '../costs/night';
import { standingCosts } from '../costs/standing';
import { commandFor } from '../hints';
import type { Screen } from '../screen';
import type { Workspace } from '../../session/workspace';
import type { Session } from '../../session/session';
import { findStack } from '../../session/stack';
import { UserError } from '../../session/user-error';
import { confirm } from './ask';
import { deployBudget, runCdk, securityChanges } from './cdk';
import { describeFinding, type Finding } from './finding';
import { preflight } from './preflight';
import {
  describeAccount,
  findAccount,
  sessionIn,
  type Account,
  type AccountEnvironment,
} from './session';
import {
  howToStore,
  refusalOfX,
  shapeProblem,
  storedToken,
  tokenCheckCost,
  wasTokenStored,
} from './token';

const xHost = 'api.x.com';

interface DeployOptions {
  environment: AccountEnvironment;
  /** Asks nothing. */
  yes: boolean;
  /** Whether X may be asked for one page of posts, which costs. */
  checkToken: boolean;
  /** `name=value`, for the CDK. */
  context: string[];
}

/** The settings of an environment with what `-c name=value` changes: the checks look at what is deployed. */
export function settingsWith({
  environment,
  context,
}: {
  environment: EnvironmentName;
  context: readonly string[];
}): Settings {
  const valueOf = (name: string) =>
    context.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return settingsFor(environment, {
    xApiBaseUrl: valueOf('xApiBaseUrl'),
    torchIndexUrl: valueOf('torchIndexUrl'),
    settings: valueOf('settings'),
    bucketName: valueOf('bucketName'),
  });
}

/** Checks the stored token's shape and, with `askX`, sends one request to X with it. */
async function tokenFindings(
  session: Session,
  settings: Settings,
  askX: boolean,
): Promise<Finding[]> {
  // A server other than X's needs no token from X.
  if (new URL(settings.x.apiBaseUrl).hostname !== xHost) return [];
  const where = `secret ${session.outputs.TokenSecretArn}`;
  let token: string;
  try {
    token = await storedToken(session);
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('AccessDenied'))
      return unreadFindings(session, where, askX);
    const reason = error instanceof Error ? error.message : String(error);
    return [
      {
        level: 'warning',
        what: `X's token was not checked: ${reason}`,
        where,
        todo: 'to check it, you need secretsmanager:GetSecretValue',
      },
    ];
  }
  const problem = shapeProblem(token);
  if (problem !== null) {
    return [
      {
        level: 'warning',
        what: `the text stored as X's token ${problem}: a run would fail with XAuthenticationFailed`,
        where,
        todo: howToStore(session),
      },
    ];
  }
  if (!askX) return [];
  const refusal = await refusalOfX(token, settings);
  return refusal === null
    ? []
    : [
        {
          level: 'error',
          what: `X rejected the token: ${refusal}`,
          where,
          todo: howToStore(session),
        },
      ];
}

/** Checks the token for a person who may not read it: only whether one was stored. */
async function unreadFindings(session: Session, where: string, askX: boolean): Promise<Finding[]> {
  if (!(await wasTokenStored(session)))
    return [
      {
        level: 'warning',
        what: "X's token was not stored yet: a run would fail with XAuthenticationFailed",
        where,
        todo: howToStore(session),
      },
    ];
  if (!askX) return [];
  return [
    {
      level: 'warning',
      what: 'the token was not tested with X: only the ingest and root may read it',
      where,
      todo: 'start the first run: it fails with XAuthenticationFailed if X rejects the token',
    },
  ];
}

/**
 * Throws UserError when the deployer could not change the deployment later: the policies of buckets and secrets allow
 * changes only by CloudFormation's role and root.
 */
export function mustStayChangeable(
  { caller }: Pick<Account, 'caller'>,
  { context }: Pick<DeployOptions, 'context'>,
): void {
  if (!context.includes('deployAs=caller') || caller.endsWith(':root')) return;
  throw new UserError(
    `-c deployAs=caller would deploy as ${caller}, who could not change the lake's buckets and secrets later: their policies allow that only to root and to CloudFormation's role from cdk bootstrap. Leave the option out: the roles from cdk bootstrap then deploy.`,
  );
}

function report(screen: Screen, findings: Finding[]): void {
  for (const finding of findings) screen.say(describeFinding(finding));
  const errors = findings.filter(({ level }) => level === 'error').length;
  if (errors > 0) throw new UserError(`Not deployed: fix the ${errors} errors above first.`);
}

function sayNext(
  screen: Screen,
  { environment, outputs }: Session,
  { nightly }: Pick<Settings, 'nightly'>,
): void {
  for (const [name, value] of Object.entries(outputs)) screen.say(`  ${name.padEnd(16)} ${value}`);
  screen.say();
  screen.say(
    `Next:  ${commandFor(environment, 'npm run lake -- import-labels --bundled')}   a first model needs human labels`,
  );
  screen.say(
    `       ${commandFor(environment, 'npm run lake -- run')}                       the first run`,
  );
  screen.say(
    `       ${commandFor(environment, 'npm run verify --')}                            a tiny run, then checks of the account`,
  );
  screen.say(
    `       ${commandFor(environment, 'npm run destroy --')}                           deletes it, but keeps the data`,
  );
  screen.say(
    nightly.enabled
      ? `It runs on a schedule: ${nightly.cron} (UTC).`
      : 'It has no schedule. To give it one, set nightly.enabled in infra/config.ts.',
  );
}

/** A sentence on what the lake costs a month even if it never runs. */
function describeStanding(settings: Settings): string {
  const { endpoint } = settings;
  const idle = `It costs about ${dollars(total(standingCosts(settings)))} a month while nothing runs`;
  if (endpoint.kind === 'serverless') return `${idle}. Each run costs extra: docs/deploy.md.`;
  const { how, usd } = hostingCost(endpoint);
  return `${idle}. Once a model is promoted, its real-time endpoint adds ${usd === 0 ? 'a price per hour' : `${dollars(usd)} a day`} (${how}), used or not: docs/deploy.md.`;
}

/** Shows how a later deployment would change permissions and asks for confirmation; asks nothing without changes. */
async function confirmSecurity(
  workspace: Workspace,
  screen: Screen,
  command: DeployOptions,
): Promise<void> {
  const started = Date.now();
  screen.live('cdk diff: changes of roles and policies', started);
  const changes = await securityChanges(workspace, command);
  screen.rest();
  if (changes.length === 0) return;
  for (const line of changes) screen.say(line);
  await confirm(
    `This deployment changes permissions in ${command.environment}. Deploy?`,
    command.yes,
    workspace.signal,
  );
}

/**
 * `npm run deploy`: checks the account, asks before a first deployment and before roles change, deploys, and prints the
 * next steps. Returns the exit status.
 */
export async function deployTo(
  workspace: Workspace,
  screen: Screen,
  command: DeployOptions,
): Promise<number> {
  const { environment } = command;
  const settings = settingsWith(command);
  const account = await findAccount(workspace);
  screen.say(`${environment}: ${describeAccount(account)}`);
  mustStayChangeable(account, command);
  const existing = await findStack(account.clients.cloudFormation, stackName(environment, 'Data'));
  if (command.checkToken)
    screen.say(`--check-token sends X one request: ${tokenCheckCost(settings)}.`);
  const token = existing
    ? await sessionIn(account, environment).then(
        (session) => tokenFindings(session, settings, command.checkToken),
        // An interrupted deployment has no outputs yet: this one continues it.
        (error: unknown) => (error instanceof UserError ? [] : Promise.reject(error)),
      )
    : [];
  report(screen, [...(await preflight(account, environment, settings)), ...token]);
  if (!existing) {
    screen.say(describeStanding(settings));
    await confirm(
      `Deploy sentiment-lake ${environment} into this account for the first time?`,
      command.yes,
      workspace.signal,
    );
  } else await confirmSecurity(workspace, screen, command);

  const started = Date.now();
  if (!screen.isTerminal)
    screen.say('cdk deploy: CodeBuild builds two images, about ten minutes the first time …');
  await runCdk(workspace, command, 'deploy', (line) => screen.live(line, started));
  const noBudget =
    settings.monthlyBudgetUsd === null
      ? null
      : await deployBudget(workspace, command, (line) => screen.live(line, started));
  screen.rest();
  const session = await sessionIn(account, environment);
  screen.say(
    `Deployed in ${Math.round((Date.now() - started) / 1000)} s. A run reads at most ${postsAndAuthors(settings.x, `${settings.x.maxTweetsPerRun} posts`)}: ${dollars(highestPrice(settings.x, settings.x.maxTweetsPerRun))} at X.`,
  );
  screen.say(describeStanding(settings));
  if (noBudget !== null)
    screen.say(
      `warning: everything but the monthly budget was deployed. Nobody is notified when AWS costs more than $${settings.monthlyBudgetUsd} a month. ` +
        `The account's root user may have to activate IAM access to billing information: docs/deploy.md. ${noBudget}`,
    );
  for (const finding of existing ? [] : await tokenFindings(session, settings, command.checkToken))
    screen.say(describeFinding(finding));
  sayNext(screen, session, settings);
  return 0;
}
