import { execFile } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A requirement that is not met; the message is the one line a person needs. */
export class SetupError extends Error {
  oneLine = true;
}

// The pinned packages have wheels for these; Glue 6.0 itself runs 3.13, and newer ones were not tried.
const python = { oldest: 11, newest: 13 };
// Spark 4.1 is built for 17 and 21; Hadoop's login fails on 24.
const java = { oldest: 17, newest: 21 };

/** Standard output and error of a command, or null when it cannot be run or fails. */
function outputOf(command, args) {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 15_000 }, (error, stdout, stderr) => {
      resolve(error ? null : `${stdout}\n${stderr}`);
    });
  });
}

async function pythonVersion(command) {
  const output = await outputOf(command, ['--version']);
  const match = /^Python (3\.(\d+)\.\S+)/m.exec(output ?? '');
  return match && { command, version: match[1], minor: Number(match[2]) };
}

const isSupported = ({ minor }) => minor >= python.oldest && minor <= python.newest;

/** Stands in .venv while packages are installed into it. */
export const unfinishedMark = (root) => join(root, '.venv', '.installing');

/** The Python to make .venv with: the one already in it, $PYTHON, or the first on the PATH that fits. */
export async function findPython(root, env = process.env) {
  const range = `Python 3.${python.oldest} to 3.${python.newest} is needed`;
  const inVenv = join(root, '.venv', 'bin', 'python');
  // One that an installation left half done is made anew, by a Python from elsewhere.
  const isUsable = existsSync(inVenv) && !existsSync(unfinishedMark(root));
  const names = env.PYTHON
    ? [env.PYTHON]
    : ['python3', 'python3.13', 'python3.12', 'python3.11', 'python'];
  const [current, ...found] = await Promise.all([
    isUsable ? pythonVersion(inVenv) : null,
    ...names.map(pythonVersion),
  ]);
  if (current && isSupported(current) && !env.PYTHON) return current;
  const chosen = found.find((candidate) => candidate && isSupported(candidate));
  if (chosen) return chosen;
  const other = found.find(Boolean);
  const advice = 'Install it, or name one: PYTHON=/path/to/python3';
  if (!other) {
    const missing = env.PYTHON ? `${env.PYTHON} does not run` : 'no python3 on the PATH runs';
    throw new SetupError(`${range}, and ${missing}. ${advice}`);
  }
  const fault = other.minor < python.oldest ? 'too old' : 'too new';
  throw new SetupError(`Python ${other.version} is ${fault}: ${range}. ${advice}`);
}

/** Spark looks at JAVA_HOME first, then at the PATH; so does this. */
export async function findJava(env = process.env) {
  const command = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java';
  const advice = `Java ${java.oldest} or ${java.newest} is needed for Spark (Debian: apt-get install openjdk-17-jre-headless), found by JAVA_HOME or on the PATH.`;
  const output = await outputOf(command, ['-version']);
  const version = /version "([^"]+)"/.exec(output ?? '')?.[1];
  if (!version) throw new SetupError(`Java is missing (${command} does not run). ${advice}`);
  // Up to Java 8 the version began with "1.".
  const major = Number(version.replace(/^1\./, '').split(/[.\-+_]/)[0]);
  if (major < java.oldest) throw new SetupError(`Java ${version} is too old. ${advice}`);
  if (major > java.newest) throw new SetupError(`Java ${version} is too new. ${advice}`);
  return version;
}

/** Gigabytes free where the project lies. */
export function diskFree(root) {
  const { bavail, bsize } = statfsSync(root);
  return (bavail * bsize) / 1e9;
}

export function lakePort(env = process.env) {
  const port = env.LAKE_PORT ? Number(env.LAKE_PORT) : 4566;
  if (Number.isInteger(port) && port >= 1024 && port <= 65535) return port;
  throw new SetupError(`LAKE_PORT is "${env.LAKE_PORT}": a port from 1024 to 65535 is needed.`);
}

/** Whether nothing listens there yet. */
export function isPortFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
