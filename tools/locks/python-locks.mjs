export const TORCH = 'ml/training/torch.txt';
/** PyTorch without CUDA, which has its own files, hashes and index. */
export const TORCH_CPU = 'ml/training/torch-cpu.txt';

/**
 * All locks of Python packages except TORCH_CPU. `wishes` are the files with their requirements. A lock with `apart`
 * is installed into its own folder; one with `alone` leaves out the dependencies of its packages.
 */
export const locks = [
  { lock: 'cli/setup/installers.txt', wishes: ['cli/setup/installers.in'] },
  { lock: 'embedded/requirements.txt', wishes: ['embedded/requirements.in'] },
  { lock: 'etl/requirements.txt', wishes: ['etl/requirements.in', 'etl/job.in'] },
  // Alone, because it is shipped with the job: VADER needs its dependency `requests` only for a demonstration.
  { lock: 'etl/job.txt', wishes: ['etl/job.in'], alone: true },
  {
    lock: 'ml/training/requirements.txt',
    wishes: ['ml/training/requirements.in', 'ml/training/torch.in'],
  },
  { lock: TORCH, wishes: ['ml/training/torch.in'] },
  { lock: 'test/requirements.txt', wishes: ['test/requirements.in'] },
  { lock: 'tools/locks/tools.txt', wishes: ['tools/locks/tools.in'], apart: true },
];

/** Whether the packages of a lock run in the lake; the others only install, build or test. */
export const isRuntime = (lock) => !/^(test|tools\/locks|cli\/setup)\//.test(lock);
