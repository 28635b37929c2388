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
/** What a link may be glued to without being seen as the end of one that begins before it. */
const JOINS = /[A-Za-z0-9:/]$/;

/** What JSON can carry and UTF-8 cannot: Spark would write it as a question mark. */
const LONE_SURROGATE = /[\ud800-\udfff]/gu;

/** How much of a match of `URL` is the link: the marks that close a sentence are not. */
function lengthOfLink(found: string): number {
  // The host and what stands before it end where the pattern says.
  const least = HOST.exec(found)?.[0].length ?? 0;
  const ends = found.includes('?') ? ENDS_QUERY : ENDS_PATH;
  let end = found.length;
  while (end > least && !ends.test(found.charAt(end - 1))) end -= 1;
  return end;
}

/** Sign by sign: a pattern that looks for spaces at the end tries each run of them in a text. */
function withoutTrailingSpaces(text: string): string {
  let end = text.length;
  while (end > 0 && TRAILING_SPACES.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/**
 * The text without its links, by X's rules of where one ends: a t.co link after its letters and digits, another one
 * before the marks that close a sentence. A text that holds none stays as it is, to the last space, but for lone
 * surrogates, which become U+FFFD.
 * As `etl/text/links.py`: test/cases/links.tsv holds both to it.
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
      // Else the two ends could be a link that nobody wrote.
      before += ' ';
    }
    kept.push(before);
    // From where the link ends, not from where its pattern does: another may begin in between.
    URL.lastIndex = at;
  }
  if (kept.length === 0) return text;
  return withoutTrailingSpaces((kept.join('') + text.slice(at)).replace(LEADING_SPACES, ''));
}

/** The text without what is left of a link where a text was cut: "https…", "htt…", "https://". */
export const withoutCutLinks = (text: string): string => text.replace(CUT_URL, '');
