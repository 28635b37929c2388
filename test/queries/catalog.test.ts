import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseQuery, renderedCatalog } from '../../queries/catalog';
import { executionParameters } from '../../queries/query';

const sql = `-- Which days?
-- parameters: from_day day = today-2, share number, name text = it's
select dt from tweets where dt >= ? /* from_day */ and share > ? /* share */ and n = ? /* name */ and dt < ? /* from_day */
`;
const today = new Date('2026-11-24T10:00:00Z');

test('reads every query of the folder, and each has a title', () => {
  const catalog = renderedCatalog();

  expect(catalog.filter(({ kind }) => kind === 'check')).toHaveLength(6);
  expect(catalog.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['daily_sentiment', 'top_contributors']),
  );
  expect(new Set(catalog.map(({ name }) => name)).size).toBe(catalog.length);
});

test('a query holds what it includes, and only one file says which prediction of a tweet counts', () => {
  const sentiment = renderedCatalog().find(({ name }) => name === 'daily_sentiment')?.sql;
  const ranking = ['checks', 'questions', 'shared'].flatMap((kind) =>
    readdirSync(join('queries', kind)).filter((file) =>
      readFileSync(join('queries', kind, file), 'utf8').includes('order by scored_at'),
    ),
  );

  expect(sentiment).toMatch(/from scored[^]*contains\(split\([^]*from sentiments/);
  expect(ranking).toEqual(['latest_predictions.sql']);
});

test('sends no line comment: Athena may count what is in it', () => {
  const noisy = parseQuery(
    'noisy',
    'question',
    "-- Is it X's?\nselect '--' as x -- isn't it?\nfrom t\n",
  );

  expect(noisy.sql).toBe("select '--' as x\nfrom t\n");
  for (const { name, sql: sent, placeholders } of renderedCatalog()) {
    expect([name, sent.includes('--'), sent.split('?').length - 1]).toEqual([
      name,
      false,
      placeholders.length,
    ]);
  }
});

test('gives one literal for each placeholder, in the order of the text', () => {
  const query = parseQuery('days', 'question', sql);

  expect(executionParameters(query, { share: 0.5 }, today)).toEqual([
    "'2026-11-22'",
    '0.5',
    "'it''s'",
    "'2026-11-22'",
  ]);
});

test.each([
  [{}, 'days needs a value for share'],
  [{ share: 'much' }, 'days: share must be a number (got "much")'],
  [
    { share: 1, to_day: '2026-11-24' },
    'days has no parameter "to_day"; it takes from_day, share, name',
  ],
])('refuses %j', (values, message) => {
  const query = parseQuery('days', 'question', sql);

  expect(() => executionParameters(query, values, today)).toThrow(message);
});

test.each([
  'monday',
  '2026-13-01',
  '2026-02-30',
  '2025-02-29',
  '2026-2-3',
  '0000-00-00',
  '20261124',
])('refuses %j for a day', (from_day) => {
  const query = parseQuery('days', 'question', sql);

  expect(() => executionParameters(query, { share: 1, from_day }, today)).toThrow(
    `days: from_day must be a day of the calendar like 2026-11-24 (got "${from_day}")`,
  );
});

const ranked = `-- Who?
-- parameters: from_day day = today-7, to_day day = today, top count = 5
select ? /* from_day */, ? /* to_day */, ? /* top */
`;

test.each(['0', '-1', '1.5', '1e3', '', '99999999999'])('refuses %j for a count', (top) => {
  expect(() => executionParameters(parseQuery('who', 'question', ranked), { top }, today)).toThrow(
    `who: top must be a whole number from 1 to 999999999 (got "${top}")`,
  );
});

test.each([
  [
    { from_day: '2026-11-20', to_day: '2026-11-19' },
    'from_day 2026-11-20 is after to_day 2026-11-19',
  ],
  [{ from_day: '2026-11-25' }, 'from_day 2026-11-25 is after to_day 2026-11-24'],
])('refuses days in the wrong order: %j', (values, message) => {
  const query = parseQuery('who', 'question', ranked);

  expect(() => executionParameters(query, values, today)).toThrow(message);
});

test('takes one day, and a leap day', () => {
  const query = parseQuery('who', 'question', ranked);

  expect(
    executionParameters(query, { from_day: '2024-02-29', to_day: '2024-02-29' }, today),
  ).toEqual(["'2024-02-29'", "'2024-02-29'", '5']);
});

test.each([
  ['select 1', 'its first line must be a comment'],
  ['-- Q?\nselect ?', '1 placeholders lack their name'],
  ['-- Q?\n-- parameters: a text\nselect 1', 'declared and used parameters differ: a'],
  ['-- Q?\nselect ? /* b */', 'declared and used parameters differ: b'],
  ['-- Q?\n-- parameters: a\nselect ? /* a */', 'cannot read the parameter "a"'],
])('refuses a file that is not as described: %j', (text, message) => {
  expect(() => parseQuery('broken', 'check', text)).toThrow(message);
});
