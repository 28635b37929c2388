// Fills dist/spark-packages with what etl/job.txt locks: the packages that travel with the Spark job, so that no night
// asks a registry. `node cli/setup/spark-packages.mjs [python]`; a synthesis calls it where no set-up has.
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

/** What an installation notes about itself: it would make each machine's archive another one. */
const notes = /^(RECORD|INSTALLER|REQUESTED|direct_url\.json)$/;

function install(python) {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  rmSync(stamp, { force: true });
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', '--quiet'];
  // Spark loads them from an archive, on any machine: nothing that was built for this one.
  const portable = ['--require-hashes', '--no-deps', '--no-compile', '--only-binary', ':all:'];
  execFileSync(python, [...pip, ...portable, '--target', part, '-r', lock], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const entry of readdirSync(part, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && notes.test(entry.name)) rmSync(path);
    if (entry.isFile() && /\.(so|dylib|pyd)$/.test(entry.name))
      throw new Error(`${path} was built for one kind of machine, and Glue's may be of another`);
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
