import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

const TAIL_BYTES = 64 * 1024;

export function logSize(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** The last 64 KB of a log, but nothing before byte `from`; empty when there is no log. */
export function tail(path: string, from = 0): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const start = Math.max(from, size - TAIL_BYTES);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    readSync(file, bytes, 0, bytes.length, start);
    return bytes.toString('utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * The line of a log that says why the program failed: the exception of the last Python traceback (Spark logs its
 * shutdown after it), or of the last Node stack, or else the last line that is not blank.
 */
export function lastMeaningfulLine(log: string): string {
  const lines = log.split('\n').map((line) => line.trimEnd());
  return (
    pythonException(lines) ??
    nodeException(lines) ??
    lines.findLast((line) => line !== '')?.trim() ??
    'the program wrote no output'
  );
}

function pythonException(lines: readonly string[]): string | undefined {
  const traceback = lines.lastIndexOf('Traceback (most recent call last):');
  return traceback < 0 ? undefined : lines.slice(traceback + 1).find((line) => /^\S/.test(line));
}

function nodeException(lines: readonly string[]): string | undefined {
  return lines.findLast(
    (line, i) => /^\w*Error\b/.test(line) && /^ {4}at /.test(lines[i + 1] ?? ''),
  );
}
