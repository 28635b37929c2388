import { readFileSync } from 'node:fs';
import { labels } from '../../workflows/evaluation';
import { latestImport, Sampling } from '../../workflows/labels';

const python = (file: string): string => readFileSync(file, 'utf8');
const tuple = (values: readonly string[]): string =>
  `(${values.map((value) => `"${value}"`).join(', ')})`;

test('Python knows the labels, how texts are drawn, and how far a clock may be ahead, as TypeScript does', () => {
  const rules = python('etl/text/label_rules.py');
  const ahead = latestImport(new Date(0));

  expect(rules).toContain(`LABELS = ${tuple(labels)}\n`);
  expect(rules).toContain(`SAMPLINGS = ${tuple(Sampling.options)}\n`);
  expect([ahead, rules]).toEqual([
    '1970-01-02T00:00:00.000Z',
    expect.stringContaining('MAY_BE_AHEAD = timedelta(days=1)\n'),
  ]);
  // The notebook runs without the rest of the repository.
  expect(python('ml/lake_notebook/tables.py')).toContain(`LABELS = ${tuple(labels)}\n`);
});

test('the check of unknown labels knows the labels', () => {
  const lists = python('queries/checks/unknown_labels.sql').match(/label not in \(.*?\)/g);

  expect(lists).not.toBeNull();
  expect(new Set(lists)).toEqual(
    new Set([`label not in (${labels.map((label) => `'${label}'`).join(', ')})`]),
  );
});
