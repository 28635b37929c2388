import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(__dirname, '../..');
export const commandLine = join(root, 'cli/setup/main.mjs');

/** An orderly stop takes a few seconds; after this the process group is killed. */
const endMillis = 20_000;
const readyMillis = 8 * 60_000;

const running = new Set<ChildProcess>();

/** Starts a Node program in a process group of its own. */
export function startNode(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, args, {
    ...{ cwd: root, detached: true },
    // A command that npm started ends when its parent is gone.
    env: { npm_execpath: 'npm', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Sends SIGINT, as Ctrl-C does, and kills the process group if that does not end it. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, endMillis);
  await ended;
  clearTimeout(timer);
}

/** Standard output of a program that has to succeed within `limitMillis`. */
export async function output(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  limitMillis: number,
): Promise<string> {
  const child = startNode(args, env);
  let text = '';
  let errors = '';
  child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (errors += data.toString()));
  const timer = setTimeout(() => void end(child), limitMillis);
  const [code]: unknown[] = await once(child, 'close');
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}\n${text}${errors}`);
  return text;
}

/** Starts `npm run up` and waits until the lake is up. */
export async function bringUp(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = startNode([commandLine, 'up'], env);
  let text = '';
  await new Promise<void>((done, failed) => {
    const timer = setTimeout(() => failed(new Error(`the lake is not up:\n${text}`)), readyMillis);
    const look = (data: Buffer) => {
      // What comes later is not looked at; the lake must be able to write it.
      if (text.includes('Ctrl-C ends it')) return;
      text += data.toString();
      if (!text.includes('Ctrl-C ends it')) return;
      clearTimeout(timer);
      done();
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', () => {
      clearTimeout(timer);
      failed(new Error(`the lake has ended:\n${text}`));
    });
  });
  return child;
}

/**
 * Ends all programs and removes the folder when the benchmark ends, also after Ctrl-C. tsx passes a signal on that its
 * terminal has sent already: further ones are expected.
 */
export async function tidily(folder: string, work: () => Promise<void>): Promise<void> {
  const tidy = async () => {
    await Promise.all([...running].map(end));
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  };
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] satisfies NodeJS.Signals[])
    process.on(signal, () => {
      if (isStopping) return;
      isStopping = true;
      process.stdout.write('Stopping …\n');
      void tidy().finally(() => process.exit(130));
    });
  try {
    await work();
  } catch (error) {
    if (!isStopping)
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    if (!isStopping) await tidy();
  }
}
