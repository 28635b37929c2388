import { readFileSync } from 'node:fs';
import { pathOf, tables, withTable } from '../../tools/docs/tables';

test.each(tables)('docs/$page has the current table of $name: npm run docs:tables', (table) => {
  const page = readFileSync(pathOf(table), 'utf8');

  expect(page).toBe(withTable(page, table));
});

test.each(tables)('docs/$page needs the marks of its table', (table) => {
  expect(() => withTable('# Page\n', table)).toThrow(
    `docs/${table.page} must hold <!-- ${table.name}: … -->`,
  );
});
