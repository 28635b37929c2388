import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockSetup } from './lock.mjs';
import { endChildren } from './progress.mjs';
import { setupSteps } from './steps.mjs';
import { diskFree, findJava, findPython, isPortFree, lakePort, SetupError } from './versions.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const home = resolve(root, process.env.LAKE_HOME || '.lake');
const log = join(home, 'logs', 'set-up.log');
/** node_modules 1.1 GB, .venv 2.4 GB, the caches of npm and pip, and the lake itself. */
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

async function describePort(portFor) {
  const port = lakePort();
  if (await isPortFree(port)) return `port ${port} free`;
  const pid = ownLake(port);
  if (pid !== null) return `port ${port} in use by this lake (process ${pid})`;
  throw new SetupError(
    `Port ${port} is in use by another program. Choose another one: LAKE_PORT=${port + 1} ${portFor}`,
  );
}

/** Installs what is missing of what a command needs (`Needs` in cli/command.ts). */
async function setUp({ cloud: needsCloud, portFor, announce = false, forTests = false }) {
  // A running lake already has everything.
  const cloud = needsCloud && (announce || ownLake(lakePort()) === null);
  const [python, java, port] = await Promise.all([
    cloud ? findPython(root) : null,
    cloud ? findJava() : null,
    portFor ? describePort(portFor) : null,
  ]);
  const free = diskFree(root);
  const found = [
    `Node ${process.versions.node}`,
    python && `Python ${python.version}`,
    java && `Java ${java}`,
    port,
    `${Math.floor(free)} GB of disk free`,
  ];
  if (announce) console.log(`sentiment-lake found ${found.filter(Boolean).join(' · ')}`);

  const options = { root, python, log, forTests, onlyNpm: !cloud };
  if (setupSteps(options).every((step) => step.isDone())) {
    if (announce)
      console.log(
        'Set-up is complete: nothing to download. No data leaves this machine unless you name a server.',
      );
    return;
  }

  const missing = setupSteps(options).filter((step) => !step.isDone());
  const size = missing.reduce((sum, step) => sum + step.megabytes, 0);
  const time = missing.reduce((sum, step) => sum + step.seconds, 0);
  // On standard error, because standard output is for the command's result.
  console.error(
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
    console.error(
      `Another set-up (process ${pid}) works in this folder; waiting until it has ended.`,
    );
  });
  // Check each step again: the other set-up or an earlier step may have done it.
  for (const step of setupSteps(options)) if (!step.isDone()) await step.perform();
  release();
}

function onSignal(signal) {
  endChildren();
  console.error('\nSet-up interrupted. Run the same command again to continue from here.');
  process.exit(signal === 'SIGINT' ? 130 : 143);
}

/** Guesses what a command needs while the parser is not installed yet. */
function guessNeeds([script, ...args]) {
  const isElsewhere = /(?:^| )--env[= ](?!local)/.test(args.join(' '));
  const asksForHelp = args.includes('--help') || args.includes('-h');
  if (isElsewhere || asksForHelp) return { cloud: false };
  const portFor = { start: 'npm start', up: 'npm run up' }[script];
  return { cloud: true, portFor, announce: script !== 'lake' };
}

/**
 * Sets up what is missing, then runs the command in this process; returns the exit code. Wrong usage is rejected first,
 * as soon as the npm packages are installed.
 */
export async function main(args) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, onSignal);
  const parent = process.ppid;
  // A killed npm does not end its child processes, so this process checks whether npm still runs.
  const watch = setInterval(
    () => process.ppid !== parent && process.env.npm_execpath && onSignal('SIGTERM'),
    500,
  );
  const endWatch = () => {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, onSignal);
  };
  if (args[0] === 'test') {
    await setUp({ cloud: true, announce: true, forTests: true });
    return 0;
  }
  const [packages] = setupSteps({ root, python: null, log, onlyNpm: true });
  const guessed = packages.isDone() ? null : guessNeeds(args);
  if (guessed) await setUp(guessed);

  // Every AWS client warns about Node 20; package.json and the lockfile pin versions that support it.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const require = createRequire(import.meta.url);
  require('tsx/cjs/api').register();
  const { prepareCommand, runCommand } = require('../main.ts');
  const command = prepareCommand(args);
  if (typeof command === 'number') return command;
  const { announce, ...needs } = command.needs;
  await setUp({ ...needs, announce: announce && !guessed?.announce });
  endWatch();
  return runCommand(command, { root, home, port: lakePort() });
}
