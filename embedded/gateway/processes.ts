import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProgramToRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** Gets standard output and error, appended. */
  readonly logFile: string;
}

export interface Program {
  /** Its exit code, 128 + n after signal n; resolves once all its processes are gone. */
  readonly exited: Promise<number>;
  /** SIGTERM to all its processes, SIGKILL after `graceSeconds`; resolves once it is gone. */
  stop(graceSeconds: number): Promise<void>;
}

const WATCHDOG = join(__dirname, 'watchdog.sh');

/** Of the gateway's own environment, programs see only what makes programs start. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'JAVA_HOME', 'SYSTEMROOT'];

export function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    ),
  );
}

/** Starts programs that cannot outlive this process, and ends them all on `close`. */
export class Processes {
  private readonly running = new Set<Program>();
  private closed = false;

  /** Throws when the program cannot be started at all, or everything is about to end. */
  async start(program: ProgramToRun): Promise<Program> {
    if (this.closed) throw new Error('the embedded cloud is stopping');
    mkdirSync(dirname(program.logFile), { recursive: true });
    const log = openSync(program.logFile, 'a');
    try {
      const child = spawn('/bin/sh', [WATCHDOG, program.command, ...program.args], {
        cwd: program.cwd,
        env: program.env,
        detached: true,
        stdio: ['pipe', log, log],
      });
      // Nothing is ever written to the pipe: it only has to end when we do. EPIPE is then no news.
      child.stdin?.on('error', () => undefined);
      await new Promise((resolve, reject) =>
        child.once('spawn', () => resolve(undefined)).once('error', reject),
      );
      const { pid } = child;
      if (pid === undefined) throw new Error(`${program.command} did not start`);
      const exited = new Promise<number>((resolve) => {
        child.once('exit', (code, signal) => {
          // Children of the program that outlived it (Spark's JVM after a crash of its Python).
          void endGroup(pid).then(() => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
        });
      });
      const started: Program = {
        exited,
        stop: async (graceSeconds) => {
          signalGroup(pid, 'SIGTERM');
          const timer = new AbortController();
          const killed = sleep(graceSeconds * 1000, undefined, { signal: timer.signal }).then(
            () => signalGroup(pid, 'SIGKILL'),
            () => undefined,
          );
          await exited;
          timer.abort();
          await killed;
        },
      };
      this.running.add(started);
      void exited.then(() => this.running.delete(started));
      // `close` may have come while it started, and has not seen it.
      if (this.closed) await started.stop(0);
      return started;
    } finally {
      closeSync(log);
    }
  }

  /** Ends every program that still runs, within `graceSeconds`; none can be started afterwards. */
  async close(graceSeconds: number): Promise<void> {
    this.closed = true;
    await Promise.all([...this.running].map((program) => program.stop(graceSeconds)));
  }
}

/** Kills a process group and waits until it is gone: a killed process lives on for a moment. */
async function endGroup(pid: number): Promise<void> {
  const giveUp = Date.now() + 5_000;
  while (signalGroup(pid, 'SIGKILL') && livesInGroup(pid) && Date.now() < giveUp) await sleep(2);
}

/**
 * Whether a process of the group is more than a dead one that waits for its parent to notice: the
 * first process of a container may notice late or never. Without `/proc` (macOS) the first process
 * notices at once, and whatever can be signalled is taken to live.
 */
function livesInGroup(group: number): boolean {
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
    } catch {
      return false;
    }
    // `pid (name) state parent group ...`, and a name may hold anything, `)` included.
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
  });
}

/** Whether any process of the group was there to get the signal. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    // ESRCH: no process of the group is left, which is what was wanted.
    return false;
  }
}
