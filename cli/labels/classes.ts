import { Label, labels } from '../../workflows/evaluation';
import { UserError } from '../../session/user-error';

/** The class that a file's label stands for; `skip` leaves its rows out. */
export type Meaning = Label | 'skip';
/** By the spelling as `spellingOf` gives it. */
export type LabelMap = ReadonlyMap<string, Meaning>;

const meanings: readonly string[] = [...labels, 'skip'];
const isMeaning = (word: string): word is Meaning => meanings.includes(word);

/** Words that mean the same class in every file. Digits do not: 0 is negative in one file and neutral in another. */
const words: LabelMap = new Map(
  Object.entries({
    negative: 'negative',
    neg: 'negative',
    neutral: 'neutral',
    neu: 'neutral',
    positive: 'positive',
    pos: 'positive',
  } as const),
);

/** The only unambiguous scale of digits, recognized by its -1. */
const signed: LabelMap = new Map(
  Object.entries({ '-1': 'negative', 0: 'neutral', 1: 'positive' } as const),
);

const WHOLE_NUMBER = /^[+-]?(?:0|[1-9]\d{0,8})(?:\.0+)?$/;
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

/** One spelling for `Positive ` and `positive`, for `1`, `+1` and `1.0`, and for a typographic minus. */
export function spellingOf(value: string): string {
  const plain = value.trim().toLowerCase().replace('\u2212', '-');
  return WHOLE_NUMBER.test(plain) ? String(Number(plain) + 0) : plain;
}

const PAIRS = new RegExp(`.*?=\\s*(?:${meanings.join('|')})\\s*(?:,|$)|.+`, 'gis');

/** `neg=negative,4=positive,mixed=skip`, in one or several parts. Throws UserError for anything else. */
export function parseMap(given: string | readonly string[]): LabelMap {
  const map = new Map<string, Meaning>();
  for (const part of [given].flat()) {
    // A label may contain a comma or an equals sign, so a pair ends with its meaning.
    for (const pair of part.match(PAIRS) ?? ['']) {
      const [, from = '', to = ''] = /^\s*(.+?)\s*=\s*(\w+)\s*,?$/s.exec(pair) ?? [];
      const [spelling, meaning] = [spellingOf(from), to.toLowerCase()];
      const isSeveral = from.includes('=') && from.includes(',');
      if (spelling === '' || isSeveral || !isMeaning(meaning)) {
        throw new UserError(
          `--map takes a list like neg=negative,4=positive,mixed=skip (labels are ${labels.join(', ')}; skip leaves rows out), but got "${pair}".`,
          2,
        );
      }
      if ((map.get(spelling) ?? meaning) !== meaning)
        throw new UserError(`--map gives two meanings for ${spelling}.`, 2);
      map.set(spelling, meaning);
    }
  }
  return map;
}

interface Seen {
  rows: number;
  line: number;
  file?: string;
}

const SHOWN = 10;
const LONGEST = 40;

/** All labels of one file. They are interpreted together: the meaning of 0 depends on the others. */
export class Classes {
  private readonly seen = new Map<string, Seen>();

  constructor(private readonly map: LabelMap) {}

  see(label: string, { line, file }: { line: number; file?: string }): void {
    const spelling = spellingOf(label);
    const before = this.seen.get(spelling);
    if (before) before.rows += 1;
    else this.seen.set(spelling, { rows: 1, line, ...(file !== undefined && { file }) });
  }

  /** What the person must specify before this file can be read; null when every label is certain. */
  problem(): string | null {
    const unknown = [...this.seen.keys()].filter(
      (spelling) => this.certain(spelling) === undefined,
    );
    if (unknown.length === 0) return null;
    const list = unknown.slice(0, SHOWN).map((spelling) => this.describe(spelling));
    if (unknown.length > SHOWN) list.push(`and ${unknown.length - SHOWN} more`);
    return (
      `${list.join(', ')}: ${unknown.length === 1 ? 'this label has' : 'these labels have'} no certain meaning. ` +
      `Say it with --map, for example --map ${this.example(unknown)} ` +
      `(${meanings.join(', ')} are possible; see the documentation of the data).`
    );
  }

  /** Call it only when `problem` returned null. Throws Error for a label without a meaning. */
  meaningOf(label: string): Meaning {
    const meaning = this.certain(spellingOf(label));
    if (meaning === undefined) throw new Error(`"${label}" has no meaning`);
    return meaning;
  }

  /** Labels of --map that no row has. */
  unusedOf(): string[] {
    return [...this.map.keys()].filter((spelling) => !this.seen.has(spelling));
  }

  private certain(spelling: string): Meaning | undefined {
    const meaning = this.map.get(spelling) ?? words.get(spelling);
    return meaning ?? (this.isSigned() ? signed.get(spelling) : undefined);
  }

  private isSigned(): boolean {
    const others = [...this.seen.keys()].filter(
      (spelling) => NUMBER.test(spelling) && !signed.has(spelling) && !this.map.has(spelling),
    );
    const agrees = [...signed].every(([digit, usual]) => (this.map.get(digit) ?? usual) === usual);
    return this.seen.has('-1') && agrees && others.length === 0;
  }

  private describe(spelling: string): string {
    const { rows, line, file } = this.seen.get(spelling) ?? { rows: 0, line: 0 };
    const where = `${file === undefined ? '' : `${file}, `}line ${line}`;
    return `"${short(spelling)}" (${rows === 1 ? where : `${rows} rows, the first ${where}`})`;
  }

  /** A guess to paste and check: numbers by their order, words by their parts. */
  private example(unknown: readonly string[]): string {
    const numbers = [...this.seen.keys()].filter((spelling) => NUMBER.test(spelling));
    numbers.sort((a, b) => Number(a) - Number(b));
    const others = unknown.filter((spelling) => !NUMBER.test(spelling)).slice(0, SHOWN);
    const pairs = [
      ...numbers
        .slice(0, SHOWN)
        .map((number, rank) => `${number}=${this.map.get(number) ?? byRank(rank, numbers.length)}`),
      ...others.map((word) => `${short(word)}=${byWord(word)}`),
    ];
    const list = pairs.join(',');
    return /^[\w=,.+-]+$/.test(list) ? list : `'${list.replaceAll("'", `'\\''`)}'`;
  }
}

const short = (spelling: string): string =>
  spelling.length > LONGEST ? `${spelling.slice(0, LONGEST - 1)}…` : spelling;

function byRank(rank: number, of: number): Meaning {
  const middle = (of - 1) / 2;
  if (of === 1 || rank === middle) return 'neutral';
  return rank < middle ? 'negative' : 'positive';
}

function byWord(word: string): Meaning {
  if (word.includes('neg')) return 'negative';
  if (word.includes('pos')) return 'positive';
  return word.includes('neu') ? 'neutral' : 'skip';
}
