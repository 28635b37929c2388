/**
 * The models' regular expressions have Java's syntax. A pattern must match the complete value; otherwise most of them
 * would accept everything (`[\w+=,.@-]+` of an IAM name), and AWS does reject by them.
 */
const compiled = new Map<string, RegExp | null>();

/** Whether a text matches a pattern of a model. Throws for a pattern that cannot be translated. */
export function matches(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = isUnreadable(pattern) ? null : compile(pattern);
    compiled.set(pattern, expression);
  }
  return expression === null || expression.test(text);
}

/** Invalid patterns of the models. Java does not compile them either, so AWS cannot use them. */
export const UNREADABLE: readonly { readonly pattern: string; readonly reason: string }[] = [
  {
    pattern: '([\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@]*)${1,128}',
    reason: 'SageMaker, keys of customer metadata: `${1,128}` repeats the end of the text',
  },
  {
    pattern: '([\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@]*)${1,256}',
    reason: 'SageMaker, values of customer metadata: the same',
  },
];

const isUnreadable = (pattern: string): boolean =>
  UNREADABLE.some(({ pattern: unreadable }) => unreadable === pattern);

/** Java's named character classes, translated for use inside brackets. */
const CLASSES: Readonly<Record<string, string>> = {
  Alnum: '0-9A-Za-z',
  Alpha: 'A-Za-z',
  ASCII: '\\x00-\\x7f',
  Blank: ' \\t',
  Digit: '0-9',
  Graph: '\\x21-\\x7e',
  Lower: 'a-z',
  Print: '\\x20-\\x7e',
  Punct: '!-\\/:-@\\[-`\\{-~',
  Space: ' \\t\\n\\x0b\\f\\r',
  Upper: 'A-Z',
  XDigit: '0-9A-Fa-f',
};

/** Escapes that JavaScript's `u` flag accepts. Java ignores a backslash before any other character. */
const KNOWN_ESCAPE = /[\^$\\.*+?()[\]{}|/bBdDwWsStnvfr0-9xuckpP]/;

function compile(pattern: string): RegExp {
  let source = '';
  let flags = 'u';
  let depth = 0;
  for (let at = 0; at < pattern.length; at += 1) {
    const sign = pattern.charAt(at);
    const rest = pattern.slice(at);
    const named = /^\\p\{(\w+)\}/.exec(rest);
    const escaped = pattern.charAt(at + 1);
    if (named && CLASSES[named[1] ?? ''] !== undefined) {
      const signs = CLASSES[named[1] ?? ''] ?? '';
      source += depth > 0 ? signs : `[${signs}]`;
      at += named[0].length - 1;
    } else if (sign === '\\' && (escaped === 'A' || escaped === 'z' || escaped === 'Z')) {
      // Anchors are dropped: the complete text must match anyway.
      at += 1;
    } else if (sign === '\\') {
      source += KNOWN_ESCAPE.test(escaped) || depth > 0 ? `\\${inClass(escaped, depth)}` : escaped;
      at += 1;
    } else if (rest.startsWith('(?i)') || rest.startsWith('(?s)')) {
      flags += rest.charAt(2);
      at += 3;
    } else if (depth > 0) {
      // In a class, JavaScript needs an escape before a literal `[`, and before a literal `-` beside \w.
      if (sign === ']') depth -= 1;
      source += sign === '[' || (sign === '-' && besideClass(pattern, at)) ? `\\${sign}` : sign;
    } else {
      if (sign === '[') {
        depth += 1;
        // In `[]…]` and `[^]…]` the first inner bracket is a literal.
        const opening = /^\[\^?\]/.exec(rest);
        if (opening) {
          source += `${opening[0].slice(0, -1)}\\]`;
          at += opening[0].length - 1;
          continue;
        }
      }
      source += bareBrace(pattern, at) ? `\\${sign}` : sign;
    }
  }
  return new RegExp(`^(?:${source})$`, flags);
}

/** In a class, the `u` flag forbids an unneeded escape, except of the hyphen. */
const inClass = (escaped: string, depth: number): string =>
  depth > 0 && !KNOWN_ESCAPE.test(escaped) && escaped !== '-'
    ? `u{${(escaped.codePointAt(0) ?? 0).toString(16)}}`
    : escaped;

/** Whether a hyphen stands beside a class such as \w, where it cannot be a range. */
const besideClass = (pattern: string, at: number): boolean =>
  /\\[dDwWsS]$|\\p\{\w+\}$/.test(pattern.slice(0, at)) ||
  /^-(\\[dDwWsS]|\\p\{)/.test(pattern.slice(at)) ||
  // After a range: `a-z-.`
  /[^\\[]-[^\\]$/.test(pattern.slice(0, at)) ||
  /-\\.$/.test(pattern.slice(0, at));

/** Whether a brace is a literal and not a quantifier. */
const bareBrace = (pattern: string, at: number): boolean => {
  const sign = pattern.charAt(at);
  if (sign === '{') return !/^\{\d+(,\d*)?\}/.test(pattern.slice(at));
  if (sign !== '}') return false;
  return !/(\{\d+(,\d*)?|\\[pPu]\{[\w=]+)$/.test(pattern.slice(0, at));
};
