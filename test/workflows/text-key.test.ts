import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import cases from '../fixtures/text-keys.json';
import { cases as table } from '../support/cases';
import { normaliseForKey, textHash } from '../../workflows/text-key';
import { withoutUrls } from '../../workflows/text-links';

const root = join(__dirname, '../..');
const Answers = z.array(z.tuple([z.string(), z.string(), z.string()]));

/** Of each text what etl/text makes of it: without links, normalised, its key. */
const inPython = (texts: readonly string[]) =>
  Answers.parse(
    JSON.parse(
      execFileSync(join(root, '.venv/bin/python'), ['test/etl/text_answers.py'], {
        cwd: root,
        env: { ...process.env, PYTHONPATH: root },
        input: JSON.stringify(texts),
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      }),
    ),
  );
const inTypeScript = (texts: readonly string[]) =>
  texts.map((text) => [withoutUrls(text), normaliseForKey(text), textHash(text)]);

test.each(cases)('keys $text as the Spark job does', ({ text, normalised, sha256 }) => {
  expect(normaliseForKey(text)).toBe(normalised);
  expect(textHash(text)).toBe(sha256);
});

test('a retweet has the key of what it repeats', () => {
  expect(textHash('RT @someone: What a day! https://t.co/xyz')).toBe(textHash('What a day!'));
});

test('a text of which nothing is left has the key of the empty text', () => {
  expect(textHash('@only https://t.co/xyz')).toBe(textHash(''));
});

test.each(table('links.tsv'))('without its links %j is %j, with the same key', (sent, kept) => {
  expect(withoutUrls(sent ?? '')).toBe(kept);
  expect(textHash(sent ?? '')).toBe(textHash(kept ?? ''));
});

test.each(table('same-text.tsv'))('are %j and %j one text? %s', (one, other, same) => {
  expect(textHash(one ?? '') === textHash(other ?? '')).toBe(same === 'yes');
});

/** Signs that mean something to a rule, beside random ones. */
const parts = fc.constantFrom(
  ...[
    'http://',
    'https://t.co/a1',
    'https…',
    '://',
    'x.org/',
    '@',
    '＠ann',
    '@ann',
    'RT',
    'rt @a:',
  ],
  ...['#', '&amp;', '&lt;', '&#39;', '&#x1F600;', '&', ';', '…', '(', ')', '.', '?', "'", '’', ' '],
  ...[
    '\u3000',
    '\u2028',
    '\u200d',
    '\ufe0f',
    '\u0301',
    'é',
    'İ',
    'ΟΣ',
    'ﬁ',
    '😀',
    '\ud83d',
    '日本',
  ],
);
const texts = fc
  .array(fc.oneof(parts, parts, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 14 })
  .map((all) => all.join(''));

test('TypeScript and Python read every text alike, and take out links once and for all', () => {
  fc.assert(
    fc.property(fc.array(texts, { minLength: 400, maxLength: 400 }), (sample) => {
      expect(inTypeScript(sample)).toEqual(inPython(sample));
      for (const text of sample) {
        const kept = withoutUrls(text);
        expect(withoutUrls(kept)).toBe(kept);
        expect(normaliseForKey(kept)).toBe(normaliseForKey(text));
      }
    }),
    { numRuns: 4 },
  );
});

test('TypeScript and Python have one key for every sign, alone, behind a letter and before a mark', () => {
  // Every sign of the first plane's living part, and one of seven beyond: the two differ in their Unicode versions.
  const signs = Array.from({ length: 0x110000 }, (_, code) => code)
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .filter((code) => code < 0x3000 || (code < 0x20000 ? code % 3 === 0 : code % 97 === 0))
    .map((code) => String.fromCodePoint(code));
  const sample = Array.from({ length: Math.ceil(signs.length / 50) }, (_, at) =>
    signs
      .slice(50 * at, 50 * at + 50)
      .map((sign) => `A${sign} ${sign}\u0301`)
      .join(' '),
  );

  expect(inTypeScript(sample)).toEqual(inPython(sample));
});
