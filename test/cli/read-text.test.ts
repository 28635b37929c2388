import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseLabels } from '../../cli/labels/parse';
import { usualColumns } from '../../cli/labels/rows';
import { readTweetEval } from '../../cli/labels/tweeteval';
import { MAX_LABEL_FILE_BYTES, readText, textOf } from '../../cli/read-text';

let folder: string;
const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lake-text-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a table in Latin-1 is refused with the line and what to do, not repaired', () => {
  const path = file('mine.csv', Buffer.from('text,label\nfine,1\ncaf\xe9,1\n', 'latin1'));

  expect(() => readText(path, MAX_LABEL_FILE_BYTES)).toThrow(
    /mine\.csv, line 3: is not UTF-8\. Say which encoding it has \(--encoding windows-1252 .*Nothing was imported/,
  );
});

test("TweetEval's files, too", () => {
  file('mine_text.txt', Buffer.from('fine\ncaf\xe9\n', 'latin1'));
  file('mine_labels.txt', '1\n2\n');

  expect(() => readTweetEval(folder, usualColumns)).toThrow(/mine_text\.txt, line 2: is not UTF-8/);
});

test('a gzip bomb is refused in bounded memory', () => {
  const bomb = gzipSync(Buffer.alloc(3 * 2 ** 20));

  expect(() => textOf('mine.json.gz', bomb, 2 ** 21)).toThrow(
    'mine.json.gz unpacks to more than 2 MB. Nothing was imported.',
  );
});

test('a file that is too large is not read', () => {
  const path = file('mine.csv', 'text,label\n');

  expect(() => readText(path, 5)).toThrow(/is larger than .*split it/);
});

test('a text longer than a label takes is refused with its line', () => {
  const { rows, rejected } = parseLabels(
    'mine.csv',
    `text,label\n${'a'.repeat(10_000)},neutral\n${'a'.repeat(10_001)},neutral\n`,
  );

  expect(rows.map(({ line }) => line)).toEqual([2]);
  expect(rejected).toEqual([
    { line: 3, reason: 'the text has 10001 characters; 10000 is the maximum' },
  ]);
});
