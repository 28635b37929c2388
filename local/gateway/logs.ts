import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const TAIL_BYTES = 64 * 1024;

/** The end of a log, at most 64 KB; empty when there is none. */
export function tail(path: string): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * The line that says why a program failed: the exception of the last Python traceback
 * (Spark logs its shutdown after it), else the last line that is not blank.
 */
export function lastMeaningfulLine(log: string): string {
  const lines = log.split('\n').map((line) => line.trimEnd());
  const traceback = lines.lastIndexOf('Traceback (most recent call last):');
  if (traceback >= 0) {
    const exception = lines.slice(traceback + 1).find((line) => /^\S/.test(line));
    if (exception) return exception;
  }
  return lines.findLast((line) => line !== '')?.trim() ?? 'the program wrote no output';
}
