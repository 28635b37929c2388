import { join } from 'node:path';
import { stackName } from '../../infra/naming';
import { run } from '../cloud/deploy';
import type { Lake } from '../cloud/lake';
import { UserError } from '../cloud/user-error';
import type { AccountEnvironment } from './session';

/** Both images may be built, for an hour at most, before the rest of the stack. */
const limitMillis = 2 * 3600_000;

interface Place {
  environment: AccountEnvironment;
  context?: string[];
}

/** The stock CDK CLI for an environment, as the person's own credentials let it. */
function cdk(
  lake: Lake,
  { environment, context = [] }: Place,
  verb: 'deploy' | 'destroy' | 'diff',
  stacks: string[],
  options: string[],
  onLine: (line: string) => void,
): Promise<void> {
  const program = join(lake.root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const given = [`env=${environment}`, ...context].flatMap((pair) => ['-c', pair]);
  const output = join(lake.home, `cdk.out-${environment}`);
  return run(
    lake,
    `cdk ${verb}`,
    process.execPath,
    [
      program,
      '--no-notices',
      '--no-color',
      '--no-version-reporting',
      '--output',
      output,
      ...given,
      verb,
      ...stacks,
      ...options,
    ],
    {
      ...lake.env,
      // The CLI knows AWS_REGION only.
      ...(lake.env.AWS_DEFAULT_REGION &&
        !lake.env.AWS_REGION && { AWS_REGION: lake.env.AWS_DEFAULT_REGION }),
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      CDK_DISABLE_VERSION_CHECK: 'true',
      FORCE_COLOR: '0',
    },
    onLine,
    limitMillis,
  );
}

/**
 * Deploys the pipeline and what it stands on, or destroys all stacks; `progress` gets resource types. Whether it may is
 * asked before, by who calls. The budget is `deployBudget`'s.
 */
export function runCdk(
  lake: Lake,
  place: Place,
  verb: 'deploy' | 'destroy',
  progress: (line: string) => void,
): Promise<void> {
  const consent =
    verb === 'deploy' ? ['--require-approval', 'never', '--progress', 'events'] : ['--force'];
  const stacks = verb === 'deploy' ? [stackName(place.environment, 'Pipeline')] : ['--all'];
  return cdk(lake, place, verb, stacks, consent, resourcesIn(verb, progress));
}

/**
 * Deploys the budget, after all else. Answers why it could not, which is no failure of the deployment: an account may
 * close its billing data to roles.
 */
export async function deployBudget(
  lake: Lake,
  place: Place,
  progress: (line: string) => void,
): Promise<string | null> {
  const options = ['--exclusively', '--require-approval', 'never', '--progress', 'events'];
  const stacks = [stackName(place.environment, 'Budget')];
  try {
    await cdk(lake, place, 'deploy', stacks, options, resourcesIn('deploy', progress));
    return null;
  } catch (error) {
    lake.signal.throwIfAborted();
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Hands on the types of the resources that the CDK's lines of progress name. */
const resourcesIn =
  (verb: 'deploy' | 'destroy', progress: (line: string) => void) =>
  (line: string): void => {
    const resource = /\|\s*(?:CREATE|UPDATE|DELETE)_\w+\s*\|\s*(AWS::\S+|Custom::\S+)/.exec(
      line,
    )?.[1];
    if (resource !== undefined) progress(`cdk ${verb}: ${resource}`);
  };

/**
 * What a deployment would change in roles, policies and security groups, as the CDK prints it; no line where it would
 * change nothing of that. Compares templates: a change set would be made in the account only to be looked at.
 */
export async function securityChanges(lake: Lake, place: Place): Promise<string[]> {
  const lines: string[] = [];
  await cdk(lake, place, 'diff', ['--all'], ['--security-only', '--no-change-set'], (line) => {
    lines.push(line);
  });
  return securityTables(lines);
}

const TITLE = /^(?:IAM .+|Security Group) Changes$/;
const ROW = /^\s*[│┌├└]/;

/** The tables of `cdk diff --security-only`, and which stacks they are of. */
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
