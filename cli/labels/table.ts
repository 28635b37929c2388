import { UserError } from '../../session/user-error';
import { splitLines, type Lines } from '../read-text';

/**
 * The meaning of a quotation mark at the start of a cell. `double`: the cell ends at the next mark that is not doubled,
 * possibly on a later line (RFC 4180). `line`: the same, but only within one line; otherwise it is part of the text.
 * `none`: it is always part of the text.
 */
export type Quote = 'double' | 'line' | 'none';
export const quotes = ['double', 'line', 'none'] as const;

export interface Dialect {
  delimiter: string;
  /** null when the person did not choose: then the file must have only one possible reading. */
  quote: Quote | null;
}

/** A row's cells; `line` is where it begins, `last` where it ends, from 1. */
export interface TableRow {
  line: number;
  last: number;
  cells: string[];
}

export interface Table {
  rows: TableRow[];
  /** Lines whose quotation marks were removed without --quote. */
  unquoted: number;
  /** The cells of a line if no cell spanned several lines: shows rows that a wrong quotation mark would swallow. */
  cellsOfLine: (line: number) => string[];
}

/** A quotation that is not closed properly; `end` is null when it is never closed. */
interface Fault {
  open: number;
  end: number | null;
}

/** `escape` is the line with a backslash before a quotation mark inside a quoted cell. */
type Cells = { cells: string[]; next: number; escape: number | null };

/** The record that begins with line `at`, with quotation marks as RFC 4180 has them. */
function scan({ lines, ends }: Lines, at: number, delimiter: string): Cells | Fault {
  const cells: string[] = [];
  let escape: number | null = null;
  let index = at;
  let line = lines[index] ?? '';
  let from = 0;
  for (;;) {
    if (line[from] !== '"') {
      const to = line.indexOf(delimiter, from);
      if (to === -1) return { cells: [...cells, line.slice(from)], next: index + 1, escape };
      cells.push(line.slice(from, to));
      from = to + 1;
      continue;
    }
    const open = index;
    let cell = '';
    from += 1;
    for (let isOpen = true; isOpen;) {
      const mark = line.indexOf('"', from);
      if (mark === -1) {
        cell += line.slice(from) + (ends[index] ?? '');
        index += 1;
        if (index >= lines.length) return { open, end: null };
        line = lines[index] ?? '';
        from = 0;
        continue;
      }
      if (line[mark - 1] === '\\') escape ??= index;
      isOpen = line[mark + 1] === '"';
      cell += line.slice(from, isOpen ? mark + 1 : mark);
      from = isOpen ? mark + 2 : mark + 1;
    }
    cells.push(cell);
    if (from === line.length) return { cells, next: index + 1, escape };
    if (line[from] !== delimiter) return { open, end: index };
    from += 1;
  }
}

const isBlank = (line: string, delimiter: string): boolean =>
  line.trim() === '' && !line.includes(delimiter);

interface Scanned {
  rows: TableRow[];
  escape: number | null;
}

function scanAll(text: Lines, delimiter: string): Scanned | Fault {
  const rows: TableRow[] = [];
  let escape: number | null = null;
  let at = 0;
  while (at < text.lines.length) {
    if (isBlank(text.lines[at] ?? '', delimiter)) {
      at += 1;
      continue;
    }
    const record = scan(text, at, delimiter);
    if ('open' in record) return record;
    rows.push({ line: at + 1, last: record.next, cells: record.cells });
    escape ??= record.escape;
    at = record.next;
  }
  return { rows, escape };
}

const CLOSED = /^"[^"]*(?:""[^"]*)*"$/;
const ESCAPED = /^".*\\"/s;
const unquote = (cell: string): string =>
  CLOSED.test(cell) ? cell.slice(1, -1).replaceAll('""', '"') : cell;

interface LineCells {
  cells: string[];
  /** Whether a quotation mark opens a cell that is not closed in this line. */
  stray: boolean;
}

/** The cells of one line; `width` is the expected number. */
function cellsOf(line: string, { delimiter, quote }: Dialect, width: number | null): LineCells {
  const raw = line.split(delimiter);
  if (quote === 'none') return { cells: raw, stray: false };
  // The expected number is not known for the first line.
  const mayHoldDelimiters = line.includes('"') && raw.length !== width;
  const quoted = mayHoldDelimiters ? scan({ lines: [line], ends: [] }, 0, delimiter) : null;
  if (
    quoted !== null &&
    'cells' in quoted &&
    (width ?? quoted.cells.length) === quoted.cells.length
  )
    return { cells: quoted.cells, stray: false };
  const stray = raw.some((cell) => cell.startsWith('"') && !CLOSED.test(cell));
  return { cells: raw.map(unquote), stray };
}

function byLine(
  lines: readonly string[],
  dialect: Dialect,
): { rows: TableRow[]; stray: number | null } {
  const rows: TableRow[] = [];
  let firstStray: number | null = null;
  for (const [index, line] of lines.entries()) {
    if (isBlank(line, dialect.delimiter)) continue;
    const { cells, stray } = cellsOf(line, dialect, rows[0]?.cells.length ?? null);
    rows.push({ line: index + 1, last: index + 1, cells });
    if (stray) firstStray ??= index + 1;
  }
  return { rows, stray: firstStray };
}

const OPTIONS =
  '--quote double (a cell may go over several lines), --quote line (only within its line) or --quote none (they are part of the text)';

function refuse(fault: Fault): UserError {
  const how =
    fault.end === null
      ? 'is never closed'
      : `is closed in the middle of a cell (line ${fault.end + 1})`;
  return new UserError(
    `Line ${fault.open + 1}: the quotation mark that opens a cell here ${how}, so rows would be swallowed. ` +
      `Correct it, or say what quotation marks are: --quote line or --quote none. Nothing was imported.`,
  );
}

const fit = (rows: readonly TableRow[]): boolean =>
  rows.every(({ cells }) => cells.length === rows[0]?.cells.length);

/**
 * Reads a table whose delimiter is known. Without a chosen quote rule, the file must have only one possible reading.
 * Throws UserError with the line of a quotation that is not closed properly.
 */
export function readTable(content: string, dialect: Dialect): Table {
  const text = splitLines(content);
  if (text.lines[0]?.includes('\r') && !text.lines[0].includes('"')) {
    throw new UserError(
      'The first line holds a carriage return alone, and others end with a line feed: save the file with one kind of line end. Nothing was imported.',
    );
  }
  const lined = (quote: Quote) => byLine(text.lines, { ...dialect, quote });
  const cellsOfLine = (line: number) =>
    (text.lines[line - 1] ?? '')
      .split(dialect.delimiter)
      .map((cell) => unquote(cell).replace(/^"|"$/g, ''));
  const table = (rows: TableRow[], unquoted = 0): Table => ({ rows, unquoted, cellsOfLine });

  if (dialect.quote === 'none' || dialect.quote === 'line') return table(lined(dialect.quote).rows);
  const quoted = scanAll(text, dialect.delimiter);
  if (dialect.quote === 'double' || dialect.delimiter !== '\t') {
    if ('open' in quoted) throw refuse(quoted);
    if (dialect.quote === null && quoted.escape !== null) throw refuseEscape(quoted.escape);
    return table(quoted.rows);
  }

  // TSV: mostly without quotation marks, or with those of spreadsheets and pandas.
  const { rows, stray } = lined('line');
  const isClosed = (line: string) =>
    line.split(dialect.delimiter).some((cell) => CLOSED.test(cell));
  const unquoted = text.lines.filter(isClosed).length;
  const isEscaped = (line: string) =>
    line.includes('\\"') && line.split(dialect.delimiter).some((cell) => ESCAPED.test(cell));
  const escape = text.lines.findIndex(isEscaped);
  if (escape !== -1) throw refuseEscape(escape);
  if (stray === null) return table(rows, unquoted);
  const other = 'open' in quoted || !fit(quoted.rows) ? null : quoted;
  if (fit(rows) && other === null) return table(rows, unquoted);
  if (!fit(rows) && other !== null) return table(other.rows);
  throw new UserError(
    `Line ${stray}: a quotation mark opens a cell and is not closed in its line, and the file can be read in more than one way. ` +
      `Say what quotation marks are: ${OPTIONS}. Nothing was imported.`,
  );
}

/** RFC 4180 doubles quotation marks. After a backslash, a mark would end its cell only by chance. */
const refuseEscape = (line: number): UserError =>
  new UserError(
    `Line ${line + 1}: a backslash stands before a quotation mark. If that is how the file writes quotation marks, write them doubled ("") instead; ` +
      'if the backslash is part of the text, say --quote double or --quote none. Nothing was imported.',
  );

const names: Record<string, string> = {
  comma: ',',
  semicolon: ';',
  tab: '\t',
  '\\t': '\t',
  pipe: '|',
};
export const usualDelimiters = [',', ';', '\t', '|'] as const;

/** The name of a delimiter on the command line. */
export const nameOfDelimiter = (delimiter: string): string =>
  Object.entries(names).find(([, sign]) => sign === delimiter)?.[0] ?? `'${delimiter}'`;

/** `;`, `tab`, `pipe` … Throws UserError for anything else. */
export function parseDelimiter(given: string): string {
  const sign = names[given.toLowerCase()] ?? given;
  if ([...sign].length === 1 && sign.length === 1 && !/[\p{L}\p{N}"\r\n ]/u.test(sign)) return sign;
  throw new UserError(
    `--delimiter is "${given}": it must be one character or one of comma, semicolon, tab, pipe.`,
    2,
  );
}
