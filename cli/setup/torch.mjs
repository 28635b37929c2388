import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The packages of Python's registry: on Linux with CUDA, several GB. */
const withCuda = 'ml/training/torch.txt';
/** The packages of PyTorch's own index for CPUs. */
const cpuOnly = 'ml/training/torch-cpu.txt';
export const torchLocks = [withCuda, cpuOnly];

/**
 * Chooses the source of PyTorch; returns a title and further arguments for pip. PyTorch is installed by a separate
 * call, so that its index (TORCH_INDEX_URL) serves no other package. Without an index, Linux uses the CPU packages
 * if the configured pip finds them. On other systems the registry's packages are for CPUs anyway.
 *
 * `find` tells whether pip finds all files of a lock, by their hashes.
 */
export async function torchSource({ platform = process.platform, index, find }) {
  const from = (name, lock, ...more) => ({ name, args: ['--no-deps', ...more, '-r', lock] });
  const at = index ? ['--index-url', index] : [];
  if (platform !== 'linux') return from('PyTorch', withCuda, ...at);
  if (index || (await find(cpuOnly))) return from('PyTorch (CPU)', cpuOnly, ...at);
  return from('PyTorch (with CUDA: several GB; the README says how to leave it out)', withCuda);
}

/** Whether pip could install the lock (a dry run). */
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
