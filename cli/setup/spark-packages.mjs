// Installs the Spark job's packages, locked in etl/job.txt, into dist/spark-packages. They are deployed with the
// job, so no run needs a registry. `node cli/setup/spark-packages.mjs [python]`; a synthesis calls it if no set-up
// has run.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython } from './versions.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const lock = join(root, 'etl', 'job.txt');
const folder = join(root, 'dist', 'spark-packages');
const stamp = join(root, 'dist', 'spark-packages.stamp');
const key = createHash('sha256').update(readFileSync(lock)).digest('hex');

/** Files in which pip describes the installation: with them, every machine's archive would differ. */
const notes = /^(RECORD|INSTALLER|REQUESTED|direct_url\.json)$/;

function install(python) {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  rmSync(stamp, { force: true });
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', '--quiet'];
  // Spark loads the packages from an archive on any machine, so they must not be built for this one.
  const portable = ['--require-hashes', '--no-deps', '--no-compile', '--only-binary', ':all:'];
  execFileSync(python, [...pip, ...portable, '--target', part, '-r', lock], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const entry of readdirSync(part, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && notes.test(entry.name)) rmSync(path);
    if (entry.isFile() && /\.(so|dylib|pyd)$/.test(entry.name))
      throw new Error(`${path} is built for this kind of machine only, and Glue's may differ`);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(part, folder);
  writeFileSync(stamp, key);
}

if (!existsSync(folder) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== key) {
  try {
    install(process.argv[2] ?? (await findPython(root)).command);
  } catch (error) {
    console.error(
      `The packages of etl/job.txt could not be installed into dist/spark-packages: ${error.message}`,
    );
    process.exit(1);
  }
}
