import { distinctLabels } from '../../cli/labels/import';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseMap } from '../../cli/labels/classes';
import { parseLabels } from '../../cli/labels/parse';
import { usualColumns } from '../../cli/labels/rows';
import { isTweetEval, readTweetEval } from '../../cli/labels/tweeteval';

test('CSV with quoted cells, other columns and any line end', () => {
  const csv =
    '\uFEFFid,Label,Text\r\n1,positive,"so ""good"", really"\r\n2,neg,two\nlines? no\n3,neutral,"two\nlines"\n';

  const { rows, rejected } = parseLabels('mine.csv', csv);

  expect(rows).toEqual([
    { line: 2, text: 'so "good", really', label: 'positive' },
    { line: 3, text: 'two', label: 'negative' },
    { line: 5, text: 'two\nlines', label: 'neutral' },
  ]);
  expect(rejected).toEqual([{ line: 4, reason: 'it has 1 cell, the header 3' }]);
});

test('TSV and JSON Lines', () => {
  const tsv = parseLabels('a.tsv', 'text\tlabel\na, b\tPOS\n');
  const jsonl = parseLabels(
    'a.jsonl',
    '{"text":"a","label":"Positive","by":"me"}\n\n{"text":"b","label":-1}\n',
  );

  expect(tsv.rows).toEqual([{ line: 2, text: 'a, b', label: 'positive' }]);
  expect(jsonl.rows).toEqual([
    { line: 1, text: 'a', label: 'positive' },
    { line: 3, text: 'b', label: 'negative' },
  ]);
});

test('bad rows are refused with their line and reason, the others kept', () => {
  const { rows, rejected } = parseLabels(
    'a.jsonl',
    [
      '{"text":"a"}',
      'not json',
      '{"text":" ","label":"neutral"}',
      '{"text":"ok","label":"neutral"}',
      '{"text":5,"label":"neutral"}',
      '{"text":"b","label":["neutral"]}',
      '{"text":"b","label":" "}',
      '{"text":"b","text":"c","label":"neutral"}',
      '["b"]',
    ].join('\n'),
  );

  expect(rows).toEqual([{ line: 4, text: 'ok', label: 'neutral' }]);
  expect(rejected).toEqual([
    { line: 1, reason: 'it has no label' },
    { line: 2, reason: 'it is not JSON' },
    { line: 5, reason: 'its text is no text' },
    { line: 6, reason: 'its label is neither word nor number' },
    { line: 7, reason: 'the label is empty' },
    { line: 8, reason: 'it has the field text 2 times' },
    { line: 9, reason: 'it is not a JSON object' },
    { line: 3, reason: 'the text is empty' },
  ]);
});

test.each([
  [
    'a.csv',
    'words,label\nx,neutral',
    'The first line must name the columns text and label; it names words, label. Others are named with --text-column and --label-column; a file without such a line is read with --no-header.',
  ],
  [
    'a.csv',
    'text,label\n"x,neutral',
    'Line 2: the quotation mark that opens a cell here is never closed',
  ],
  [
    'a.xlsx',
    '',
    'a.xlsx must end in .csv, .tsv, .jsonl or .ndjson, or be a folder or …_text.txt laid out as TweetEval; a table with another ending is read with --delimiter.',
  ],
])('%s that cannot be read is refused as a whole', (path, content, message) => {
  expect(() => parseLabels(path, content)).toThrow(message);
});

test('texts that differ in case, mentions and links are one text', () => {
  const { labels, duplicates } = distinctLabels([
    { line: 1, text: 'RT @a: So good https://x.y/z', label: 'positive' },
    { line: 2, text: 'so GOOD', label: 'positive' },
  ]);

  expect([...labels.values()]).toEqual([
    { line: 1, text: 'RT @a: So good https://x.y/z', label: 'positive' },
  ]);
  expect(duplicates).toBe(1);
});

test('a majority settles a disagreement; a tie is refused with its lines', () => {
  const { labels, duplicates, rejected } = distinctLabels([
    { line: 1, text: 'meh', label: 'neutral' },
    { line: 2, text: 'meh', label: 'negative' },
    { line: 3, text: 'Meh', label: 'negative' },
    { line: 4, text: 'hm', label: 'neutral' },
    { line: 5, text: 'hm', label: 'positive' },
  ]);

  expect([...labels.values()].map(({ label }) => label)).toEqual(['negative']);
  expect(duplicates).toBe(2);
  expect(rejected).toEqual([{ line: 4, reason: 'lines 4, 5 label the same text differently' }]);
});

test('columns and words of another file are named and mapped', () => {
  const columns = {
    ...usualColumns,
    text: 'Tweet',
    label: 'class',
    map: parseMap('4=positive, 0=negative,mixed=neutral'),
  };

  const csv = parseLabels('a.csv', 'id,Class,tweet\n1,4,fine\n2,0,poor\n3,MIXED,so so\n', columns);
  const jsonl = parseLabels('a.jsonl', '{"Tweet":"fine","class":4}\n', columns);

  expect(csv.rows.map(({ line, label }) => [line, label])).toEqual([
    [2, 'positive'],
    [3, 'negative'],
    [4, 'neutral'],
  ]);
  expect(jsonl.rows).toEqual([{ line: 1, text: 'fine', label: 'positive' }]);
  expect(jsonl.notes).toEqual(['no row has the label 0, mixed of --map']);
});

test('blank lines and quotation marks in the middle of a cell change no line number', () => {
  const { rows } = parseLabels(
    'a.tsv',
    'text\tlabel\n\nhe said "no"\tnegative\n\n"two\nlines"\tneutral\nlast\tpositive\n',
  );

  expect(rows.map(({ line, text }) => [line, text])).toEqual([
    [3, 'he said "no"'],
    [5, 'two\nlines'],
    [7, 'last'],
  ]);
});

describe('the layout of TweetEval', () => {
  const layout = (files: Record<string, string>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'tweeteval-'));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return folder;
  };
  const files = {
    'mapping.txt': '0\tnegative\n1\tneutral\n2\tpositive\n',
    'train_text.txt': 'bad, "really"\nso so\n',
    'train_labels.txt': '0\n1\n',
    'val_text.txt': 'good\n\n',
    'val_labels.txt': '2\n1\n',
  };

  test('a folder gives all of its pairs, one file only its own', () => {
    const folder = layout(files);

    const all = readTweetEval(folder, usualColumns);
    const one = readTweetEval(join(folder, 'train_text.txt'), usualColumns);

    expect(isTweetEval(folder) && isTweetEval(join(folder, 'train_text.txt'))).toBe(true);
    expect(all.rows.map(({ file, line, label }) => [file, line, label])).toEqual([
      ['train_text.txt', 1, 'negative'],
      ['train_text.txt', 2, 'neutral'],
      ['val_text.txt', 1, 'positive'],
    ]);
    expect(all.rejected).toEqual([{ file: 'val_text.txt', line: 2, reason: 'the text is empty' }]);
    expect(one.rows).toHaveLength(2);
  });

  test.each([
    [{ ...files, 'train_labels.txt': '0\n' }, 'train_text.txt has 2 lines and train_labels.txt 1'],
    [{ ...files, 'mapping.txt': '0\n' }, 'mapping.txt, line 1: "0" is not a number and the name'],
    [
      { ...files, 'mapping.txt': '0\tjoy\n1\tneutral\n2\tpositive\n' },
      '"joy" (train_text.txt, line 1): this label has no certain meaning. Say it with --map, for example --map joy=skip',
    ],
    [{ ...files, 'mapping.txt': '' }, 'for example --map 0=negative,1=neutral,2=positive'],
    [
      { ...files, 'val_labels.txt': '2\n21\n' },
      '"21" (val_text.txt, line 2): this label has no certain meaning',
    ],
    [{ 'notes.txt': '' }, 'holds no …_text.txt'],
    [{ 'train_text.txt': 'alone\n' }, 'train_labels.txt cannot be read'],
  ])('%# what does not belong together is refused as a whole', (given, message) => {
    expect(() => readTweetEval(layout(given), usualColumns)).toThrow(message);
  });
});
