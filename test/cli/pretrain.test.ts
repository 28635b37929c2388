import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readCorpusFile } from '../../cli/pretrain';
import { parseEncoding } from '../../cli/read-text';
import { UserError } from '../../session/user-error';

const folder = mkdtempSync(join(tmpdir(), 'corpora-'));
afterAll(() => rmSync(folder, { recursive: true }));

const row = (changes: object = {}) =>
  JSON.stringify({ task: 'mood', text: 'so nice', label: 1, ...changes });

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('rows are counted by task, and a gzipped file is the same object as a plain one', () => {
  const lines = `${row()}\n\n${row({ label: 'joy' })}\n${row({ task: 'irony' })}\n`;

  const plain = readCorpusFile(file('My Corpus.jsonl', lines));
  const packed = readCorpusFile(file('my-corpus.jsonl.gz', gzipSync(lines)));

  expect([...plain.rowsByTask]).toEqual([
    ['mood', 2],
    ['irony', 1],
  ]);
  expect(plain.key).toMatch(/^raw-data\/corpora\/my-corpus-[0-9a-f]{16}\.jsonl\.gz$/);
  expect(packed.key).toBe(plain.key);
  expect(gunzipSync(plain.content).toString()).toBe(lines);
});

test.each([
  ['a row that is no JSON', `${row()}\n{`, 'line 2 is not JSON'],
  ['a row without a task', `${row({ task: '' })}`, 'line 1: expected {"task"'],
  [
    'a label that is neither word nor whole number',
    `${row({ label: 1.5 })}`,
    'line 1: expected {"task"',
  ],
  ['no row', '\n', 'holds no row'],
  ['bytes that are no text', Buffer.from([0x7b, 0xff]), 'is not UTF-8'],
  ['half a gzip file', gzipSync(row().repeat(99)).subarray(0, 30), 'is gzip that is cut short'],
  [
    'Latin-1',
    Buffer.from(`${row()}\n${row({ text: 'caf\xe9' })}\n`, 'latin1'),
    'line 2: is not UTF-8',
  ],
])('%s is refused', (_, content, complaint) => {
  const path = file('wrong.jsonl', content);

  expect(() => readCorpusFile(path)).toThrow(UserError);
  expect(() => readCorpusFile(path)).toThrow(complaint);
});

test('a corpus in another encoding is read once that is said, and kept as UTF-8', () => {
  const line = row({ text: 'caf\xe9 \u20ac' });
  const path = file('mine.jsonl', Buffer.from(row({ text: 'caf\xe9 \x80' }), 'latin1'));

  const corpus = readCorpusFile(path, parseEncoding('windows-1252'));

  expect(gunzipSync(corpus.content).toString()).toBe(line);
});

test('texts that lost a character before are counted', () => {
  const path = file(
    'lost.jsonl',
    [row(), row({ text: 'caf\uFFFD' }), row({ text: '\uFFFD' })].join('\n'),
  );

  expect(readCorpusFile(path).damaged).toBe(2);
});
