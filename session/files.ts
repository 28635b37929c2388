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
  EFBIG: 'the file would exceed the size limit (ulimit -f)',
  EROFS: 'the disk is read-only',
  EACCES: 'this user has no write permission',
  ENOENT: 'its folder does not exist any more',
};

/** A file could not be written; the previous file is unchanged. Shown as its message only, without a stack. */
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
 * Writes a complete file or nothing, even when the process is killed or the disk is full. After it returns, the
 * file survives a power cut. Throws FileNotWritten, and leaves the previous file unchanged.
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
      // On a disk that became read-only the partial file stays. The next write replaces it.
    }
    throw new FileNotWritten(path, error);
  }
}

function writeWhole(path: string, bytes: Buffer): void {
  const file = openSync(path, 'w', 0o600);
  try {
    // writeFileSync loops: a disk that fills up accepts what still fits, and fails only at the next write.
    writeFileSync(file, bytes);
    const { size } = fstatSync(file);
    if (size !== bytes.length) throw new Error(`${size} of ${bytes.length} bytes arrived`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes a rename in a folder survive a power cut. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A sentence for an error of the disk, with the path and the reason; undefined for any other error. */
export function describeDiskError(error: unknown): string | undefined {
  const code = errorCode(error);
  if (!(error instanceof Error) || typeof code !== 'string' || !('syscall' in error))
    return undefined;
  const why = reasons[code];
  if (why === undefined) return undefined;
  const path =
    'path' in error && typeof error.path === 'string' ? error.path : 'A file of the lake';
  return `${path} could not be used: ${code === 'ENOENT' ? 'it does not exist' : why}.`;
}

/**
 * A safe file name for something that others have named, such as an execution: no `..`, no slashes. Ordinary
 * names stay unchanged; others end in a hash, so that two names never share a file.
 */
export function fileName(name: string): string {
  if (/^\w[\w.-]{0,99}$/.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.replaceAll(/[^\w-]/g, '_').slice(0, 80)}-${hash}`;
}

/** The code of a system error (`EEXIST`, `ESRCH`); undefined for anything else. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
