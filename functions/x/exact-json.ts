const LONGEST_SAFE = 16;

/**
 * JSON as `JSON.parse` reads it, but for whole numbers that outgrow JavaScript's precision: those become text, with all
 * their digits. An id that a tool wrote as a number is whole in the text, and would lose its last digits otherwise.
 *
 * Throws SyntaxError.
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(/\d{16}/.test(text) ? withLongNumbersQuoted(text) : text);
  return value;
}

/** The same, or undefined where the text is not JSON. */
export function exactJsonOf(text: string): unknown {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}

function withLongNumbersQuoted(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === QUOTE) {
      at = endOfString(text, at);
    } else if (isDigit(sign) || sign === MINUS) {
      const end = endOfNumber(text, at);
      const token = text.slice(at, end);
      if (isTooLong(token)) {
        parts.push(text.slice(copied, at), `"${token}"`);
        copied = end;
      }
      at = end - 1;
    }
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(copied);
}

const isTooLong = (token: string): boolean =>
  token.length >= LONGEST_SAFE &&
  /^-?(0|[1-9]\d*)$/.test(token) &&
  !Number.isSafeInteger(Number(token));

/** Where a JSON string ends that begins here: the place of its closing quotation mark. */
export function endOfString(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && text.charCodeAt(end) !== QUOTE) {
    end += text.charCodeAt(end) === BACKSLASH ? 2 : 1;
  }
  return end;
}

function endOfNumber(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && /[\d.eE+-]/.test(text.charAt(end))) end += 1;
  return end;
}

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const MINUS = '-'.charCodeAt(0);
const isDigit = (sign: number): boolean => sign >= 48 && sign <= 57;
