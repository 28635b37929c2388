import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '..', '..');

/**
 * A disk of 64 KB: a real one where this user may mount one, else a limit on the size of files, which fails a
 * write in the same place (EFBIG for ENOSPC).
 */
export class FullDisk {
  readonly folder = mkdtempSync(join(tmpdir(), 'lake-disk-'));
  readonly isReal: boolean;

  constructor() {
    const options = ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', this.folder];
    this.isReal = spawnSync('mount', options).status === 0;
    mkdirSync(join(this.folder, 'lake'));
  }

  /** Runs TypeScript in a process that can write no more than fits; answers what it printed. */
  run(code: string): string {
    const node = [process.execPath, '--require', 'tsx/cjs', '-e', code];
    const limited = ['/bin/sh', '-c', 'trap "" XFSZ; ulimit -f 64; exec "$@"', 'sh', ...node];
    const [command = '', ...args] = this.isReal ? node : limited;
    return execFileSync(command, args, { cwd: root, encoding: 'utf8' });
  }

  remove(): void {
    if (this.isReal) execFileSync('umount', [this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
