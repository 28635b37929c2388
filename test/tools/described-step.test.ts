import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { changed, describedChanges } from '../support/described-step';

const root = resolve(__dirname, '..', '..');

/*
 * That the step works is seen in test/drills/kills.test.ts; here only that the page still fits the files it names.
 */
test('docs/add-a-step.md touches four files, and one for the permissions', () => {
  const files = new Set(describedChanges().map(({ file }) => file));

  expect([...files]).toEqual([
    'workflows/payloads.ts',
    'workflows/steps.ts',
    'functions/export-counts.ts',
    'workflows/state-machine.ts',
    'infra/constructs/data/lake-bucket.ts',
  ]);
});

test.each(describedChanges())(
  'its change of $file before or in place of $anchor fits',
  (change) => {
    const path = join(root, change.file);
    expect(existsSync(path)).toBe(change.anchor !== null);

    const text = change.anchor === null ? '' : readFileSync(path, 'utf8');

    expect(changed(text, change)).toContain(change.code.trimEnd());
  },
);

test('a place that the page names and the file lacks fails, with both', () => {
  const change = { file: 'a.ts', anchor: 'const gone', replaces: false, code: 'x\n' };

  expect(() => changed('const here = 1;\n', change)).toThrow(/a\.ts has 0 times `const gone`/);
});
