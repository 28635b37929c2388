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
  const given = (name: string) =>
    context.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return settingsFor(environment, {
    xApiBaseUrl: given('xApiBaseUrl'),
    torchIndexUrl: given('torchIndexUrl'),
    settings: given('settings'),
    bucketName: given('bucketName'),
  });
}

/** What is wrong with the stored token: its shape, and with `askX` what X says of it. */
async function tokenFindings(
  session: Session,
  settings: Settings,
  askX: boolean,
): Promise<Finding[]> {
  // Another server than X's needs no token of X's.
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
        todo: 'secretsmanager:GetSecretValue is needed to look at it',
      },
    ];
  }
  const problem = shapeProblem(token);
  if (problem !== null) {
    return [
      {
        level: 'warning',
        what: `the text stored for X ${problem}: a night would end with XAuthenticationFailed`,
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
          what: `X refuses the token: ${refusal}`,
          where,
          todo: howToStore(session),
        },
      ];
}

/** What can be said of a token by somebody whom the secret's policy does not let read it. */
async function unreadFindings(session: Session, where: string, askX: boolean): Promise<Finding[]> {
  if (!(await wasTokenStored(session)))
    return [
      {
        level: 'warning',
        what: "nobody has stored X's token yet: a night would end with XAuthenticationFailed",
        where,
        todo: howToStore(session),
      },
    ];
  if (!askX) return [];
  return [
    {
      level: 'warning',
      what: 'X was not asked about the token: only the ingest and root may read it',
      where,
      todo: 'The first run shows whether X takes it: it ends with XAuthenticationFailed if not',
    },
  ];
}

/** Throws UserError where a deployment could not be changed any more: the policies of buckets and secrets know two principals. */
export function mustStayChangeable(
  { caller }: Pick<Account, 'caller'>,
  { context }: Pick<DeployOptions, 'context'>,
): void {
  if (!context.includes('deployAs=caller') || caller.endsWith(':root')) return;
  throw new UserError(
    `-c deployAs=caller would deploy as ${caller}, which could not change the lake's buckets and secrets afterwards: their policies let CloudFormation's role of cdk bootstrap do that, and root. Leave it out, and let the roles of cdk bootstrap deploy.`,
  );
}

function report(screen: Screen, findings: Finding[]): void {
  for (const finding of findings) screen.say(describeFinding(finding));
  const errors = findings.filter(({ level }) => level === 'error').length;
  if (errors > 0) throw new UserError(`Not deployed: ${errors} of these must be put right first.`);
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
    `       ${commandFor(environment, 'npm run lake -- run')}                       the first night`,
  );
  screen.say(
    `       ${commandFor(environment, 'npm run verify --')}                            a tiny night, and what only an account can show`,
  );
  screen.say(
    `       ${commandFor(environment, 'npm run destroy --')}                           takes it down; the data stay`,
  );
  screen.say(
    nightly.enabled
      ? `It starts by itself: ${nightly.cron} (UTC).`
      : 'It does not start by itself: nightly.enabled in infra/config.ts.',
  );
}

/** What the lake costs a month even if it never runs. */
function describeStanding(settings: Settings): string {
  const { endpoint } = settings;
  const idle = `It costs about ${dollars(total(standingCosts(settings)))} a month while nothing runs`;
  if (endpoint.kind === 'serverless') return `${idle}, and each night on top: docs/deploy.md.`;
  const { how, usd } = hostingCost(endpoint);
  return `${idle}; once a model is promoted, its real-time endpoint costs ${usd === 0 ? 'by the hour' : `${dollars(usd)} a day`} on top (${how}), asked or not: docs/deploy.md.`;
}

/** Shows what a later deployment would change in who may do what, and asks; no question where it changes nothing. */
async function confirmSecurity(
  workspace: Workspace,
  screen: Screen,
  command: DeployOptions,
): Promise<void> {
  const started = Date.now();
  screen.live('cdk diff: what would change in roles and policies', started);
  const changes = await securityChanges(workspace, command);
  screen.rest();
  if (changes.length === 0) return;
  for (const line of changes) screen.say(line);
  await confirm(
    `This deployment changes who may do what in ${command.environment}. Deploy?`,
    command.yes,
    workspace.signal,
  );
}

/** `npm run deploy`: checks what can be known before, asks before a first deployment and before roles change, deploys, says what is next. */
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
  if (command.checkToken) screen.say(`--check-token asks X once: ${tokenCheckCost(settings)}.`);
  const token = existing
    ? await sessionIn(account, environment).then(
        (session) => tokenFindings(session, settings, command.checkToken),
        // A deployment that broke off has no outputs yet: it goes on here.
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
    screen.say('cdk deploy: CodeBuild builds two images, ten minutes or so the first time …');
  await runCdk(workspace, command, 'deploy', (line) => screen.live(line, started));
  const noBudget =
    settings.monthlyBudgetUsd === null
      ? null
      : await deployBudget(workspace, command, (line) => screen.live(line, started));
  screen.rest();
  const session = await sessionIn(account, environment);
  screen.say(
    `Deployed in ${Math.round((Date.now() - started) / 1000)} s. A night reads ${postsAndAuthors(settings.x, `${settings.x.maxTweetsPerRun} posts`)} at most: ${dollars(highestPrice(settings.x, settings.x.maxTweetsPerRun))} at X.`,
  );
  screen.say(describeStanding(settings));
  if (noBudget !== null)
    screen.say(
      `warning: the monthly budget was not deployed; all else was. Nobody is told when AWS costs more than $${settings.monthlyBudgetUsd} a month. ` +
        `The account's root user may have to switch on IAM access to billing information: docs/deploy.md. ${noBudget}`,
    );
  for (const finding of existing ? [] : await tokenFindings(session, settings, command.checkToken))
    screen.say(describeFinding(finding));
  sayNext(screen, session, settings);
  return 0;
}
