// `npm run lock:python [-- --upgrade]`: writes the locks of the Python packages.
//
// Each *.in has the requirements, and the *.txt beside it all packages to install for them, with the SHA-256 of
// all their files, for every platform and every Python version that the set-up supports. A version stays the same
// while the *.in allow it; --upgrade selects the newest versions.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locks, TORCH, TORCH_CPU } from './python-locks.mjs';
import { root, toolFolder } from './tools.mjs';

const uv = join(await toolFolder(), 'uv');
const scratch = mkdtempSync(join(tmpdir(), 'python-locks-'));
const read = (file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '');
const write = (file, text) => writeFileSync(join(root, file), text);
const head = '# Written by `npm run lock:python`; what is wanted stands in the .in file.\n';

/** uv's solution of the requirements: one pin for each package (and marker). */
function compile(wishes, { constraint, kept = '', more = [] } = {}) {
  const output = join(scratch, 'lock.txt');
  // uv keeps the versions of an existing output file.
  writeFileSync(output, kept);
  const args = [
    'pip',
    'compile',
    '--quiet',
    '--no-config',
    '--universal',
    '--python-version',
    '3.11',
  ];
  if (constraint !== undefined) args.push('--constraint', constraint);
  args.push('--generate-hashes', '--no-header', '--output-file', output, ...more, ...wishes);
  execFileSync(uv, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  // Removes references to the temporary file of constraints.
  return readFileSync(output, 'utf8').replace(/^ +#   -c .*\n/gm, '');
}

/** The entries of a lock: a pin with its hashes and the comments below. */
const entries = (lock) => lock.split(/^(?=\S)/m).filter((entry) => /^[a-z0-9]/i.test(entry));
/** Packages that only PyTorch's CUDA build needs. */
const isTorch = (entry) => /^(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==/.test(entry);

const upgrade = process.argv.includes('--upgrade') ? ['--upgrade'] : [];
const together = locks.filter(({ apart }) => !apart);
// One solution for all packages that are installed into one folder, so that no two locks have different versions.
const all = join(scratch, 'all.txt');
writeFileSync(
  all,
  compile([...new Set(together.flatMap(({ wishes }) => wishes))], {
    kept: together.map(({ lock }) => read(lock)).join(''),
    more: upgrade,
  }),
);
for (const { lock, wishes, apart, alone } of locks) {
  const text = apart
    ? compile(wishes, { kept: read(lock), more: upgrade })
    : compile(wishes, { constraint: all, more: alone ? ['--no-deps'] : [] });
  if (lock === TORCH) write(lock, head + entries(text).filter(isTorch).join(''));
  else
    write(
      lock,
      head +
        entries(text)
          .filter((entry) => !isTorch(entry))
          .join(''),
    );
}

const torch = /^torch==(\S+)$/m.exec(read(TORCH.replace('.txt', '.in')))[1];
const wanted = `torch==${torch}+cpu`;
const index = process.env.TORCH_INDEX_URL;
if (index) {
  const wish = join(scratch, 'torch-cpu.in');
  writeFileSync(wish, `${wanted}\n`);
  const [entry] = entries(
    compile([wish], { more: ['--no-deps', '--no-annotate', '--index-url', index] }),
  );
  write(TORCH_CPU, head + entry);
} else if (!read(TORCH_CPU).includes(`${wanted} `)) {
  throw new Error(
    `${TORCH_CPU} does not contain ${wanted}. Set TORCH_INDEX_URL to the address of PyTorch's index of CPU files, and run this command again.`,
  );
}
rmSync(scratch, { recursive: true });
