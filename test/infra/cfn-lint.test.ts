import { spawnSync } from 'node:child_process';
import { EnvironmentName } from '../../infra/config';
import { inRepository } from '../../infra/repository';
import { synthesize } from './synthesis';

// In a file of its own: it takes as long as all other checks of the templates, which run beside it.
test('cfn-lint finds nothing in any template', () => {
  const files = EnvironmentName.options.flatMap(
    (environment) => synthesize({ env: environment }).files,
  );

  // W3005: CDK writes dependencies that a reference implies already.
  const { status, stdout, stderr } = spawnSync(
    inRepository('.venv', 'bin', 'cfn-lint'),
    ['--ignore-checks', 'W3005', '--format', 'parseable', '--', ...files],
    { encoding: 'utf8' },
  );

  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
}, 120_000);
