const { existsSync, readFileSync } = require('node:fs');
const { dirname, resolve } = require('node:path');
const { preProcessFile } = require('typescript');

const TESTS = resolve(__dirname, '..');

/** What a file of test/ says that starts a launcher or a training; the lake's own are started by no import. */
const STARTS = /'embedded\.launcher'|'tiny_job\.py'/;

const read = new Map();

/** Whether a file starts something slow itself, and what it imports of this project. */
function reading(file) {
  if (!read.has(file)) {
    const text = readFileSync(file, 'utf8');
    const imports = preProcessFile(text)
      .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName }) => resolve(dirname(file), fileName))
      .flatMap((path) => [path, `${path}.ts`, `${path}/index.ts`])
      .filter((path) => path.endsWith('.ts') && existsSync(path));
    read.set(file, { starts: file.startsWith(TESTS) && STARTS.test(text), imports });
  }
  return read.get(file);
}

/** Whether a test, or anything that it imports, starts a launcher or a training. */
function isSlow(test) {
  const all = new Set([test]);
  // A set's iterator also comes to what is added on the way.
  for (const file of all) {
    const { starts, imports } = reading(file);
    if (starts) return true;
    for (const path of imports) all.add(path);
  }
  return false;
}

/** jest's --filter: the tests that need neither. */
module.exports = (paths) => ({ filtered: paths.filter((path) => !isSlow(path)) });
