import { createWriteStream, mkdirSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SetupError } from './versions.mjs';

const seconds = (since) => `${Math.round((Date.now() - since) / 1000)} s`;
const running = new Set();
const guard = join(dirname(fileURLToPath(import.meta.url)), 'guard.mjs');

/** Ends the commands that the set-up has started; for signals that end the set-up. */
export function endChildren() {
  for (const child of running) child.kill('SIGTERM');
}

/** A progress line: redrawn on a terminal, elsewhere printed now and then. */
function progressLine(title, terminal) {
  const started = Date.now();
  let detail = '';
  const draw = () => {
    const line = `  ${title}  ${seconds(started)}  ${detail}`;
    if (terminal)
      process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    else console.error(line.trimEnd());
  };
  if (!terminal) console.error(`  ${title} …`);
  const timer = setInterval(draw, terminal ? 200 : 15_000);
  return {
    say(text) {
      detail = text;
    },
    end(outcome) {
      clearInterval(timer);
      if (terminal) process.stderr.write('\r\x1b[2K');
      console.error(`  ${title}: ${outcome} in ${seconds(started)}`);
    },
  };
}

/**
 * Runs a command of the set-up under a guard and shows its progress. `interesting` picks the part of
 * an output line to show. Throws SetupError with the last lines of the output on a failure.
 */
export function runStep({ title, command, args, cwd, env, log, interesting }) {
  mkdirSync(dirname(log), { recursive: true });
  const file = createWriteStream(log, { flags: 'a' });
  file.on('error', () => undefined);
  file.write(`\n$ ${command} ${args.join(' ')}\n`);
  const progress = progressLine(title, process.stderr.isTTY);
  const child = spawn(process.execPath, [guard, command, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const tail = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      file.write(`${line}\n`);
      tail.push(line);
      if (tail.length > 15) tail.shift();
      const detail = interesting?.(line);
      if (detail) progress.say(detail);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      running.delete(child);
      file.end();
      progress.end(code === 0 ? 'done' : 'failed');
      if (code === 0) resolve();
      else {
        reject(
          new SetupError(
            `${tail.map((line) => `    ${line}`).join('\n')}\nSet-up failed at "${title}" (exit code ${code}). ` +
              `The complete output is in ${log}. Run the same command again to continue from there.`,
          ),
        );
      }
    });
  });
}
