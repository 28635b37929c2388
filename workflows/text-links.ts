import { members, pattern, signs } from './text-rules';

const URL = pattern('url');
const CUT_URL = pattern('cutUrl');
const HOST = /^(?:[A-Za-z]+:\/\/)?[^/?]*/;
const ENDS_PATH = new RegExp(
  `[A-Za-z0-9=_#/+\\-)\\u2013${members('latin')}${members('cyrillic')}]`,
  'u',
);
const ENDS_QUERY = /[A-Za-z0-9_\-&=#/)]/;
const SPACES = signs('space');
const WIDE_PUNCTUATION = signs('widePunctuation');
const TRAILING_SPACES = new RegExp(`[${members('space')}]$`, 'u');
const LEADING_SPACES = new RegExp(`^[${members('space')}]+`, 'u');
/** Text that ends like this could form a new link with the text behind a removed one. */
const JOINS = /[A-Za-z0-9:/]$/;

/** Lone surrogates: JSON can carry them, UTF-8 cannot. Spark would write a question mark. */
const LONE_SURROGATE = /[\ud800-\udfff]/gu;

/** Length of the link in a match of `URL`, without the punctuation that closes a sentence. */
function lengthOfLink(found: string): number {
  // Scheme and host always belong to the link.
  const least = HOST.exec(found)?.[0].length ?? 0;
  const ends = found.includes('?') ? ENDS_QUERY : ENDS_PATH;
  let end = found.length;
  while (end > least && !ends.test(found.charAt(end - 1))) end -= 1;
  return end;
}

/** A loop, because a pattern for spaces at the end takes quadratic time. */
function withoutTrailingSpaces(text: string): string {
  let end = text.length;
  while (end > 0 && TRAILING_SPACES.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/**
 * Removes links, by X's rules: a t.co link ends after its letters and digits, another one before the punctuation that
 * closes a sentence. Lone surrogates become U+FFFD. A text without links stays as it is, including its spaces.
 * `etl/text/links.py` does the same; test/cases/links.tsv tests both.
 */
export function withoutUrls(sent: string): string {
  const text = sent.replace(LONE_SURROGATE, '\ufffd');
  if (!text.includes('://')) return text;
  const kept: string[] = [];
  let at = 0;
  URL.lastIndex = 0;
  for (let found = URL.exec(text); found; found = URL.exec(text)) {
    let before = text.slice(at, found.index);
    at = found.index + lengthOfLink(found[0]);
    const behind = text.charAt(at);
    if (behind === '' || SPACES.has(behind) || WIDE_PUNCTUATION.has(behind)) {
      before = withoutTrailingSpaces(before);
    } else if (JOINS.test(before) || before.includes('://')) {
      // Without a space the two ends could form a new link.
      before += ' ';
    }
    kept.push(before);
    // Continue where the link ends, not where its pattern ends: another link may begin in between.
    URL.lastIndex = at;
  }
  if (kept.length === 0) return text;
  return withoutTrailingSpaces((kept.join('') + text.slice(at)).replace(LEADING_SPACES, ''));
}

/** Removes the rest of a link at the end of a truncated text: "https…", "htt…", "https://". */
export const withoutCutLinks = (text: string): string => text.replace(CUT_URL, '');
