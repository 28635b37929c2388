import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseExactly } from '../../functions/x/exact-json';
import { canBringRetweets } from '../../functions/x/queries';
import { originalsIn } from '../../functions/x/record';
import { isInvalidRecord, toRow } from '../../functions/x/tweets';
import { isWithheldNotice } from '../../functions/x/withheld';

const file = (name: string): string =>
  readFileSync(join(__dirname, '..', 'cases', name), 'utf8').trimEnd();
const table = (name: string): string[][] =>
  file(name)
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split('\t'));

const GOOD = {
  id: '1',
  text: 'a post',
  author_id: '77',
  created_at: '2026-11-23T10:00:00.000Z',
  lang: 'en',
};
const context = {
  usernames: new Map([['77', 'ada']]),
  originals: new Map(),
  queryName: 'keywords',
  runId: 'run-1',
  fetchedAt: '2026-11-28T02:20:00.000Z',
  serverTime: new Date('2026-11-28T02:20:00.000Z'),
};
const read = (record: unknown, originals: unknown = []) =>
  toRow(record, { ...context, originals: originalsIn(originals) });

interface TextCase {
  name: string;
  record: Record<string, unknown>;
  originals?: unknown[];
  text?: string;
  row?: object;
  reason?: string;
}
const texts: TextCase[] = JSON.parse(file('post-texts.json'));

test.each(texts.map((one) => [one.name, one] as const))('a text: %s', (_, one) => {
  const { author_id, ...record } = { ...GOOD, ...one.record };

  const row = read(author_id === '<none>' ? record : { ...record, author_id }, one.originals);

  if (one.reason === undefined) {
    expect(row).toMatchObject({ text: one.text, ...one.row });
  } else {
    expect(row).toEqual({ reason: expect.stringContaining(one.reason) });
  }
});

interface MetricCase {
  name: string;
  record: object;
  counts?: (number | null)[];
  reason?: string;
}
const metrics: MetricCase[] = JSON.parse(file('post-metrics.json'));

test.each(metrics.map((one) => [one.name, one] as const))('metrics: %s', (_, one) => {
  const row = read({ ...GOOD, ...one.record });

  if (one.counts === undefined) {
    expect(row).toEqual({ reason: one.reason });
  } else {
    const [retweet_count, reply_count, like_count, quote_count] = one.counts;
    expect(row).toMatchObject({ retweet_count, reply_count, like_count, quote_count });
  }
});

test.each(table('created-at.tsv'))('created_at of %s, %s: %s', (id = '', sent = '', expected) => {
  // As it comes: the digits of a long number survive.
  const created_at = parseExactly(sent);

  const row = read({ ...GOOD, id, created_at });

  expect(isInvalidRecord(row) ? row.reason.slice(0, expected?.length) : row.created_at).toBe(
    expected,
  );
});

test.each(table('withheld.tsv'))(
  'a notice of a withheld post: %s, marked %s, %s',
  (is, marked, text = '') => {
    expect(isWithheldNotice(text, marked === 'yes')).toBe(is === 'yes');
  },
);

test.each([
  ['tea -is:retweet', false],
  ['(tea OR coffee) lang:en -is:retweet', false],
  ['-is:retweet tea', false],
  ['tea', true],
  ['tea is:retweet', true],
  ['(tea -is:retweet) OR coffee', true],
  ['tea -is:retweet OR coffee', true],
  ['(tea -is:retweet) coffee', true],
  ['"-is:retweet"', true],
  ['tea -is:retweeted', true],
])('%s can bring retweets: %s', (query, can) => {
  expect(canBringRetweets(query)).toBe(can);
});

test('a long number keeps its digits wherever it stands, and nothing else changes', () => {
  const json = fc
    .jsonValue()
    .map((value) => JSON.stringify(value))
    .filter((text) => !/(?<![\d.])\d{16,}(?![\d.eE])/.test(text));
  const long = fc.bigInt({ min: 10n ** 16n, max: 10n ** 24n });
  const spaces = fc.constantFrom('', ' ', '\n\t');

  fc.assert(
    fc.property(json, long, spaces, (value, number, space) => {
      const quoted = JSON.stringify(`say "${number}" \\`);
      const text = `[${space}${value},${space}${number}${space},{"a":-${number}${space}},${quoted}]`;

      expect(parseExactly(text)).toEqual([
        JSON.parse(value),
        String(number),
        { a: `-${number}` },
        `say "${number}" \\`,
      ]);
    }),
    { numRuns: 500 },
  );
});

test('whatever a record is, it becomes a row or a reason that a terminal may show', () => {
  const some = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constant(undefined));
  const fields = [
    ...['id', 'author_id', 'text', 'created_at', 'lang', 'public_metrics', 'note_tweet'],
    ...['referenced_tweets', 'edit_history_tweet_ids', 'withheld', 'public_metrics.like_count'],
  ];

  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...fields), some, { maxKeys: 3 }), (change) => {
      const row = read({ ...GOOD, ...change });

      if (isInvalidRecord(row)) {
        expect(row.reason).toMatch(/^[a-z_.]+: /);
        expect(row.reason).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\p{Surrogate}/u);
        expect(row.reason.length).toBeLessThan(1500);
      } else {
        expect(typeof row.text).toBe('string');
        expect(row.id).toMatch(/^\d{1,20}$/);
      }
    }),
    { numRuns: 2000 },
  );
});
