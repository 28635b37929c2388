import { createHash } from 'node:crypto';

// Written out instead of \s and \w: JavaScript, Java and Python disagree on what those hold,
// and etl/text_key.py must give the same key (test/fixtures/text-keys.json holds both to it).
const SPACE = ' \\t\\n\\r\\f\\v\\u00a0';
const URL = new RegExp(`https?://[^${SPACE}]+`, 'g');
const RETWEET = new RegExp(`^rt @[a-z0-9_]+:[${SPACE}]*`);
const MENTION = /@[a-z0-9_]+/g;
const SPACES = new RegExp(`[${SPACE}]+`, 'g');

/** The text a label belongs to: lower case, without retweet mark, URLs and mentions, single spaces. */
export function normaliseForKey(text: string): string {
  return text
    .toLowerCase()
    .replace(SPACES, ' ')
    .replace(URL, '')
    .replace(RETWEET, '')
    .replace(MENTION, '')
    .replace(SPACES, ' ')
    .replace(/^ | $/g, '');
}

/** SHA-256, hex, of the normalised text in UTF-8: the key of labels and of the split. */
export function textHash(text: string): string {
  return createHash('sha256').update(normaliseForKey(text), 'utf8').digest('hex');
}
