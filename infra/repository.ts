import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The repository's root folder. */
export const repositoryRoot = join(__dirname, '..');

export const inRepository = (...path: string[]): string => join(repositoryRoot, ...path);

/**
 * Calls `use` with an empty folder and deletes the folder afterwards. Assets are copied when their construct is
 * created, so the folder is not needed later, and two parallel syntheses do not share one.
 */
export function withScratchFolder<Result>(use: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'sentiment-lake-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Files of tools and editors, which must not change the hash of an asset. Hidden files are only copied when named by
 * their own path.
 */
const strays =
  /(^|\/)(__pycache__|node_modules|\..+|Thumbs\.db|desktop\.ini)(\/|$)|(\.pyc|\.orig|\.rej|\.bak|\.tmp|\.log|\.swp|~|#)$/;

/** Copies a file or folder of the repository to `to` below `folder` (default: the same path), without stray files. */
export function copyInto(folder: string, path: string, to = path): void {
  cpSync(inRepository(path), join(folder, to), {
    recursive: true,
    filter: (source) =>
      source === inRepository(path) || !strays.test(source.slice(inRepository(path).length + 1)),
  });
}

/** SHA-256 of a file of the repository, in hex. */
export const checksum = (path: string): string =>
  createHash('sha256')
    .update(readFileSync(inRepository(path)))
    .digest('hex');

export interface Revision {
  /** The commit that is checked out; `unknown` without git. */
  readonly commit: string;
  /** Whether the files may differ from that commit. */
  readonly dirty: boolean;
}

/** The revision of the code, for the manifests of models. */
export function revision(folder = dirname(__dirname)): Revision {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return { commit: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain') !== '' };
  } catch {
    // A download without git history: its state is unknown.
    return { commit: 'unknown', dirty: true };
  }
}
