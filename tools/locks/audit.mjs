// `npm run audit [-- npm|Python]`: queries the registries for known vulnerabilities of the locked packages.
// Exit code 1: a package that runs the lake has a serious vulnerability. A registry that does not answer is reported,
// but is not a failure.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmAnswer, pipAnswer, standing } from './audit-answers.mjs';
import { isRuntime, locks, TORCH } from './python-locks.mjs';
import { root, toolFolder } from './tools.mjs';

const limitMillis = 180_000;

/** Standard output of a program. The exit code is ignored: both programs exit with 1 when they find something. */
const outputOf = (command, args, cwd = root) =>
  new Promise((resolve) => {
    const options = { cwd, timeout: limitMillis, maxBuffer: 100e6 };
    execFile(command, args, options, (_, stdout) => resolve(stdout));
  });

const npm = (folder, ...more) =>
  outputOf('npm', ['audit', '--json', '--fetch-retries=1', ...more], join(root, folder)).then(
    npmAnswer,
  );

async function pip(files) {
  let program;
  try {
    program = join(await toolFolder(), 'pip-audit');
  } catch (error) {
    return { findings: [], unanswered: `pip-audit could not be installed: ${error.message}` };
  }
  const locked = files.flatMap((file) => ['-r', file]);
  const how = ['--disable-pip', '--require-hashes', '--progress-spinner', 'off', '--timeout', '10'];
  return pipAnswer(await outputOf(program, [...how, '--format', 'json', ...locked]));
}

// Only one of PyTorch's two locks has the release's name from advisories. It also has CUDA's packages.
const files = (wanted) =>
  locks
    .filter((lock) => isRuntime(lock.lock) === wanted && lock.lock !== TORCH)
    .map(({ lock }) => lock);
const sources = [
  { title: 'npm, what runs', runtime: true, ask: () => npm('.', '--omit=dev') },
  {
    title: 'npm, what only builds and tests',
    runtime: false,
    ask: () => npm('.', '--include=dev'),
  },
  { title: 'npm, the serving image', runtime: true, ask: () => npm('ml/serving', '--omit=dev') },
  { title: 'Python, what runs', runtime: true, ask: () => pip([...files(true), TORCH]) },
  { title: 'Python, what only builds and tests', runtime: false, ask: () => pip(files(false)) },
];

const ignored = JSON.parse(readFileSync(join(root, 'tools/locks/ignored-advisories.json'), 'utf8'));
const today = new Date().toISOString().slice(0, 10);
let failed = false;
const only = process.argv[2] ?? '';
for (const { title, runtime, ask } of sources.filter((source) => source.title.startsWith(only))) {
  const { findings, unanswered } = await ask();
  const bad = standing({ findings, runtime }, ignored, today);
  if (unanswered !== undefined)
    console.log(`? ${title}: no answer from the registry. ${unanswered}`);
  else if (findings.length === 0) console.log(`✓ ${title}: no known vulnerability`);
  for (const found of findings) {
    const { name, id, severity, what } = found;
    console.log(
      `${bad.includes(found) ? '✗' : '-'} ${title}: ${name}, ${id} (${severity}): ${what}`,
    );
  }
  failed ||= bad.length > 0;
}
if (failed) {
  console.log(
    'Use a version without the vulnerability, or add it to tools/locks/ignored-advisories.json with a reason and an end date.',
  );
}
process.exit(failed ? 1 : 0);
