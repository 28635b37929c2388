import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCommand } from './command.mjs';
import { lockSetup } from './lock.mjs';
import { endChildren } from './progress.mjs';
import { setupSteps } from './steps.mjs';
import { diskFree, findJava, findPython, isPortFree, lakePort, SetupError } from './versions.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const home = resolve(root, process.env.LAKE_HOME || '.lake');
/** GB for node_modules (1.1), .venv (2.2), the caches of npm and pip, and the lake. */
const diskNeeded = 5;

const gigabytes = (megabytes) =>
  megabytes >= 1000 ? `${(megabytes / 1000).toFixed(1)} GB` : `${megabytes} MB`;
const duration = (seconds) =>
  seconds >= 90 ? `${Math.round(seconds / 60)} minutes` : `${Math.ceil(seconds / 10) * 10} seconds`;

/** The process id of this home's lake if it already runs on the port, read from its note; otherwise null. */
function ownLake(port) {
  try {
    const note = JSON.parse(readFileSync(join(home, 'cloud.json'), 'utf8'));
    process.kill(note.pid, 0);
    return note.port === port ? note.pid : null;
  } catch {
    return null;
  }
}

async function describePort(command) {
  const port = lakePort();
  if (await isPortFree(port)) return `port ${port} free`;
  const pid = ownLake(port);
  if (pid !== null) return `port ${port} in use by this lake (process ${pid})`;
  if (command.name !== 'start' && command.name !== 'up') return `port ${port} in use`;
  throw new SetupError(
    `Port ${port} is in use by another program. Choose another one: LAKE_PORT=${port + 1} npm ${command.name === 'up' ? 'run up' : 'start'}`,
  );
}

/** Whether a command works in an account. Such a command needs the npm packages, and of Python only the corpus. */
const isInAccount = ({ environment = 'local', name, file }) =>
  environment !== 'local' && !(name === 'import-labels' && file === null);

/** Whether the command uses LAKE_PORT; tests and rehearsals use other ports. */
const takesPort = ({ name }) => name !== 'test' && name !== 'rehearse';

async function setUp(command) {
  const quiet = !['start', 'up', 'test', 'rehearse'].includes(command.name);
  const inAccount = isInAccount(command);
  const [python, java, port] = await Promise.all([
    inAccount ? null : findPython(root),
    inAccount ? null : findJava(),
    inAccount || !takesPort(command) ? null : describePort(command),
  ]);
  const free = diskFree(root);
  const found = [
    `Node ${process.versions.node}`,
    python && `Python ${python.version}`,
    java && `Java ${java}`,
    port,
    `${Math.floor(free)} GB of disk free`,
  ];
  if (!quiet) console.log(`sentiment-lake found ${found.filter(Boolean).join(' · ')}`);

  const log = join(home, 'logs', 'set-up.log');
  const options = { root, python, log, forTests: command.name === 'test', onlyNpm: inAccount };
  if (setupSteps(options).every((step) => step.isDone())) {
    if (!quiet)
      console.log(
        'Set-up is complete: nothing to download. No data leaves this machine unless you name a server.',
      );
    return;
  }

  const missing = setupSteps(options).filter((step) => !step.isDone());
  const size = missing.reduce((sum, step) => sum + step.megabytes, 0);
  const time = missing.reduce((sum, step) => sum + step.seconds, 0);
  console.log(
    `Set-up: ${missing.map((step) => step.title).join(', ')}. About ${gigabytes(size)} from npm's and Python's registries, ` +
      `about ${duration(time)} on a fast line.\nEverything is stored in this folder. None of your data leaves this machine.`,
  );
  if (size > 500 && free < diskNeeded) {
    throw new SetupError(
      `Only ${free.toFixed(1)} GB of disk are free, and the set-up needs ${diskNeeded} GB. Free some space, then run the same command again.`,
    );
  }

  // The lock is in the checkout, where nobody else may write. In a shared folder, another user's file could block us.
  const release = await lockSetup(join(root, '.set-up.lock'), (pid) => {
    console.log(
      `Another set-up (process ${pid}) works in this folder. Waiting until it has ended.`,
    );
  });
  // Check each step again: the other set-up or an earlier step may have done it.
  for (const step of setupSteps(options)) if (!step.isDone()) await step.perform();
  release();
}

function onSignal(signal) {
  endChildren();
  process.stdout.write('\n');
  console.error('Set-up interrupted. Run the same command again to continue from here.');
  process.exit(signal === 'SIGINT' ? 130 : 143);
}

/** Sets up what is missing, then runs the command in the same process. Returns the exit code. */
export async function main(args) {
  const command = parseCommand(args);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, onSignal);
  const parent = process.ppid;
  // A killed npm does not end its child processes, so this process checks whether npm still runs.
  const watch = setInterval(
    () => process.ppid !== parent && process.env.npm_execpath && onSignal('SIGTERM'),
    500,
  );
  await setUp(command);
  clearInterval(watch);
  for (const signal of signals) process.off(signal, onSignal);
  if (command.name === 'test') return 0;

  // Every AWS client warns about Node 20; package.json and the lockfile pin versions that support it.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const require = createRequire(import.meta.url);
  require('tsx/cjs/api').register();
  const { runCommand } = require('../main.ts');
  return runCommand(command, { root, home, port: lakePort() });
}
