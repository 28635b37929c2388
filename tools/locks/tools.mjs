import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython } from '../../cli/setup/versions.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const lock = join(root, 'tools', 'locks', 'tools.txt');

/**
 * The folder of the programs in `tools.in` (uv, pip-audit). They are installed at their first use, because the lake
 * does not need them to run. Throws SetupError when there is no suitable Python.
 */
export async function toolFolder() {
  const folder = join(root, '.venv', 'tools');
  const bin = join(folder, 'bin');
  const stamp = join(folder, 'tools.stamp');
  const key = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return bin;
  const python = await findPython(root);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const run = (command, ...args) =>
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  run(python.command, '-m', 'venv', folder);
  const install = ['-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', '--quiet'];
  run(join(bin, 'python'), ...install, '--require-hashes', '--only-binary', ':all:', '-r', lock);
  writeFileSync(stamp, key);
  return bin;
}
