import { normaliseForKey } from '../../workflows/text-key';
import { shortened } from '../../session/visible';

/** The most characters of a labelled text. X's long posts have up to 25,000; one label cannot describe those. */
const MAX_LABEL_CHARACTERS = 10_000;

/** Placeholders of tools for a tweet that could not be fetched or a formula that failed. */
const PLACEHOLDERS = new Set([
  'not available',
  '[not available]',
  'tweet not available',
  'tweet unavailable',
  'text not available',
  'tweet not found',
  '[deleted]',
  '(deleted)',
  '<deleted>',
  '[removed]',
  '(removed)',
  '<removed>',
  '[unavailable]',
  '#n/a',
  '#name?',
  '#null!',
  '#ref!',
  '#value!',
  '<na>',
  '(null)',
  '[null]',
]);
/** Placeholders only if several rows have them: a single one may be a real text. */
const PERHAPS = new Set([
  'nan',
  'null',
  'none',
  'nil',
  'n/a',
  'na',
  'undefined',
  'deleted',
  'removed',
  'unavailable',
  'missing',
]);

const plain = (text: string): string => text.trim().toLowerCase();

/** The possible placeholders that several of the texts consist of. */
export function repeatedPlaceholders(texts: readonly string[]): ReadonlySet<string> {
  const once = new Set<string>();
  const repeated = new Set<string>();
  for (const text of texts) {
    const word = text.length > 20 ? '' : plain(text);
    if (!PERHAPS.has(word)) continue;
    if (once.has(word)) repeated.add(word);
    once.add(word);
  }
  return repeated;
}

// Bytes 80 to BF as windows-1252 shows them: what follows the first byte of a character of UTF-8.
const FOLLOWING = '\\u0080-\\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';
/**
 * UTF-8 that was read as windows-1252 or Mac Roman once (“Ã©” for “é”, “â€™” for “’”). Ã at the end of a word in
 * capitals, before a quotation mark or dots, is Portuguese or Vietnamese.
 */
const GARBLED = new RegExp(
  `[ÂÃ][\\u00a0-\\u00bf]|(?<!\\p{Lu})Ã[${FOLLOWING}]|â€|ï¿½|ðŸ|‚Ä[ôúùòìîö¶¢]|√[©®†∂º§ü±≥≠ß°£™¥´]|(?:[ÐÑ][${FOLLOWING}]){2}`,
  'u',
);
/** A row's id and label inside a text, as in TweetEval's first release. */
const GLUED = /\d{9,20}\s+(?:negative|neutral|positive)\s/i;
const C1 = /[\u0080-\u0084\u0086-\u009f]/;
const INVISIBLE = /[\p{Cf}\p{Cc}\p{Z}\p{Variation_Selector}\u034f\u115f\u1160\u2800\u3164\uffa0]/gu;
/** Links without a scheme, and how corpora write links and names that they took out. */
const STAND_INS =
  /(?:www\.|pic\.twitter\.com\/|t\.co\/)[^ ]+|<(?:url|user|link|mention)>|(?<!\S)(?:https?|httpurl|rt:?)(?!\S)/g;

const codePoint = (sign: string): string =>
  `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** Whether the text has more than mentions and links. */
const saysSomething = (text: string): boolean =>
  normaliseForKey(text).replace(STAND_INS, '').replace(INVISIBLE, '') !== '';

/** The reason why a text cannot be labelled; null when it can. */
export function problemOfText(text: string, repeated: ReadonlySet<string>): string | null {
  if (text === '') return 'the text is empty';
  if (text.length > MAX_LABEL_CHARACTERS)
    return `the text has ${text.length} characters; ${MAX_LABEL_CHARACTERS} is the maximum`;
  if (text.includes('\0')) return 'the text holds a NUL';
  if (/\p{Surrogate}/u.test(text)) return 'the text holds half a character (a lone surrogate)';
  if (text.includes('\uFFFD'))
    return 'the text holds U+FFFD: a character was lost before, so it matches no tweet';
  const [control] = C1.exec(text) ?? [];
  if (control !== undefined)
    return `the text holds the control character ${codePoint(control)}: is the file in another encoding?`;
  const [garbled] = GARBLED.exec(text) ?? [];
  if (garbled !== undefined)
    return `the text holds “${garbled}”: it was read in the wrong encoding before, so it matches no tweet`;
  if (GLUED.test(text))
    return 'several rows are glued together: an id and a label stand in the text';
  const word = plain(text);
  if (PLACEHOLDERS.has(word) || repeated.has(word))
    return `“${shortened(text, 40)}” stands for a text that is missing`;
  if (!saysSomething(text)) return 'nothing is left of the text but mentions and links';
  return null;
}
