import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { parseLabels } from '../../functions/lake/labels';
import { gunzip, unpackText } from '../../functions/lake/unpack';
import { NO_TEXT_HASH } from '../../workflows/labels';
import { textHash } from '../../workflows/text-key';

const Fixture = z.object({ labels: z.array(z.string()), others: z.array(z.string()) });
const path = join(__dirname, '../fixtures/label-lines.json');
const lines = Fixture.parse(JSON.parse(readFileSync(path, 'utf8')));

test('takes the same lines for labels as the training job and Spark', () => {
  expect(lines.labels.filter((line) => parseLabels(line).problem !== null)).toEqual([]);
  expect(lines.others.filter((line) => parseLabels(line).rows.length > 0)).toEqual([]);
});

test('keeps the labels of an object that holds other lines, and names the first of those', () => {
  const text = [lines.labels[0], 'label,text', lines.labels[1], '', lines.others[0]].join('\n');

  const { rows, problem } = parseLabels(text);

  expect(rows).toHaveLength(2);
  expect(problem).toBe(
    'holds 2 lines of 4 that are no labels, the first is line 2: not a flat JSON object',
  );
});

test.each([
  ['nothing', Buffer.alloc(0), 'is empty'],
  ['a text', Buffer.from('not gzip'), 'is not gzip'],
  ['half of one', gzipSync('x'.repeat(1000)).subarray(0, 15), 'is gzip that is cut short'],
  ['a bomb', gzipSync(Buffer.alloc(65 * 2 ** 20)), 'unpacks to more than 64 MB'],
])('gzip that is %s says so', (_, bytes, problem) => {
  expect(() => gunzip(bytes)).toThrow(problem);
});

test('a text that is not UTF-8 is not repaired in silence', () => {
  expect(() => unpackText(Buffer.from('caf\xe9', 'latin1'))).toThrow('is not UTF-8');
});

test('a label that claims to be a little newer than now is one, for clocks are wrong', () => {
  const at = (hours: number) =>
    JSON.stringify({
      ...z.looseObject({}).parse(JSON.parse(lines.labels[0] ?? '')),
      imported_at: new Date(Date.now() + hours * 3_600_000).toISOString(),
    });

  expect(parseLabels(at(23)).rows).toHaveLength(1);
  expect(parseLabels(`${at(25)}\n`)).toEqual({
    rows: [],
    problem: expect.stringMatching(/the first is line 1: imported_at.* lies in the future/),
  });
});

test('the key of a text of which nothing is left is the one that readers know', () => {
  expect(textHash('@ann https://t.co/abc')).toBe(NO_TEXT_HASH);
});
