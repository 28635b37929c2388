import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProgramToRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** File to which standard output and standard error are appended. */
  readonly logFile: string;
}

export interface Program {
  /** Resolves with the exit code (128 + n after signal n) when all of its processes have ended. */
  readonly exited: Promise<number>;
  /** Sends SIGTERM to all of its processes, and SIGKILL after `graceSeconds`. Resolves when they have ended. */
  stop(graceSeconds: number): Promise<void>;
}

const WATCHDOG = join(__dirname, 'watchdog.sh');

/** The only variables of the gateway's environment that programs receive: those that programs need to start. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'JAVA_HOME', 'SYSTEMROOT'];

/**
 * The clock that test/bench/month shifts. All programs must have the same: a request is refused 15 minutes
 * from the server's time.
 */
const SHIFTED_CLOCK = ['CLOCK_SHIFT_SECONDS', 'LD_PRELOAD'];

export function inheritedEnvironment(): Record<string, string> {
  const isShifted = process.env['CLOCK_SHIFT_SECONDS'] !== undefined;
  return Object.fromEntries(
    [...INHERITED, ...(isShifted ? SHIFTED_CLOCK : [])].flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    ),
  );
}

/** Starts programs that cannot outlive this process. `close` ends them all. */
export class Processes {
  private readonly running = new Set<Program>();
  private closed = false;

  /** Throws when the program cannot be started or `close` was called. */
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
      // Nothing is ever written to the pipe: it only has to close when this process ends. EPIPE is expected.
      child.stdin?.on('error', () => undefined);
      await new Promise((resolve, reject) =>
        child.once('spawn', () => resolve(undefined)).once('error', reject),
      );
      const { pid } = child;
      if (pid === undefined) throw new Error(`${program.command} did not start`);
      const exited = new Promise<number>((resolve) => {
        child.once('exit', (code, signal) => {
          // Ends children that outlived the program (Spark's JVM after its Python crashed).
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
      // `close` may have been called during the start, and did not see this program.
      if (this.closed) await started.stop(0);
      return started;
    } finally {
      closeSync(log);
    }
  }

  /** Ends all running programs within `graceSeconds`. No program can be started afterwards. */
  async close(graceSeconds: number): Promise<void> {
    this.closed = true;
    await Promise.all([...this.running].map((program) => program.stop(graceSeconds)));
  }
}

/** Kills a process group and waits until it has ended, which takes a moment. */
async function endGroup(pid: number): Promise<void> {
  const giveUp = Date.now() + 5_000;
  while (signalGroup(pid, 'SIGKILL') && livesInGroup(pid) && Date.now() < giveUp) await sleep(2);
}

/**
 * Whether a process of the group is alive, and not a zombie: a container's first process may reap zombies late or
 * never. On macOS, which has no `/proc`, zombies are reaped at once, so every process that can be signalled is alive.
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
    // `pid (name) state parent group ...`. A name may contain any character, also `)`.
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
  });
}

/** Signals a process group. Returns false when it has no process. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    // ESRCH: the group has no process any more.
    return false;
  }
}
