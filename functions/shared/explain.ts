import type { z } from 'zod';

const MAX_VALUE_CHARACTERS = 80;

/**
 * A ZodError as one line that names each field, what is allowed, and the received value (`z.prettifyError` writes
 * several lines, without the value):
 * `mode: must be one of nightly, retrain, ingest (got "nightlyy")`. `whole` names the value itself, for errors
 * without a field.
 */
export function explain(error: z.ZodError, received?: unknown, whole = ''): string {
  return spelt(error.issues.map((issue) => explainIssue(issue, received, whole)).join('; '));
}

/** A value for a message: as JSON, shortened, with invisible characters spelt out. */
export const shown = (value: unknown): string => spelt(show(value));

/** Spells out control characters, direction marks and lone surrogates, so that they cannot act on a terminal. */
const spelt = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`,
  );

function explainIssue(issue: z.core.$ZodIssue, received: unknown, whole: string): string {
  const field = issue.path.map(String).join('.') || whole;
  if (issue.code === 'unrecognized_keys') {
    return `${field === '' ? '' : `${field}: `}unknown field ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
  }
  const value = valueAt(received, issue.path);
  const got = value === undefined ? '' : ` (got ${show(value)})`;
  return `${field === '' ? '' : `${field}: `}${demand(issue, value)}${got}`;
}

/** The requirement that the field breaks, as the end of a sentence that starts with its name. */
function demand(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${show(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_type':
      return value === undefined ? 'is missing' : `must be ${article(issue.expected)}`;
    case 'too_small':
      return issue.origin === 'array' || issue.origin === 'string'
        ? `must not be ${Number(issue.minimum) <= 1 ? 'empty' : `shorter than ${issue.minimum}`}`
        : `must be ${issue.inclusive === false ? 'greater than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'array' || issue.origin === 'string'
        ? `must not be longer than ${issue.maximum}`
        : `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    default:
      return lowerFirst(issue.message);
  }
}

const article = (type: string): string =>
  ({ int: 'a whole number', array: 'a list', object: 'a JSON object', boolean: 'true or false' })[
    type
  ] ?? `a ${type}`;

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  );
}

function show(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : stringify(value);
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}…` : text;
}

/** JSON.stringify walks down a value: one that nests some thousands deep overflows the stack. */
function stringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (error) {
    if (error instanceof RangeError) return 'a value that nests too deep to be shown';
    throw error;
  }
}
