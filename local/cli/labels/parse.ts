import { extname } from 'node:path';
import { visit } from 'jsonc-parser';
import { z } from 'zod';
import type { Label } from '../../../workflows/evaluation';
import { UserError } from '../../cloud/user-error';
import { splitLines } from '../read-text';
import { Classes, type LabelMap } from './classes';
import { problemOfText, repeatedPlaceholders } from './texts';
import {
  nameOfDelimiter,
  readTable,
  usualDelimiters,
  type Quote,
  type Table,
  type TableRow,
} from './table';

/** One label as a person gave it; `line` is where it stands in its file, from 1. */
export interface LabelledText {
  line: number;
  text: string;
  label: Label;
  /** Set where an import reads several files. */
  file?: string;
}

export interface Rejected {
  line: number;
  reason: string;
  file?: string;
}

/** A row as it was found, before anything is decided about it. */
export interface FoundRow {
  line: number;
  file?: string;
  text: unknown;
  label: unknown;
}

/** Where text and label stand, what a file's own words for the labels mean, and how a table is written. */
export interface Columns {
  /** A name, or without a header a number from 1. @default text */
  text: string | null;
  /** @default label */
  label: string | null;
  map: LabelMap;
  /** @default by the file's ending */
  delimiter: string | null;
  /** @default what gives the file one reading only */
  quote: Quote | null;
  /** Whether the first line names the columns. */
  header: boolean;
}

export const usualColumns: Columns = {
  text: null,
  label: null,
  map: new Map(),
  delimiter: null,
  quote: null,
  header: true,
};

export interface Parsed {
  rows: LabelledText[];
  rejected: Rejected[];
  /** Rows that --map leaves out, by their own word. */
  skipped: Map<string, number>;
  /** What a person should know before the labels are imported. */
  notes: string[];
}

const NOTHING = 'Nothing was imported.';

const Row = z.object({
  text: z.string(),
  label: z.union([z.string(), z.number(), z.boolean()]).transform(String),
});

/**
 * Decides what each row means. Throws UserError for the whole of them if one label has no certain meaning; texts that
 * cannot be labelled are told apart one by one.
 */
export function settleRows(
  path: string,
  found: readonly (FoundRow | Rejected)[],
  map: LabelMap,
  notes: readonly string[] = [],
): Parsed {
  const rejected: Rejected[] = [];
  const read: { at: Pick<FoundRow, 'line' | 'file'>; text: string; label: string }[] = [];
  for (const row of found) {
    if ('reason' in row) {
      rejected.push(row);
      continue;
    }
    const at = { line: row.line, ...(row.file !== undefined && { file: row.file }) };
    const parsed = Row.safeParse(row);
    if (!parsed.success) rejected.push({ ...at, reason: missing(row) });
    else if (parsed.data.label.trim() === '')
      rejected.push({ ...at, reason: 'the label is empty' });
    else read.push({ at, text: parsed.data.text.trim(), label: parsed.data.label });
  }

  const classes = new Classes(map);
  for (const { at, label } of read) classes.see(label, at);
  const problem = classes.problem();
  if (problem !== null) throw new UserError(`${path}: ${problem} ${NOTHING}`);

  const placeholders = repeatedPlaceholders(read.map(({ text }) => text));
  const skipped = new Map<string, number>();
  const rows: LabelledText[] = [];
  for (const { at, text, label } of read) {
    const meaning = classes.meaningOf(label);
    if (meaning === 'skip') {
      skipped.set(label.trim(), (skipped.get(label.trim()) ?? 0) + 1);
      continue;
    }
    const reason = problemOfText(text, placeholders);
    if (reason === null) rows.push({ ...at, text, label: meaning });
    else rejected.push({ ...at, reason });
  }
  const unused = classes.unusedOf();
  return {
    rows,
    rejected,
    skipped,
    notes: [
      ...notes,
      ...(unused.length > 0 ? [`no row has the label ${unused.join(', ')} of --map`] : []),
    ],
  };
}

const missing = ({ text, label }: FoundRow): string => {
  if (typeof text !== 'string')
    return text === undefined ? 'it has no text' : 'its text is no text';
  return label === undefined || label === null
    ? 'it has no label'
    : 'its label is neither word nor number';
};

interface Places {
  text: number;
  label: number;
  /** The rows below the header. */
  rows: TableRow[];
  width: number;
}

function tableRows(path: string, content: string, delimiter: string, columns: Columns): Found {
  mustHaveColumns(content, delimiter, columns);
  const table = readTable(content, { delimiter, quote: columns.quote });
  const { text, label, rows, width } = placesIn(table, columns);
  const first = columns.header ? 'the header' : 'most lines';
  const found = rows.map(({ line, cells }) =>
    cells.length === width
      ? { line, text: cells[text], label: cells[label] }
      : { line, reason: `it has ${counted(cells.length, 'cell')}, ${first} ${width}` },
  );
  if (columns.quote === null) mustSwallowNothing(table, rows, { label, width, map: columns.map });
  const notes =
    table.unquoted > 0 && table.unquoted < table.rows.length
      ? [
          `${counted(table.unquoted, 'line')} had cells in quotation marks, which were taken off; --quote none keeps them`,
        ]
      : [];
  if (found.length === 0) throw new UserError(`${path} has no row. ${NOTHING}`);
  return { found, notes };
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;
const lower = (name: string): string => name.trim().toLowerCase();

/** Cells of a line, were it split at `delimiter`. */
const cellsAt = (line: string, delimiter: string): string[] =>
  readTable(line, { delimiter, quote: 'line' }).rows[0]?.cells ?? [];

/** Says what would help where the first line does not name the columns, before quotation marks are looked at. */
function mustHaveColumns(content: string, delimiter: string, columns: Columns): void {
  const [line] = /[^\r\n]*[^\s][^\r\n]*/.exec(content) ?? [];
  if (line === undefined) throw new UserError(`The file is empty. ${NOTHING}`);
  const cells = cellsAt(line, delimiter);
  const [best = delimiter] = [...usualDelimiters].sort(
    (a, b) => cellsAt(line, b).length - cellsAt(line, a).length,
  );
  const more = cellsAt(line, best);
  const isSplit = cells.length > 1 && (!columns.header || hasBoth(cells, columns));
  if (!isSplit && more.length > cells.length && columns.delimiter === null) {
    throw new UserError(
      `The first line has ${counted(cells.length, 'cell')} between ${nameOfDelimiter(delimiter)}s, and ${more.length} between ${nameOfDelimiter(best)}s: ` +
        `say --delimiter ${nameOfDelimiter(best)}${hintOfHeader(more, columns)}. ${NOTHING}`,
    );
  }
}

const wanted = (columns: Columns) => ({
  text: columns.text ?? 'text',
  label: columns.label ?? 'label',
});

function hasBoth(cells: readonly string[], columns: Columns): boolean {
  const names = cells.map(lower);
  const { text, label } = wanted(columns);
  return names.includes(lower(text)) && names.includes(lower(label));
}

/** Words that stand for a class in one file or another, and numbers that may. */
const LOOKS_LIKE_LABEL = /^(?:neg(?:ative)?|neu(?:tral)?|pos(?:itive)?|[+-]?\d(?:\.0+)?)$/i;

const NAMES_A_LABEL = /^\s*(?:\w+[_ ])?(?:label|sentiment|class|polarity|target)s?\s*$/i;

/** What to say of a first line that is a row of its own, or names other columns. */
function hintOfHeader(cells: readonly string[], columns: Columns): string {
  if (!columns.header || hasBoth(cells, columns)) return '';
  const label = cells.findIndex((cell) => LOOKS_LIKE_LABEL.test(cell.trim()));
  if (label === -1)
    return (
      ', --text-column and --label-column (it names ' +
      cells.map((cell) => cell.trim()).join(', ') +
      ')'
    );
  const longest = [...cells.keys()]
    .filter((index) => index !== label)
    .sort((a, b) => (cells[b] ?? '').length - (cells[a] ?? '').length);
  return ` --no-header --text-column ${(longest[0] ?? 0) + 1} --label-column ${label + 1} (the first line looks like a row)`;
}

function placesIn(table: Table, columns: Columns): Places {
  const [first, ...rest] = table.rows;
  const cells = first?.cells ?? [];
  const width = columns.header ? cells.length : commonWidth(table.rows);
  if (!columns.header && cells.some((cell) => NAMES_A_LABEL.test(cell))) {
    throw new UserError(
      `The first line names columns (${cells.map((cell) => cell.trim()).join(', ')}): leave --no-header out. ${NOTHING}`,
    );
  }
  const places = columns.header
    ? { ...namedPlaces(cells, columns), rows: rest }
    : { ...numberedPlaces(width, columns), rows: table.rows };
  if (places.text === places.label) {
    throw new UserError(`Text and label are the same column. ${NOTHING}`);
  }
  return { ...places, width };
}

/** Without a header a first line with a delimiter too many would cut its text, and have all others refused. */
function commonWidth(rows: readonly TableRow[]): number {
  const counts = new Map<number, number>();
  for (const { cells } of rows) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const [[width, most] = [0, 0]] = [...counts].sort(([, a], [, b]) => b - a);
  if (most * 2 > rows.length) return width;
  throw new UserError(
    `Without a header most lines must have as many cells as each other, but the commonest number, ${width}, has ${most} of ${rows.length}: ` +
      `is it another --delimiter, or --quote none? ${NOTHING}`,
  );
}

function numberedPlaces(width: number, columns: Columns): { text: number; label: number } {
  const place = (option: string, given: string | null): number => {
    const number = Number(given ?? '');
    if (Number.isInteger(number) && number >= 1 && number <= width) return number - 1;
    throw new UserError(
      `Without a header columns have numbers: --text-column and --label-column say which of the ${width}, ` +
        `but ${option} is ${given === null ? 'missing' : `"${given}"`}. ${NOTHING}`,
    );
  };
  return {
    text: place('--text-column', columns.text),
    label: place('--label-column', columns.label),
  };
}

function namedPlaces(cells: readonly string[], columns: Columns): { text: number; label: number } {
  const { text, label } = wanted(columns);
  const names = cells.map((cell) => cell.trim());
  if (!hasBoth(cells, columns)) {
    const isRow = names.some((name) => LOOKS_LIKE_LABEL.test(name));
    throw new UserError(
      `The first line must name the columns ${text} and ${label}; it names ${names.join(', ') || 'none'}. ` +
        (isRow
          ? `It looks like a row: say${hintOfHeader(cells, columns)}.`
          : `Others are named with --text-column and --label-column; a file without such a line is read with --no-header.`) +
        ` ${NOTHING}`,
    );
  }
  return {
    text: placeOf('text', text, names, columns.text !== null),
    label: placeOf('label', label, names, columns.label !== null),
  };
}

/** Where a column stands. Names may differ in case, unless two columns differ in nothing else. */
function placeOf(what: string, name: string, names: readonly string[], isSaid: boolean): number {
  const alike = [...names.keys()].filter((index) => lower(names[index] ?? '') === lower(name));
  const same = alike.filter((index) => names[index] === name.trim());
  const [place = -1, ...others] = isSaid && same.length === 1 ? same : alike;
  if (others.length === 0) return place;
  throw new UserError(
    `The first line names the column ${name} ${alike.length} times (columns ${alike.map((index) => index + 1).join(', ')}). ` +
      `Rename one, or say which as it is written: --${what}-column <name>; --no-header takes numbers. ${NOTHING}`,
  );
}

/**
 * A quotation mark too many, and another further down, make one long cell of the rows between. Refused if the lines of
 * a cell are rows themselves: as many cells, with a label in its place.
 */
function mustSwallowNothing(
  table: Table,
  rows: readonly TableRow[],
  { label, width, map }: { label: number; width: number; map: LabelMap },
): void {
  const known = new Set([
    ...[...map.keys()].map(lower),
    ...rows
      .filter(({ line, last, cells }) => line === last && cells.length === width)
      .map(({ cells }) => lower(cells[label] ?? '')),
  ]);
  const isRow = (line: number): boolean => {
    const cells = table.cellsOfLine(line);
    const value = (cells[label] ?? '').trim();
    return cells.length === width && (known.has(lower(value)) || LOOKS_LIKE_LABEL.test(value));
  };
  for (const { line, last } of rows) {
    if (line === last) continue;
    const rowsWithin = [];
    for (let at = line; at <= last; at += 1) if (isRow(at)) rowsWithin.push(at);
    const inner = rowsWithin.filter((at) => at > line && at < last);
    if (inner.length === 0 && rowsWithin.length < 2) continue;
    throw new UserError(
      `Line ${line}: a quotation mark opens a cell that goes on to line ${last}, and line ${inner[0] ?? rowsWithin[1]} within it looks like a row of its own. ` +
        `Correct it, or say --quote double if the cell really holds these lines, --quote line or --quote none if a cell ends with its line. ${NOTHING}`,
    );
  }
}

const Fields = z.record(z.string(), z.unknown());

interface Found {
  found: (FoundRow | Rejected)[];
  notes: string[];
}

function jsonRows(path: string, content: string, columns: Columns): Found {
  if (!columns.header || columns.delimiter !== null || columns.quote !== null) {
    throw new UserError(
      `${path} is JSON Lines: --no-header, --delimiter and --quote are for tables. ${NOTHING}`,
      2,
    );
  }
  const { text, label } = wanted(columns);
  let names: string[] | null = null;
  let isThere = false;
  const found = splitLines(content).lines.flatMap((raw, index): (FoundRow | Rejected)[] => {
    if (raw.trim() === '') return [];
    const line = index + 1;
    let fields;
    try {
      fields = Fields.safeParse(JSON.parse(raw));
    } catch {
      return [{ line, reason: 'it is not JSON' }];
    }
    if (!fields.success) return [{ line, reason: 'it is no JSON object' }];
    const keys = topLevelKeys(raw);
    names ??= keys;
    const places = [text, label].map((name) => keys.filter((key) => lower(key) === lower(name)));
    const exact = [text, label].map((name, at) =>
      [columns.text, columns.label][at] === null ? [] : keys.filter((key) => key === name),
    );
    const chosen = places.map((alike, at) => (exact[at]?.length === 1 ? exact[at] : alike));
    const twice = chosen.find((alike) => alike.length > 1);
    if (twice) return [{ line, reason: `it has the field ${twice[0]} ${twice.length} times` }];
    isThere ||= chosen.every((alike) => alike.length === 1);
    const valueOf = (keysOf: string[] = []): unknown => {
      const [key] = keysOf;
      return key === undefined ? undefined : fields.data[key];
    };
    return [{ line, text: valueOf(chosen[0]), label: valueOf(chosen[1]) }];
  });
  if (!isThere && names !== null) {
    throw new UserError(
      `No line has the fields ${text} and ${label}; the first has ${[...names].join(', ') || 'none'}. ` +
        `Others are named with --text-column and --label-column. ${NOTHING}`,
    );
  }
  return { found, notes: [] };
}

/** JSON.parse keeps the last of two fields of one name, and says nothing. */
function topLevelKeys(json: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  visit(json, {
    onObjectBegin: () => void (depth += 1),
    onObjectEnd: () => void (depth -= 1),
    onObjectProperty: (name) => void (depth === 1 && keys.push(name)),
  });
  return keys;
}

const endings: Record<string, string | null> = {
  '.csv': ',',
  '.tsv': '\t',
  '.jsonl': null,
  '.ndjson': null,
};

/** Excel's first line that says the delimiter (`sep=;`) is none of the table; the lines keep their numbers. */
function withoutDeclaration(content: string): { declared: string | null; table: string } {
  const [line, declared = null] = /^sep=(.)(?=\r|\n|$)/i.exec(content) ?? [];
  return { declared, table: line === undefined ? content : content.slice(line.length) };
}

/** Reads labels from CSV, TSV or JSON Lines, by the file's ending. Bad rows are told apart, not dropped. */
export function parseLabels(
  path: string,
  content: string,
  columns: Columns = usualColumns,
): Parsed {
  const ending = extname(path.replace(/\.gz$/i, '')).toLowerCase();
  const byEnding = endings[ending];
  if (byEnding === undefined && columns.delimiter === null) {
    throw new UserError(
      `${path} must end in .csv, .tsv, .jsonl or .ndjson, or be a folder or …_text.txt laid out as TweetEval; ` +
        `a table with another ending is read with --delimiter. ${NOTHING}`,
    );
  }
  if (byEnding === null) {
    const { found, notes } = jsonRows(path, content, columns);
    return settleRows(path, found, columns.map, notes);
  }
  const { declared, table } = withoutDeclaration(content);
  const delimiter = columns.delimiter ?? declared ?? byEnding ?? ',';
  const { found, notes } = tableRows(path, table, delimiter, columns);
  return settleRows(path, found, columns.map, notes);
}
