import { execFile } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A requirement is not met; the message says which and what to do. */
export class SetupError extends Error {
  oneLine = true;
}

// The pinned packages have wheels for these versions. Glue 6.0 runs 3.13; newer versions were not tried.
const python = { oldest: 11, newest: 13 };
// Spark 4.1 supports 17 and 21; Hadoop's login fails on 24.
const java = { oldest: 17, newest: 21 };

/** A command's standard output and error; null when it cannot be run or fails. */
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

/** A file that exists in .venv while packages are installed. */
export const unfinishedMark = (root) => join(root, '.venv', '.installing');

/** Finds the Python for .venv: the one already in it, $PYTHON, or the first suitable one on the PATH. */
export async function findPython(root, env = process.env) {
  const range = `Python 3.${python.oldest} to 3.${python.newest} is needed`;
  const inVenv = join(root, '.venv', 'bin', 'python');
  // A .venv with an unfinished installation is created again with another Python.
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
    const missing = env.PYTHON ? `${env.PYTHON} does not run` : 'no python3 on the PATH works';
    throw new SetupError(`${range}, but ${missing}. ${advice}`);
  }
  const fault = other.minor < python.oldest ? 'too old' : 'too new';
  throw new SetupError(`Python ${other.version} is ${fault}: ${range}. ${advice}`);
}

/** Finds Java as Spark does: in JAVA_HOME first, then on the PATH. */
export async function findJava(env = process.env) {
  const command = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java';
  const advice = `Java ${java.oldest} or ${java.newest} is needed for Spark (Debian: apt-get install openjdk-17-jre-headless), found by JAVA_HOME or on the PATH.`;
  const output = await outputOf(command, ['-version']);
  const version = /version "([^"]+)"/.exec(output ?? '')?.[1];
  if (!version) throw new SetupError(`Java is missing (${command} does not run). ${advice}`);
  // Versions up to Java 8 begin with "1.".
  const major = Number(version.replace(/^1\./, '').split(/[.\-+_]/)[0]);
  if (major < java.oldest) throw new SetupError(`Java ${version} is too old. ${advice}`);
  if (major > java.newest) throw new SetupError(`Java ${version} is too new. ${advice}`);
  return version;
}

/** Free gigabytes on the project's disk. */
export function diskFree(root) {
  const { bavail, bsize } = statfsSync(root);
  return (bavail * bsize) / 1e9;
}

export function lakePort(env = process.env) {
  const port = env.LAKE_PORT ? Number(env.LAKE_PORT) : 4566;
  if (Number.isInteger(port) && port >= 1024 && port <= 65535) return port;
  throw new SetupError(`LAKE_PORT is "${env.LAKE_PORT}", but must be a port from 1024 to 65535.`);
}

/** Whether the port is free. */
export function isPortFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
