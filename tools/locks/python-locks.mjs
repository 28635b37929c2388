export const TORCH = 'ml/training/torch.txt';
/** PyTorch without CUDA, which has files and hashes of its own on an index of its own. */
export const TORCH_CPU = 'ml/training/torch-cpu.txt';

/**
 * Every lock of Python packages but TORCH_CPU, with the files that say what is wanted of it. Those installed
 * `apart` share no folder with the others; one that stands `alone` leaves out what its packages ask for.
 */
export const locks = [
  { lock: 'cli/setup/installers.txt', wishes: ['cli/setup/installers.in'] },
  { lock: 'embedded/requirements.txt', wishes: ['embedded/requirements.in'] },
  { lock: 'etl/requirements.txt', wishes: ['etl/requirements.in', 'etl/job.in'] },
  // Alone, for it travels with the job: VADER asks for requests in its own demonstration only.
  { lock: 'etl/job.txt', wishes: ['etl/job.in'], alone: true },
  {
    lock: 'ml/training/requirements.txt',
    wishes: ['ml/training/requirements.in', 'ml/training/torch.in'],
  },
  { lock: TORCH, wishes: ['ml/training/torch.in'] },
  { lock: 'test/requirements.txt', wishes: ['test/requirements.in'] },
  { lock: 'tools/locks/tools.txt', wishes: ['tools/locks/tools.in'], apart: true },
];
