import { createHash } from 'node:crypto';
import { withoutCutLinks, withoutUrls } from './text-links';
import { entities, members, pattern, signs, windows1252 } from './text-rules';

const ENTITY = pattern('entity');
const RETWEET = pattern('retweet');
const MENTION = pattern('mention');
/** Most combining marks per letter. Normalization sorts them in quadratic time, and no language uses more. */
const MANY_MARKS = new RegExp(`([${members('mark')}]{16})[${members('mark')}]+`, 'gu');
/**
 * Characters whose normal form and lower case are the same in Unicode 14 (Python 3.11, the oldest supported) and in
 * every later version. Other characters stay as they are, because Python and Node may have different Unicode versions.
 */
const STABLE = new RegExp(`[${members('stable')}]+`, 'gu');
/** Passes: removing a mention may leave a link, and the reverse. Real texts need one. */
const MOST_ROUNDS = 4;

/** All kinds of quotation marks, hyphens and spaces become those of ASCII; invisible characters are removed. */
const plainSigns: ReadonlyMap<string, string> = new Map(
  (
    [
      ['invisible', ''],
      ['space', ' '],
      ['apostrophe', "'"],
      ['quote', '"'],
      ['hyphen', '-'],
    ] as const
  ).flatMap(([set, sign]) => [...signs(set)].map((one): [string, string] => [one, sign])),
);
const NOT_PLAIN = new RegExp(
  `[${(['invisible', 'space', 'apostrophe', 'quote', 'hyphen'] as const).map(members).join('')}]`,
  'gu',
);

const plain = (text: string): string =>
  text.replace(NOT_PLAIN, (sign) => plainSigns.get(sign) ?? sign);

/** Decodes HTML entities, each once: `&amp;lt;` becomes `&lt;`. Unknown entities stay. */
function unescape(text: string): string {
  return text.replace(
    ENTITY,
    (
      whole: string,
      hexadecimal: string | undefined,
      decimal: string | undefined,
      name: string | undefined,
      bareName: string | undefined,
    ) => {
      const named = name ?? bareName;
      if (named !== undefined) return entities.get(named) ?? whole;
      const number = hexadecimal ? parseInt(hexadecimal, 16) : parseInt(decimal ?? '', 10);
      // Browsers read these numbers in Windows' code page, too.
      const code = number >= 0x80 && number <= 0x9f ? (windows1252[number - 0x80] ?? 0) : number;
      const isControl = (code < 0x20 && ![0x9, 0xa, 0xd].includes(code)) || code === 0x7f;
      const isSign =
        code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) && (code & 0xfffe) !== 0xfffe;
      return isSign && !isControl ? String.fromCodePoint(code) : whole;
    },
  );
}

/** Lower case, normalized again: the lower case of J + caron is one character. Final sigma is replaced, because its position depends on the Unicode version. */
const oneForm = (text: string): string =>
  text.normalize('NFKC').toLowerCase().normalize('NFKC').replaceAll('\u03c2', '\u03c3');

const lower = (text: string): string =>
  plain(text.replace(MANY_MARKS, '$1').replace(STABLE, oneForm));

const withoutNames = (text: string): string =>
  withoutCutLinks(withoutUrls(text))
    .replace(RETWEET, '')
    .replace(MENTION, '')
    .replace(/ {2,}/g, ' ')
    .replace(/^ | $/g, '');

/**
 * The text in the form that labels are matched by: lower case, one Unicode form, single spaces, without retweet mark,
 * links and mentions. Texts that people read as the same have the same form. `etl/text/key.py` does the same;
 * test/fixtures/text-keys.json tests both.
 */
export function normaliseForKey(text: string): string {
  // Links first, as in the ingest, so that a text has the same key before and after it.
  const whole = unescape(withoutUrls(text));
  let key = lower(plain(whole));
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const shorter = withoutNames(key);
    if (shorter === key) break;
    // A mark now stands beside the letter before what was removed.
    key = lower(shorter);
  }
  return key;
}

/**
 * SHA-256 (hex) of the normalized text in UTF-8: the key of labels and of the split. An empty text has the hash of no
 * bytes.
 */
export function textHash(text: string): string {
  return createHash('sha256').update(normaliseForKey(text), 'utf8').digest('hex');
}
