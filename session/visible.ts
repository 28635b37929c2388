import { randomBytes } from 'node:crypto';

/**
 * Invisible characters that can control a terminal or reorder the text beside them: control characters (C0, DEL, C1,
 * and so every escape sequence), characters that change the writing direction, fillers and tags. Line breaks, tabs,
 * and the joiners that emoji and several scripts need are not matched.
 */
const INVISIBLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;

/** Makes foreign text safe for a terminal: each control character is written out, such as `\u{1b}`. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);

/** A secret of this process, so that foreign text cannot contain our colour marks. */
const nonce = randomBytes(8).toString('hex');
const COLOURS = new RegExp(`<${nonce}:(\\d{1,2})>`, 'g');

/** Red, green and grey, as terminals number them. */
export type Colour = 31 | 32 | 90;

/** Marks a text with a colour; only `onScreen` turns the marks into colours. */
export const paint = (colour: Colour, text: string): string =>
  `<${nonce}:${colour}>${text}<${nonce}:0>`;

/** Makes a text safe for a terminal, then replaces our colour marks by escape sequences. */
export const onScreen = (text: string): string => visible(text).replace(COLOURS, '\x1b[$1m');

/** The text as one line of at most `most` characters; a longer one ends in `…`. */
export const shortened = (text: string, most: number): string => {
  const line = visible(text).replace(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
};

/** The text of an error: only the message of one of our own errors, or else the stack of a defect. */
export const describeError = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return Reflect.get(error, 'oneLine') === true ? error.message : (error.stack ?? error.message);
};
