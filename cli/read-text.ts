import { isAscii, isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import iconv from 'iconv-lite';
import { gunzip, isGzipped, UnreadableBytes } from '../functions/lake/unpack';
import { UserError } from '../session/user-error';
import type { Screen } from './screen';

/** Some hundred thousand labels. Reading a complete file takes many times its size in memory. */
export const MAX_LABEL_FILE_BYTES = 32 * 2 ** 20;

/** Replaces a character that could not be decoded: such a text matches no tweet. */
export const LOST = '\uFFFD';

const NOTHING = 'Nothing was imported.';
const megabytes = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MB`;

const ENCODINGS_SHOWN = 'windows-1252, latin1, mac-roman, utf-16le, utf-16be';
const MULTI_BYTE = ['shiftjis', 'eucjp', 'euckr', 'gbk', 'gb18030', 'big5', 'koi8r', 'koi8u'];

/** iconv-lite's name of an encoding. */
export type Encoding = iconv.Encoding;

/**
 * `windows-1252`, `Latin-1`, `mac roman`, `utf-16le` and their like. Throws UserError for any other name: iconv-lite
 * also knows base64 and hex, which are not encodings of text.
 */
export function parseEncoding(given: string): Encoding {
  const name = given.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (name === 'utf8' || name === 'utf16le' || name === 'utf16be') return name;
  if (['macroman', 'macintosh', 'mac'].includes(name)) return 'macroman';
  // As browsers have it: what calls itself Latin-1 holds the quotation marks and dashes of windows-1252.
  if (['latin1', 'iso88591', '88591', 'l1', 'ansi'].includes(name)) return 'windows1252';
  const [, page] = /^(?:windows|win|cp)(125[0-8])$/.exec(name) ?? [];
  const known = page === undefined ? name : `windows${page}`;
  if (
    (/^(?:windows\d{4}|iso8859\d{1,2})$/.test(known) || MULTI_BYTE.includes(known)) &&
    iconv.encodingExists(known)
  )
    return known;
  throw new UserError(
    `--encoding is "${given}": ${ENCODINGS_SHOWN}, other Windows and ISO 8859 code pages, shift_jis, euc-kr, gb18030 or big5 are possible.`,
    2,
  );
}

/** A person's file as it is. Throws UserError for one that is not there, or larger than `most` bytes. */
export function readBytes(path: string, most: number): Buffer {
  try {
    const { size } = statSync(path);
    if (size > most)
      throw new UserError(
        `${path} is larger than ${megabytes(most)}: split it, and import the parts. ${NOTHING}`,
      );
    return readFileSync(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${path} cannot be read (${error instanceof Error ? error.message : String(error)}). ${NOTHING}`,
    );
  }
}

/**
 * The text of a person's file, unpacked if it is gzip, without its byte order mark. Throws UserError that names the
 * first line that is not in `encoding`: repaired in silence, its text would be another one, and match no tweet. Without
 * an encoding the file is UTF-8, or what its byte order mark says; it is never guessed.
 */
export function textOf(
  path: string,
  bytes: Buffer,
  most: number,
  encoding: Encoding | null = null,
): string {
  let plain = bytes;
  try {
    if (isGzipped(bytes)) plain = gunzip(bytes, most);
  } catch (error) {
    if (!(error instanceof UnreadableBytes)) throw error;
    throw new UserError(`${path} ${error.message}. ${NOTHING}`);
  }
  return decode(path, plain, encoding).replace(/^\uFEFF/, '');
}

/** What the first bytes say, if they say anything. */
function markedAs(bytes: Buffer): Encoding | null {
  // Its first two bytes are those of UTF-16.
  if (bytes.subarray(0, 4).equals(Buffer.from([0xff, 0xfe, 0, 0]))) return 'utf32le';
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf16be';
  return null;
}

function decode(path: string, bytes: Buffer, encoding: Encoding | null): string {
  const marked = markedAs(bytes);
  if (marked === 'utf32le') throw new UserError(`${path} is UTF-32: save it as UTF-8. ${NOTHING}`);
  if (marked !== null && encoding !== null && marked !== encoding) {
    throw new UserError(
      `${path} begins with the byte order mark of ${marked}: leave --encoding out. ${NOTHING}`,
    );
  }
  const chosen = encoding ?? marked ?? 'utf8';
  if (chosen === 'utf16le' || chosen === 'utf16be') return utf16(path, bytes, chosen);
  if (chosen === 'utf8') return utf8(path, bytes);
  if (isUtf8(bytes) && !isAscii(bytes)) {
    throw new UserError(
      `${path} is UTF-8 already, and would be garbled as ${chosen}: leave --encoding out. ${NOTHING}`,
    );
  }
  const text = chosen === 'windows1252' ? windows1252(bytes) : iconv.decode(bytes, chosen);
  const lost = text.indexOf('\uFFFD');
  if (lost === -1) return text;
  throw new UserError(
    `${path}, line ${lineAt(text, lost)}: has a byte that is no character of ${chosen}. Is it another encoding? ${NOTHING}`,
  );
}

function utf8(path: string, bytes: Buffer): string {
  const half = zerosAt(bytes, 1) >= zerosAt(bytes, 0) ? 'utf-16le' : 'utf-16be';
  const isWide = zerosAt(bytes, 0) + zerosAt(bytes, 1) > bytes.length / 4;
  // UTF-16 has a NUL in every sign of ASCII, line ends above all; UTF-8 has none.
  if (isWide || bytes.includes('\n\0') || bytes.includes('\0\n')) {
    throw new UserError(
      `${path} is full of NUL bytes, as UTF-16 is: say --encoding ${half}. ${NOTHING}`,
    );
  }
  if (!isUtf8(bytes)) {
    throw new UserError(
      `${path}, line ${firstBadLine(bytes)}: is not UTF-8. Say which encoding it has ` +
        `(--encoding ${ENCODINGS_SHOWN.replaceAll(', ', ' | ')}), or save the file as UTF-8. ${NOTHING}`,
    );
  }
  return bytes.toString('utf8');
}

/** How many bytes at even or at odd places are 0. */
function zerosAt(bytes: Buffer, first: 0 | 1): number {
  let count = 0;
  for (let at = first; at < bytes.length; at += 2) if (bytes[at] === 0) count += 1;
  return count;
}

function utf16(path: string, bytes: Buffer, encoding: Encoding): string {
  try {
    return new TextDecoder(encoding === 'utf16le' ? 'utf-16le' : 'utf-16be', {
      fatal: true,
      ignoreBOM: true,
    }).decode(bytes);
  } catch {
    throw new UserError(`${path} is not ${encoding}, or is cut short. ${NOTHING}`);
  }
}

/**
 * Not by TextDecoder: several releases of Node 20, 22 and 24 read 0x80 to 0x9F as Latin-1 there (nodejs/node#56542). The
 * five bytes that the code page leaves open become the control characters of Latin-1, as the Encoding Standard has it.
 */
const windows1252 = (bytes: Buffer): string =>
  bytes.toString('latin1').replace(/[\u0080-\u009f]/g, (sign) => {
    const character = iconv.decode(Buffer.from(sign, 'latin1'), 'windows1252');
    return character === '\uFFFD' ? sign : character;
  });

const lineAt = (text: string, at: number): number => text.slice(0, at).split('\n').length;

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(0x0a, start);
    const end = found === -1 ? bytes.length : found;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    line += 1;
    start = end + 1;
  }
  return line;
}

export const readText = (path: string, most: number, encoding: Encoding | null = null): string =>
  textOf(path, readBytes(path, most), most, encoding);

/** A text's lines, each with the line end that followed it in the file. */
export interface Lines {
  lines: string[];
  ends: string[];
}

/**
 * Lines end with LF, CR LF (the CR perhaps twice), or, where no line ends so, with CR alone. Never with U+2028, U+2029 or NEL: tweets hold
 * those. The empty rest behind the last line end is no line.
 */
export function splitLines(content: string): Lines {
  const parts = content.split(content.includes('\n') ? /(\r*\n)/ : /(\r)/);
  const lines = parts.filter((_, index) => index % 2 === 0);
  const ends = parts.filter((_, index) => index % 2 === 1);
  if (lines.at(-1) === '') lines.pop();
  return { lines, ends };
}

/** Texts that were damaged before they came here are kept as they are, and the person is told. */
export function sayLost(screen: Screen, texts: number): void {
  if (texts > 0)
    screen.say(
      `${texts} ${texts === 1 ? 'text contains' : 'texts contain'} U+FFFD: characters were lost before.`,
    );
}
