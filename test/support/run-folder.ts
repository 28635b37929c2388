import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VARIABLE = 'LAKE_TEST_RUN_FOLDER';

/** A folder that all test files of one jest run share: empty when it starts, removed when it ends. */
export function runFolder(): string {
  const folder = process.env[VARIABLE];
  if (folder === undefined) throw new Error(`${VARIABLE} is not set: jest.config.cjs sets it up`);
  return folder;
}

export const setUp = (): void => {
  process.env[VARIABLE] = mkdtempSync(join(tmpdir(), 'sentiment-lake-tests-'));
};

export const tearDown = (): void => rmSync(runFolder(), { recursive: true, force: true });
