import { execFileSync } from 'node:child_process';
import { errorCode } from '../files';

/** Thrown into whatever waits when the person or the system asks this process to end. */
export class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super('interrupted');
  }
}

const exitCodes: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const parentCheckMillis = 500;
/** Everything ends within this time, or is left to the watchdogs of the children. */
const patienceMillis = 12_000;

/** The process above a shell that npm put between itself and us; a killed npm leaves that shell alive. */
function beyondShell(parent: number): number | null {
  try {
    const [above, name] = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(parent)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    return /sh$/.test(name ?? '') ? Number(above) : null;
  } catch {
    return null;
  }
}

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
};

/**
 * Turns Ctrl-C, SIGTERM, SIGHUP and the death of npm (which takes no one with it when killed) into an
 * aborted signal. Repeated signals are expected: a terminal sends one and npm passes on another.
 */
export function interruptSignal(env: NodeJS.ProcessEnv): AbortSignal {
  const controller = new AbortController();
  const interrupt = (exitCode: number) => {
    if (controller.signal.aborted) return;
    setTimeout(() => process.exit(exitCode), patienceMillis).unref();
    controller.abort(new Interrupted(exitCode));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] satisfies NodeJS.Signals[]) {
    process.on(signal, () => interrupt(exitCodes[signal] ?? 1));
  }
  if (env.npm_execpath) {
    const parent = process.ppid;
    const above = beyondShell(parent);
    setInterval(() => {
      if (process.ppid !== parent || (above !== null && isGone(above))) interrupt(143);
    }, parentCheckMillis).unref();
  }
  return controller.signal;
}
