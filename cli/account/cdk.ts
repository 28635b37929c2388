import { join } from 'node:path';
import { stackName } from '../../infra/naming';
import { run } from '../../embedded/cloud/deploy';
import type { Workspace } from '../../session/workspace';
import { UserError } from '../../session/user-error';
import type { AccountEnvironment } from './session';

/** Limit of one CDK call: building both images may take up to an hour before the rest of the stack. */
const limitMillis = 2 * 3600_000;

interface Place {
  environment: AccountEnvironment;
  context?: string[];
}

/** Runs the CDK CLI for an environment with the person's own credentials. */
function cdk(
  workspace: Workspace,
  { environment, context = [] }: Place,
  verb: 'deploy' | 'destroy' | 'diff',
  stacks: string[],
  options: string[],
  onLine: (line: string) => void,
): Promise<void> {
  const program = join(workspace.root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const contextOptions = [`env=${environment}`, ...context].flatMap((pair) => ['-c', pair]);
  const output = join(workspace.home, `cdk.out-${environment}`);
  return run(
    workspace,
    `cdk ${verb}`,
    process.execPath,
    [
      program,
      '--no-notices',
      '--no-color',
      '--no-version-reporting',
      '--output',
      output,
      ...contextOptions,
      verb,
      ...stacks,
      ...options,
    ],
    {
      ...workspace.env,
      // The CLI reads AWS_REGION only.
      ...(workspace.env.AWS_DEFAULT_REGION &&
        !workspace.env.AWS_REGION && { AWS_REGION: workspace.env.AWS_DEFAULT_REGION }),
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      CDK_DISABLE_VERSION_CHECK: 'true',
      FORCE_COLOR: '0',
    },
    onLine,
    limitMillis,
  );
}

/**
 * Deploys the pipeline and data stacks, or destroys all stacks. `progress` gets the types of the resources in work.
 * The caller must have asked for confirmation. The budget has its own function, `deployBudget`.
 */
export function runCdk(
  workspace: Workspace,
  place: Place,
  verb: 'deploy' | 'destroy',
  progress: (line: string) => void,
): Promise<void> {
  const consent =
    verb === 'deploy' ? ['--require-approval', 'never', '--progress', 'events'] : ['--force'];
  const stacks = verb === 'deploy' ? [stackName(place.environment, 'Pipeline')] : ['--all'];
  return watched(workspace, place, verb, stacks, consent, progress);
}

/**
 * Deploys the budget, last of all. Returns the reason when it cannot. That does not fail the deployment: an account
 * may deny its billing data to roles.
 */
export async function deployBudget(
  workspace: Workspace,
  place: Place,
  progress: (line: string) => void,
): Promise<string | null> {
  const options = ['--exclusively', '--require-approval', 'never', '--progress', 'events'];
  const stacks = [stackName(place.environment, 'Budget')];
  try {
    await watched(workspace, place, 'deploy', stacks, options, progress);
    return null;
  } catch (error) {
    workspace.signal.throwIfAborted();
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/**
 * Runs the CDK; `progress` gets the types of the resources it works on. Throws UserError that begins with the failed
 * resources: the CDK prints AWS's messages far above its last lines, which only name places in the source.
 */
async function watched(
  workspace: Workspace,
  place: Place,
  verb: 'deploy' | 'destroy',
  stacks: string[],
  options: string[],
  progress: (line: string) => void,
): Promise<void> {
  const refused: string[] = [];
  try {
    await cdk(workspace, place, verb, stacks, options, (line) => {
      refused.push(...failedResource(line));
      const resource = /\|\s*(?:CREATE|UPDATE|DELETE)_\w+\s*\|\s*(AWS::\S+|Custom::\S+)/.exec(
        line,
      )?.[1];
      if (resource !== undefined) progress(`cdk ${verb}: ${resource}`);
    });
  } catch (error) {
    if (!(error instanceof UserError) || refused.length === 0) throw error;
    throw new UserError([...new Set(refused), error.message].join('\n'), error.exitCode);
  }
}

/** Turns the CDK's line on a failed resource into `AWS::Events::Rule Schedules/Nightly (…): <AWS's message>`. */
export function failedResource(line: string): string[] {
  const [, type, what] =
    /\|\s*(?:CREATE|UPDATE|DELETE)_FAILED\s*\|\s*(\S+)\s*\|\s*(.+?)\s*$/.exec(line) ?? [];
  return type === undefined || what === undefined ? [] : [`${type} ${what}`];
}

/**
 * The lines in which the CDK shows a deployment's changes of roles, policies and security groups; empty without such
 * changes. Compares templates, because a change set would have to be created in the account.
 */
export async function securityChanges(workspace: Workspace, place: Place): Promise<string[]> {
  const lines: string[] = [];
  await cdk(workspace, place, 'diff', ['--all'], ['--security-only', '--no-change-set'], (line) => {
    lines.push(line);
  });
  return securityTables(lines);
}

const TITLE = /^(?:IAM .+|Security Group) Changes$/;
const ROW = /^\s*[│┌├└]/;

/** Extracts the tables from `cdk diff --security-only`, each with its stack's name. */
export function securityTables(lines: readonly string[]): string[] {
  const found: string[] = [];
  let stack: string | null = null;
  for (const line of lines) {
    if (/^Stack \S/.test(line)) stack = line;
    else if (TITLE.test(line.trim())) {
      if (stack !== null) found.push(stack);
      stack = null;
      found.push(line);
    } else if (ROW.test(line)) found.push(line);
  }
  return found;
}
