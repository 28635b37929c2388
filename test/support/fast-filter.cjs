const { existsSync, readFileSync } = require('node:fs');
const { dirname, resolve } = require('node:path');
const { preProcessFile } = require('typescript');

const TESTS = resolve(__dirname, '..');

/** What a file of test/ says that starts a launcher or a training; the lake's own are started by no import. */
const STARTS = /'embedded\.launcher'|'tiny_job\.py'/;

const read = new Map();

/** Whether a file is slow itself (it starts a program, or loads the CDK), and what it imports of this project. */
function reading(file) {
  if (!read.has(file)) {
    const text = readFileSync(file, 'utf8');
    const all = preProcessFile(text).importedFiles;
    const synthesizes = all.some(({ fileName }) => fileName.startsWith('aws-cdk-lib'));
    const imports = all
      .filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName }) => resolve(dirname(file), fileName))
      .flatMap((path) => [path, `${path}.ts`, `${path}/index.ts`])
      .filter((path) => path.endsWith('.ts') && existsSync(path));
    read.set(file, {
      isSlow: synthesizes || (file.startsWith(TESTS) && STARTS.test(text)),
      imports,
    });
  }
  return read.get(file);
}

/** A test's file, and those that it imports, directly or not. */
function closureOf(test) {
  const all = new Set([test]);
  // A set's iterator also comes to what is added on the way.
  for (const file of all) for (const path of reading(file).imports) all.add(path);
  return all;
}

const isSlow = (test) => [...closureOf(test)].some((file) => reading(file).isSlow);

/** jest's --filter: the tests that start no program of these and load no CDK. */
module.exports = (paths) => ({ filtered: paths.filter((path) => !isSlow(path)) });
