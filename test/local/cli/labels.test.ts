import { distinctLabels } from '../../../local/cli/labels/import';
import { parseLabels } from '../../../local/cli/labels/parse';

test('CSV with quoted cells, other columns and any line end', () => {
  const csv = '\uFEFFid,Label,Text\r\n1,positive,"so ""good"", really"\r\n2,neg,two\nlines? no\n3,0,"two\nlines"\n';

  const { rows, rejected } = parseLabels('mine.csv', csv);

  expect(rows).toEqual([
    { line: 2, text: 'so "good", really', label: 'positive' },
    { line: 3, text: 'two', label: 'negative' },
    { line: 5, text: 'two\nlines', label: 'neutral' },
  ]);
  expect(rejected).toEqual([{ line: 4, reason: 'it needs a text and a label' }]);
});

test('TSV and JSON Lines', () => {
  const tsv = parseLabels('a.tsv', 'text\tlabel\na, b\t1\n');
  const jsonl = parseLabels('a.jsonl', '{"text":"a","label":"Positive","by":"me"}\n\n{"text":"b","label":-1}\n');

  expect(tsv.rows).toEqual([{ line: 2, text: 'a, b', label: 'positive' }]);
  expect(jsonl.rows).toEqual([
    { line: 1, text: 'a', label: 'positive' },
    { line: 3, text: 'b', label: 'negative' },
  ]);
});

test('bad rows are refused with their line and reason, the others kept', () => {
  const { rows, rejected } = parseLabels('a.jsonl', '{"text":"a","label":"happy"}\nnot json\n{"text":" ","label":"neutral"}\n{"text":"ok","label":"neutral"}');

  expect(rows).toEqual([{ line: 4, text: 'ok', label: 'neutral' }]);
  expect(rejected).toEqual([
    { line: 1, reason: '"happy" is no label: negative, neutral or positive is' },
    { line: 2, reason: 'it is not JSON' },
    { line: 3, reason: 'the text is empty' },
  ]);
});

test.each([
  ['a.csv', 'words,label\nx,neutral', 'The first line must name the columns text and label; it names words, label.'],
  ['a.csv', 'text,label\n"x,neutral', 'A quotation mark opened in the row of line 2 is not closed.'],
  ['a.xlsx', '', 'a.xlsx must end in .csv, .tsv, .jsonl or .ndjson.'],
])('%s that cannot be read is refused as a whole', (path, content, message) => {
  expect(() => parseLabels(path, content)).toThrow(message);
});

test('texts that differ in case, mentions and links are one text', () => {
  const { labels, doubles } = distinctLabels([
    { line: 1, text: 'RT @a: So good https://x.y/z', label: 'positive' },
    { line: 2, text: 'so GOOD', label: 'positive' },
  ]);

  expect([...labels.values()]).toEqual([{ line: 1, text: 'RT @a: So good https://x.y/z', label: 'positive' }]);
  expect(doubles).toBe(1);
});

test('a majority settles a disagreement; a tie is refused with its lines', () => {
  const { labels, doubles, rejected } = distinctLabels([
    { line: 1, text: 'meh', label: 'neutral' },
    { line: 2, text: 'meh', label: 'negative' },
    { line: 3, text: 'Meh', label: 'negative' },
    { line: 4, text: 'hm', label: 'neutral' },
    { line: 5, text: 'hm', label: 'positive' },
  ]);

  expect([...labels.values()].map(({ label }) => label)).toEqual(['negative']);
  expect(doubles).toBe(2);
  expect(rejected).toEqual([{ line: 4, reason: 'lines 4, 5 label the same text differently' }]);
});
