import { execFileSync } from 'node:child_process';
import { inRepository } from './repository';

/**
 * The folder, below the repository, of the Python packages that travel with the Spark job, as etl/job.txt locks
 * them. The set-up has filled it; where it has not run (an account's deployment needs npm alone), this asks pip
 * once. Throws an error that says what was missing.
 */
export function sparkPackages(): string {
  try {
    execFileSync(process.execPath, [inRepository('cli', 'setup', 'spark-packages.mjs')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(
      `The Spark job's packages are missing, and pip did not bring them; npm start sets up all that is needed. ${said}`,
      { cause: error },
    );
  }
  return 'dist/spark-packages';
}
