import { createHash } from 'node:crypto';
import { withoutCutLinks, withoutUrls } from './text-links';
import { entities, members, pattern, signs, windows1252 } from './text-rules';

const ENTITY = pattern('entity');
const RETWEET = pattern('retweet');
const MENTION = pattern('mention');
/** Marks over one letter beyond these are a game, and sorting them takes the square of their number. */
const MANY_MARKS = new RegExp(`([${members('mark')}]{16})[${members('mark')}]+`, 'gu');
/**
 * What has the same normal form and lower case in Unicode 14 (Python 3.11, the oldest here) and in every later version.
 * Other signs stay as they are: languages of different Unicode versions differ.
 */
const STABLE = new RegExp(`[${members('stable')}]+`, 'gu');
/** What is left when a mention is taken out may be a link, and the reverse; nobody writes such texts. */
const MOST_ROUNDS = 4;

/** Quotation marks, hyphens and spaces of every kind as those of ASCII; signs that nobody sees, as nothing. */
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

/** HTML's entities, each read once: `&amp;lt;` is `&lt;`. What stands for no sign stays as it is. */
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
      // As browsers read them: people wrote these in Windows' code page.
      const code = number >= 0x80 && number <= 0x9f ? (windows1252[number - 0x80] ?? 0) : number;
      const isControl = (code < 0x20 && ![0x9, 0xa, 0xd].includes(code)) || code === 0x7f;
      const isSign =
        code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) && (code & 0xfffe) !== 0xfffe;
      return isSign && !isControl ? String.fromCodePoint(code) : whole;
    },
  );
}

/** Normalised again: the lower case of J + caron is a sign of its own. Where a final sigma stands depends on what counts as a letter. */
const oneForm = (text: string): string =>
  text.normalize('NFKC').toLowerCase().normalize('NFKC').replaceAll('\u03c2', '\u03c3');

const withoutNames = (text: string): string =>
  withoutCutLinks(withoutUrls(text))
    .replace(RETWEET, '')
    .replace(MENTION, '')
    .replace(/ {2,}/g, ' ')
    .replace(/^ | $/g, '');

/**
 * The text a label belongs to: in lower case and in one Unicode form, without retweet mark, links and mentions, with
 * single spaces. Texts that people read as one have one key. As `etl/text/key.py`: test/fixtures/text-keys.json holds
 * both to it.
 */
export function normaliseForKey(text: string): string {
  // Links first, as the ingest does: a text has one key before and after.
  const whole = unescape(withoutUrls(text));
  let key = plain(plain(whole).replace(MANY_MARKS, '$1').replace(STABLE, oneForm));
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const shorter = withoutNames(key);
    if (shorter === key) break;
    key = shorter;
  }
  return key;
}

/**
 * SHA-256, hex, of the normalised text in UTF-8: the key of labels and of the split. That of a text of which nothing
 * is left is the hash of no bytes.
 */
export function textHash(text: string): string {
  return createHash('sha256').update(normaliseForKey(text), 'utf8').digest('hex');
}
