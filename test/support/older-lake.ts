import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

const fixture = resolve(__dirname, '..', 'fixtures', 'lake-484cd63.tar.gz');

/** Unpacks the lake that 484cd63 wrote (test/fixtures/README-lake-484cd63.md) into a folder, open as it was then. */
export function unpackOlderLake(home: string): void {
  mkdirSync(home, { recursive: true });
  execFileSync('tar', ['xzf', fixture, '--no-same-owner', '-C', home]);
}
