import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const root = resolve(__dirname, '..', '..', '..');
export const setup = join(root, 'cli', 'setup');

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'set-up-'));

/** A folder of programs that print what they are told to, for a PATH that holds nothing else. */
export function fakePrograms(outputs: Record<string, string>): string {
  const folder = join(newFolder(), 'bin');
  mkdirSync(folder);
  for (const [name, output] of Object.entries(outputs)) {
    // java -version prints on standard error.
    writeFileSync(join(folder, name), `#!/bin/sh\necho '${output}' >&2\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

export interface Result {
  code: number | null;
  lines: string[];
}

/** Output and exit code of a program, both streams together. */
export function finish(child: ChildProcess): Promise<Result> {
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((done) => {
    child.on('close', (code) => done({ code, lines: output.trimEnd().split('\n') }));
  });
}

export const runNode = (args: string[], env: NodeJS.ProcessEnv = {}): Promise<Result> =>
  finish(spawn(process.execPath, args, { env: { ...process.env, ...env } }));

/** What an expression over one of the set-up's modules, `m`, gives, as JSON, or its error's message. */
export async function ask(
  module: string,
  expression: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const url = pathToFileURL(join(setup, module)).href;
  const code = `const m = await import('${url}'); try { console.log(JSON.stringify(await (${expression}))) } catch (e) { console.log(e.message) }`;
  const { lines } = await runNode(['--input-type=module', '-e', code], env);
  return lines.join('\n');
}
