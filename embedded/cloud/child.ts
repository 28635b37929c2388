import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Workspace } from '../../session/workspace';
import { appendRaw } from './logs';

export interface ChildOptions {
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** Its complete standard input. Pass secrets here: every user can read a command line. @default nothing */
  input?: string;
  /** File to which its output is appended. */
  log: string;
  onLine?: (line: string) => void;
  /** Set for a program that does not notice when this process has died: the guard ends it then. */
  guarded: boolean;
}

/**
 * Starts a program of the lake in its own process group. Ctrl-C then reaches only this process, which ends the
 * programs in the right order.
 */
export function startChild(workspace: Workspace, options: ChildOptions): ChildProcess {
  const { command, args, env = workspace.env, input, log, onLine, guarded } = options;
  mkdirSync(dirname(log), { recursive: true });
  const guard = join(workspace.root, 'cli', 'setup', 'guard.mjs');
  const [program, ...rest] = guarded
    ? [process.execPath, guard, command, ...args]
    : [command, ...args];
  const child = spawn(program ?? command, rest, {
    cwd: workspace.root,
    env,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  // A program that ends before it reads its input has already printed the reason.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      appendRaw(log, line);
      onLine?.(line);
    });
  }
  return child;
}

/** Resolves with the exit code; -1 when a signal ended the program or it could not be started. */
export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    child.once('exit', (code) => resolve(code ?? -1));
    child.once('error', () => resolve(-1));
  });
}

/** Sends SIGTERM; kills the process group after `graceMillis`. Resolves when the program has ended. */
export async function endChild(child: ChildProcess, graceMillis: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const group = -child.pid;
  const ended = exitOf(child);
  child.kill('SIGTERM');
  const timer = setTimeout(() => process.kill(group, 'SIGKILL'), graceMillis);
  await ended;
  clearTimeout(timer);
}
