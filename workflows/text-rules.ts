import rules from '../etl/text/rules.json';

type SetName = keyof typeof rules.sets;
type PatternName = keyof typeof rules.patterns;

const isSet = (name: string): name is SetName => Object.hasOwn(rules.sets, name);
const isPattern = (name: string): name is PatternName => Object.hasOwn(rules.patterns, name);

const rangesOf = (name: SetName): [number, number][] =>
  rules.sets[name]
    .join(' ')
    .split(' ')
    .map((word) => {
      const [first = '', last = first] = word.split('-');
      return [parseInt(first, 16), parseInt(last, 16)];
    });

/** The characters of a set in etl/text/rules.json. */
export const signs = (name: SetName): ReadonlySet<string> =>
  new Set(
    rangesOf(name).flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at)),
    ),
  );

/** A set as the inside of a regular expression's brackets. */
export const members = (name: SetName): string =>
  rangesOf(name)
    .map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`)
    .join('');

const expanded = (name: PatternName): string =>
  rules.patterns[name]
    .replace(/<([a-z][A-Za-z]*)>/g, (whole, other: string) =>
      isPattern(other) ? expanded(other) : whole,
    )
    .replace(/\{([a-z][A-Za-z]*)\}/g, (whole, set: string) => (isSet(set) ? members(set) : whole));

/** A pattern of etl/text/rules.json. etl/text/rules.py reads it the same way. */
export const pattern = (name: PatternName): RegExp => new RegExp(expanded(name), 'gu');

/** HTML's named entities. */
export const entities: ReadonlyMap<string, string> = new Map(
  rules.entities
    .join(' ')
    .split(' ')
    .map((word) => {
      const [name = '', code = ''] = word.split('=');
      return [name, String.fromCodePoint(parseInt(code, 16))];
    }),
);

/** Characters of the numbers 128 to 159 in Windows' code page; 0 for none. */
export const windows1252: readonly number[] = rules.windows1252
  .split(' ')
  .map((code) => parseInt(code, 16));
