import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTables } from '../../tools/docs/tables';

const page = readFileSync(join(__dirname, '../../docs/architecture.md'), 'utf8');

test('docs/architecture.md has the steps as workflows/steps.ts has them (npm run docs:tables)', () => {
  expect(page).toBe(withTables(page));
});

test('a page without the marker comments is told what it lacks', () => {
  expect(() => withTables('# Architecture\n')).toThrow(/must hold <!-- steps: … -->/);
});
