import { join } from 'node:path';
import { run } from '../cloud/deploy';
import type { Lake } from '../cloud/lake';
import type { AccountEnvironment } from './session';

/** Both images may be built, for an hour at most, before the rest of the stack. */
const limitMillis = 2 * 3600_000;

/** The stock CDK CLI for an environment, as the person's own credentials let it. `progress` gets resource types. */
export async function runCdk(
  lake: Lake,
  { environment, context = [] }: { environment: AccountEnvironment; context?: string[] },
  verb: 'deploy' | 'destroy',
  progress: (line: string) => void,
): Promise<void> {
  const cdk = join(lake.root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const given = [`env=${environment}`, ...context].flatMap((pair) => ['-c', pair]);
  const consent =
    verb === 'deploy' ? ['--require-approval', 'never', '--progress', 'events'] : ['--force'];
  const output = join(lake.home, `cdk.out-${environment}`);
  await run(
    lake,
    `cdk ${verb}`,
    process.execPath,
    [
      cdk,
      '--no-notices',
      '--no-color',
      '--no-version-reporting',
      '--output',
      output,
      ...given,
      verb,
      '--all',
      ...consent,
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
    (line) => {
      const resource = /\|\s*(?:CREATE|UPDATE|DELETE)_\w+\s*\|\s*(AWS::\S+|Custom::\S+)/.exec(
        line,
      )?.[1];
      if (resource !== undefined) progress(`cdk ${verb}: ${resource}`);
    },
    limitMillis,
  );
}
