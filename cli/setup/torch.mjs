import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** As Python's registry has it: on Linux with CUDA, several GB. */
const withCuda = 'ml/training/torch.txt';
/** As PyTorch's index of CPU files has it. */
const cpuOnly = 'ml/training/torch-cpu.txt';
export const torchLocks = [withCuda, cpuOnly];

/**
 * Where PyTorch comes from, as a title and pip's further arguments. It is installed by a call of its own, so that
 * an index named for it (TORCH_INDEX_URL) serves no other package. Without one, Linux takes the CPU files where
 * pip, as it is configured, finds them; elsewhere the registry's files are for the CPU anyway.
 *
 * `find` tells whether pip finds all of a lock's files, by its hashes.
 */
export async function torchSource({ platform = process.platform, index, find }) {
  const from = (name, lock, ...more) => ({ name, args: ['--no-deps', ...more, '-r', lock] });
  const at = index ? ['--index-url', index] : [];
  if (platform !== 'linux') return from('PyTorch', withCuda, ...at);
  if (index || (await find(cpuOnly))) return from('PyTorch (CPU)', cpuOnly, ...at);
  return from('PyTorch (with CUDA: several GB; the README says how to leave it out)', withCuda);
}

/** Whether pip would install the lock, without doing it. */
export const pipFinds = (python, cwd, pip) => (lock) =>
  promisify(execFile)(
    python,
    pip(
      'install',
      '--quiet',
      '--dry-run',
      '--ignore-installed',
      '--require-hashes',
      '--no-deps',
      '-r',
      lock,
    ),
    { cwd, timeout: 300_000 },
  ).then(
    () => true,
    () => false,
  );
