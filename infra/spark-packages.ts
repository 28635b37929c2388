import { execFileSync } from 'node:child_process';
import { inRepository } from './repository';

/**
 * The folder of the Spark job's Python packages, locked in etl/job.txt. The set-up fills it. Without a set-up (a
 * deployment to an account only needs npm), this function runs pip once. Throws Error with pip's message when that
 * fails.
 */
export function sparkPackages(): string {
  try {
    execFileSync(process.execPath, [inRepository('cli', 'setup', 'spark-packages.mjs')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
  } catch (error) {
    const message = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(
      `The Spark job's packages are missing, and pip could not install them. Run npm start once, which sets up everything. ${message}`,
      { cause: error },
    );
  }
  return 'dist/spark-packages';
}
