import { distinctLabels } from '../../../local/cli/labels/import';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseLabels, parseMap } from '../../../local/cli/labels/parse';
import { isTweetEval, readTweetEval } from '../../../local/cli/labels/tweeteval';

test('CSV with quoted cells, other columns and any line end', () => {
  const csv =
    '\uFEFFid,Label,Text\r\n1,positive,"so ""good"", really"\r\n2,neg,two\nlines? no\n3,0,"two\nlines"\n';

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
    '{"text":"a","label":"happy"}\nnot json\n{"text":" ","label":"neutral"}\n{"text":"ok","label":"neutral"}',
  );

  expect(rows).toEqual([{ line: 4, text: 'ok', label: 'neutral' }]);
  expect(rejected).toEqual([
    {
      line: 1,
      reason: '"happy" is no label: negative, neutral or positive is, or what --map says',
    },
    { line: 2, reason: 'it is not JSON' },
    { line: 3, reason: 'the text is empty' },
  ]);
});

test.each([
  [
    'a.csv',
    'words,label\nx,neutral',
    'The first line must name the columns text and label; it names words, label. Others are named with --text-column and --label-column.',
  ],
  ['a.csv', 'text,label\n"x,neutral', 'The file is no table: Quote Not Closed'],
  [
    'a.xlsx',
    '',
    'a.xlsx must end in .csv, .tsv, .jsonl or .ndjson, or be a folder or …_text.txt laid out as TweetEval.',
  ],
])('%s that cannot be read is refused as a whole', (path, content, message) => {
  expect(() => parseLabels(path, content)).toThrow(message);
});

test('texts that differ in case, mentions and links are one text', () => {
  const { labels, doubles } = distinctLabels([
    { line: 1, text: 'RT @a: So good https://x.y/z', label: 'positive' },
    { line: 2, text: 'so GOOD', label: 'positive' },
  ]);

  expect([...labels.values()]).toEqual([
    { line: 1, text: 'RT @a: So good https://x.y/z', label: 'positive' },
  ]);
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

test('columns and words of another file are named and mapped', () => {
  const columns = {
    text: 'Tweet',
    label: 'class',
    map: parseMap('4=positive, 0=negative,mixed=neutral'),
  };

  const csv = parseLabels(
    'a.csv',
    'id,Class,tweet\n1,4,fine\n2,0,poor\n3,MIXED,so so\n4,5,what\n',
    columns,
  );
  const jsonl = parseLabels('a.jsonl', '{"Tweet":"fine","class":4}\n', columns);

  expect(csv.rows.map(({ line, label }) => [line, label])).toEqual([
    [2, 'positive'],
    [3, 'negative'],
    [4, 'neutral'],
  ]);
  expect(csv.rejected).toEqual([
    { line: 5, reason: '"5" is no label: negative, neutral or positive is, or what --map says' },
  ]);
  expect(jsonl.rows).toEqual([{ line: 1, text: 'fine', label: 'positive' }]);
  expect(() => parseMap('4=good')).toThrow('--map takes a list like neg=negative,4=positive');
  expect(() => parseMap('positive')).toThrow('but got "positive"');
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
    'val_labels.txt': '2\n7\n',
  };

  test('a folder gives all of its pairs, one file only its own', () => {
    const folder = layout(files);

    const all = readTweetEval(folder, new Map());
    const one = readTweetEval(join(folder, 'train_text.txt'), new Map());

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
    [
      { ...files, 'mapping.txt': '0\tjoy\n' },
      'mapping.txt, line 1: "0\tjoy" is no number and one of',
    ],
    [{ 'notes.txt': '' }, 'holds no …_text.txt'],
    [{ 'train_text.txt': 'alone\n' }, 'train_labels.txt cannot be read'],
  ])('%# what does not belong together is refused as a whole', (given, message) => {
    expect(() => readTweetEval(layout(given), new Map())).toThrow(message);
  });
});
