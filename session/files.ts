import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'a file may not be as large here (ulimit -f)',
  EROFS: 'the disk is read-only',
  EACCES: 'this user may not write there',
  ENOENT: 'its folder is gone',
};

/** A file that could not be written; what stood at its path before is untouched. Shown as its message alone. */
export class FileNotWritten extends Error {
  readonly oneLine = true;
  readonly exitCode = 1;
  readonly code: unknown;

  constructor(path: string, cause: unknown) {
    const code = errorCode(cause);
    const why = typeof code === 'string' ? reasons[code] : undefined;
    super(
      `${path} could not be written: ${why ?? (cause instanceof Error ? cause.message : String(cause))}.`,
      { cause },
    );
    this.code = code;
  }
}

/**
 * Writes a file whole or not at all, even when the process is killed in the middle or the disk is full; once it
 * returns, a power cut loses nothing. Throws FileNotWritten, and leaves nothing half written behind.
 */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  const bytes = Buffer.from(content);
  const partial = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeWhole(partial, bytes);
    renameSync(partial, path);
    syncFolder(dirname(path));
  } catch (error) {
    try {
      rmSync(partial, { force: true });
    } catch {
      // A disk that went read-only keeps it; the next write of the file replaces it.
    }
    throw new FileNotWritten(path, error);
  }
}

function writeWhole(path: string, bytes: Buffer): void {
  const file = openSync(path, 'w', 0o600);
  try {
    // Loops: a disk that fills up takes what still fits, and says so only at the next write.
    writeFileSync(file, bytes);
    const { size } = fstatSync(file);
    if (size !== bytes.length) throw new Error(`${size} of ${bytes.length} bytes arrived`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes a rename in a folder last through a power cut. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** An error of the disk as a sentence: what could not be used, and why; undefined for any other error. */
export function describeDiskError(error: unknown): string | undefined {
  const code = errorCode(error);
  if (!(error instanceof Error) || typeof code !== 'string' || !('syscall' in error))
    return undefined;
  const why = reasons[code];
  if (why === undefined) return undefined;
  const path =
    'path' in error && typeof error.path === 'string' ? error.path : 'A file of the lake';
  return `${path} could not be used: ${code === 'ENOENT' ? 'it is not there' : why}.`;
}

/**
 * The name of a file or folder for something that others have named, such as an execution: `..` and slashes lead
 * nowhere. Ordinary names stay as they are; others end in a hash that keeps them apart.
 */
export function fileName(given: string): string {
  if (/^\w[\w.-]{0,99}$/.test(given)) return given;
  const hash = createHash('sha256').update(given).digest('hex').slice(0, 12);
  return `${given.replaceAll(/[^\w-]/g, '_').slice(0, 80)}-${hash}`;
}

/** The code of a system error (`EEXIST`, `ESRCH`); undefined for anything else. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
