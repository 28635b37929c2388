/** A tweet of X's nests about ten deep. What nests thousands deep overflows the stack of whoever walks through it. */
export const MAX_NESTING = 100;

/** Whether a JSON text nests deeper than a tweet may; says nothing of whether it is JSON. */
export function isTooDeep(text: string, most = MAX_NESTING): boolean {
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
      if (depth > most) return true;
    } else if (sign === CLOSES_OBJECT || sign === CLOSES_LIST) depth -= 1;
  }
  return false;
}

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const OPENS_OBJECT = '{'.charCodeAt(0);
const CLOSES_OBJECT = '}'.charCodeAt(0);
const OPENS_LIST = '['.charCodeAt(0);
const CLOSES_LIST = ']'.charCodeAt(0);
