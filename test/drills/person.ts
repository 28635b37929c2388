import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../embedded/gateway/free-port';

const root = resolve(__dirname, '..', '..');

export interface Ended {
  /** Null if it was killed. */
  code: number | null;
  output: string;
}

export interface Command {
  ended: Promise<Ended>;
  /** What it has printed so far. */
  output: () => string;
}

/** A command on a terminal: its output has colours and a live line. */
export interface OnTerminal extends Command {
  /** Sends keys; `CTRL_C` interrupts as the terminal itself does. */
  type: (keys: string) => void;
}
export const CTRL_C = '\x03';

/** Runs a program on a terminal of its own, hands on what is typed and printed, and exits as the program does. */
const TERMINAL =
  'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])) % 256)';

/** Someone at the project's own commands, with a lake of their own that nothing outlives. */
export class Person {
  private readonly started: ChildProcess[] = [];

  private constructor(
    readonly home: string,
    readonly port: number,
  ) {}

  static async arrive(name: string): Promise<Person> {
    return new Person(mkdtempSync(join(tmpdir(), `lake-${name}-`)), await freePort());
  }

  /** Starts a command of the project, or of a copy; kills it with SIGKILL as soon as it has printed `killAt`. */
  run(args: string[], killAt?: RegExp, project = root): Command {
    const child = spawn(process.execPath, [join(project, 'cli', 'setup', 'main.mjs'), ...args], {
      cwd: project,
      env: { ...process.env, LAKE_HOME: this.home, LAKE_PORT: String(this.port) },
      // What asks finds nobody there.
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.started.push(child);
    let output = '';
    const read = (data: Buffer) => {
      output += data.toString();
      if (killAt?.test(output)) child.kill('SIGKILL');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const ended = new Promise<Ended>((done) => child.on('close', (code) => done({ code, output })));
    return { ended, output: () => output };
  }

  /** Starts a command of the project on a terminal. */
  onTerminal(args: string[]): OnTerminal {
    const command = [process.execPath, join(root, 'cli', 'setup', 'main.mjs'), ...args];
    const child = spawn(join(root, '.venv', 'bin', 'python'), ['-c', TERMINAL, ...command], {
      cwd: root,
      env: {
        ...process.env,
        LAKE_HOME: this.home,
        LAKE_PORT: String(this.port),
        TERM: 'xterm',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.started.push(child);
    let output = '';
    const read = (data: Buffer) => (output += data.toString());
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const ended = new Promise<Ended>((done) => child.on('close', (code) => done({ code, output })));
    return { ended, output: () => output, type: (keys) => void child.stdin.write(keys) };
  }

  lake(...args: string[]): Promise<Ended> {
    return this.run(['lake', ...args]).ended;
  }

  /** Ctrl-C. */
  interrupt(): void {
    for (const child of this.started) child.kill('SIGINT');
  }

  /** Ends what still runs, waits for it, and leaves nothing behind. */
  async leave(): Promise<void> {
    const running = this.started.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    await Promise.all(
      running.map((child) => new Promise((done) => child.once('close', done).kill('SIGTERM'))),
    );
    rmSync(this.home, { recursive: true, force: true });
  }
}
