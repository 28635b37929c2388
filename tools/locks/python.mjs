// Writes the locks of the Python packages anew: `npm run lock:python [-- --upgrade]`.
//
// Each *.in names what is wanted, each *.txt beside it everything that is installed for it, with the SHA-256
// of all its files: of every platform, and for every Python the set-up takes. A version stays as it is
// while the *.in allow it; --upgrade takes the newest.
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

/** uv's answer to the wishes: one pin for each package (and marker), the same in every lock made with it. */
function compile(wishes, { constraint, kept = '', more = [] } = {}) {
  const output = join(scratch, 'lock.txt');
  // uv keeps the versions of a file that is already there.
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
  // The file of constraints is gone in a moment.
  return readFileSync(output, 'utf8').replace(/^ +#   -c .*\n/gm, '');
}

/** The entries of a lock: a pin with its hashes and the comments below. */
const entries = (lock) => lock.split(/^(?=\S)/m).filter((entry) => /^[a-z0-9]/i.test(entry));
/** Only PyTorch's CUDA build wants these. */
const isTorch = (entry) => /^(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==/.test(entry);

const upgrade = process.argv.includes('--upgrade') ? ['--upgrade'] : [];
const together = locks.filter(({ apart }) => !apart);
// One solution for all that is installed side by side, so that two locks never name two versions.
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
    `${TORCH_CPU} holds no ${wanted}: give this command the address of PyTorch's index of CPU files as TORCH_INDEX_URL.`,
  );
}
rmSync(scratch, { recursive: true });
