import { randomBytes } from 'node:crypto';

/**
 * Characters that act on a terminal, or on the order of what stands beside them, without being seen: controls (C0,
 * DEL, C1; with them every escape sequence), signs that turn the direction of writing, and fillers and tags. Line
 * breaks and tabs of a text stay, and the joiners that emoji and several scripts are written with.
 */
const INVISIBLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;

/** A text of anybody's as a terminal may show it: what would act on the terminal is spelt out, `\u{1b}`. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);

/** Nobody else knows it, so no foreign text can hold a colour of ours. */
const nonce = randomBytes(8).toString('hex');
const COLOURS = new RegExp(`<${nonce}:(\\d{1,2})>`, 'g');

/** Red, green and grey, as terminals number them. */
export type Colour = 31 | 32 | 90;

/** A text in a colour, for `onScreen` alone. */
export const paint = (colour: Colour, text: string): string =>
  `<${nonce}:${colour}>${text}<${nonce}:0>`;

/** What may be written to a terminal: foreign signs made visible first, then our own colours put in. */
export const onScreen = (text: string): string => visible(text).replace(COLOURS, '\x1b[$1m');

/** One line of at most so many characters, with the rest left out. */
export const shortened = (text: string, most: number): string => {
  const line = visible(text).replace(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
};

/** An error as a person may read it: a sentence of ours alone, or what a defect left. */
export const describeError = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return Reflect.get(error, 'oneLine') === true ? error.message : (error.stack ?? error.message);
};
