/** X's tweets nest about ten levels deep. Thousands of levels overflow the stack of a recursive reader. */
export const MAX_NESTING = 100;

/** Whether a JSON text nests too deep; does not check that it is JSON. */
export const isTooDeep = (text: string, most = MAX_NESTING): boolean =>
  tooDeepAt(text, most) !== null;

/** Where a JSON text begins to nest too deep; null where it does not. */
export function tooDeepAt(text: string, most = MAX_NESTING): number | null {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const sign = text.charCodeAt(index);
    if (inString) {
      if (sign === BACKSLASH) index += 1;
      else if (sign === QUOTE) inString = false;
    } else if (sign === QUOTE) inString = true;
    else if (sign === OPENS_OBJECT || sign === OPENS_LIST) {
      depth += 1;
      if (depth > most) return index;
    } else if (sign === CLOSES_OBJECT || sign === CLOSES_LIST) depth -= 1;
  }
  return null;
}

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const OPENS_OBJECT = '{'.charCodeAt(0);
const CLOSES_OBJECT = '}'.charCodeAt(0);
const OPENS_LIST = '['.charCodeAt(0);
const CLOSES_LIST = ']'.charCodeAt(0);
