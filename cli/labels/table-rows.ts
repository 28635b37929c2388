import { UserError } from '../../session/user-error';
import { counted } from '../run/stages';
import type { LabelMap } from './classes';
import { lower, NOTHING, wanted, type Columns, type Found } from './rows';
import { nameOfDelimiter, readTable, usualDelimiters, type Table, type TableRow } from './table';

interface Places {
  text: number;
  label: number;
  /** The rows below the header. */
  rows: TableRow[];
  width: number;
}

/** The rows of a table whose delimiter is known, by the columns of text and label. Throws UserError. */
export function tableRows(
  path: string,
  content: string,
  delimiter: string,
  columns: Columns,
): Found {
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

/** Cells of a line, were it split at `delimiter`. */
const cellsAt = (line: string, delimiter: string): string[] =>
  readTable(line, { delimiter, quote: 'line' }).rows[0]?.cells ?? [];

/** Throws UserError with the right delimiter when the first line cannot be split into the columns. Ignores quotation marks. */
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

function hasBoth(cells: readonly string[], columns: Columns): boolean {
  const names = cells.map(lower);
  const { text, label } = wanted(columns);
  return names.includes(lower(text)) && names.includes(lower(label));
}

/** Words and numbers that may be labels. */
const LOOKS_LIKE_LABEL = /^(?:neg(?:ative)?|neu(?:tral)?|pos(?:itive)?|[+-]?\d(?:\.0+)?)$/i;

const NAMES_A_LABEL = /^\s*(?:\w+[_ ])?(?:label|sentiment|class|polarity|target)s?\s*$/i;

/** The options for a first line that is a row or names other columns. */
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

/** The width of most rows. Without a header, the first row cannot be trusted: one extra delimiter would reject all others. Throws UserError without a majority. */
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

/** The index of a column. The case of names is ignored unless two columns differ only in case. Throws UserError for a repeated name. */
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
 * Two stray quotation marks make one long cell of all rows between them. Throws UserError if a line inside a cell looks
 * like a row: the right number of cells, with a label in its column.
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
