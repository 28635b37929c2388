import { isAscii, isUtf8 } from 'node:buffer';
import { CsvError, parse as parseCsv } from 'csv-parse/sync';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { z } from 'zod';
import { parseLabels } from '../../cli/labels/parse';
import { usualColumns, type Columns } from '../../cli/labels/rows';
import { readTable, type Quote } from '../../cli/labels/table';
import { parseEncoding, textOf } from '../../cli/read-text';
import { UserError } from '../../session/user-error';
import type { Label } from '../../workflows/evaluation';

interface Row {
  text: string;
  label: Label;
}

/** How a program may write a table. */
interface Dialect {
  delimiter: ',' | ';' | '\t' | '|';
  style: 'where needed' | 'everywhere' | 'never' | 'with backslashes';
  lineEnd: '\n' | '\r\n' | '\r';
  order: readonly ('id' | 'label' | 'text')[];
  header: boolean;
}

const label = fc.constantFrom<Label>('negative', 'neutral', 'positive');
/** Pieces that readers stumble over, and words that let lines within a text look like rows. */
const piece = fc.constantFrom(
  ...['a', 'so good', '"', '""', ',', ';', '\t', '|', '\n', '\r\n', '\r', '\\', '\\"', "'", ' '],
  ...[
    '\u2028',
    '\u0085',
    'é',
    '😀',
    '7',
    'positive',
    'negative',
    ',neutral',
    'neutral,',
    '\n1,positive,x',
  ],
);
const text = fc
  .array(piece, { minLength: 0, maxLength: 7 })
  // A word around it: what is left out for having no text is another matter.
  .map((pieces) => ({ pieces: pieces.join(''), at: pieces.length % 3 }))
  .map(({ pieces, at }) =>
    at === 0 ? `word${pieces}` : at === 1 ? `${pieces}word` : `${pieces}w${pieces}`,
  );
const table = fc.array(fc.record({ text, label }), { minLength: 1, maxLength: 6 });
const dialect: fc.Arbitrary<Dialect> = fc.record({
  delimiter: fc.constantFrom(...([',', ';', '\t', '|'] as const)),
  style: fc.constantFrom(...(['where needed', 'everywhere', 'never', 'with backslashes'] as const)),
  lineEnd: fc.constantFrom(...(['\n', '\r\n', '\r'] as const)),
  order: fc.constantFrom(
    ...([
      ['label', 'text'],
      ['text', 'label'],
      ['id', 'label', 'text'],
      ['id', 'text', 'label'],
      ['text', 'id', 'label'],
    ] as const),
  ),
  header: fc.boolean(),
});

function write(
  rows: readonly Row[],
  { delimiter, style, lineEnd, order, header }: Dialect,
): string {
  const cell = (value: string): string => {
    if (style === 'never') return value;
    if (style === 'with backslashes') return `"${value.replaceAll('"', '\\"')}"`;
    const isPlain = !value.includes(delimiter) && !/["\r\n]/.test(value);
    return style === 'where needed' && isPlain ? value : `"${value.replaceAll('"', '""')}"`;
  };
  const lines = rows.map((row, index) =>
    order.map((name) => cell(name === 'id' ? String(index) : row[name])).join(delimiter),
  );
  return [...(header ? [order.map(cell).join(delimiter)] : []), ...lines, ''].join(lineEnd);
}

const columnsFor = ({ delimiter, order, header }: Dialect, quote: Quote | null): Columns => ({
  ...usualColumns,
  delimiter,
  header,
  quote,
  ...(!header && {
    text: String(order.indexOf('text') + 1),
    label: String(order.indexOf('label') + 1),
  }),
});

/** What was read, or null where the whole file was refused. */
function read(content: string, columns: Columns) {
  try {
    return parseLabels('mine.csv', content, columns);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/**
 * Where nothing is quoted, nobody can tell a text in quotation marks from one that was put into them, a line end in a
 * text from another, and, without a header, a delimiter in a text from another.
 */
const canTell = (row: Row, { header, delimiter }: Dialect): boolean =>
  isOneLine(row) &&
  !(row.text.trim().startsWith('"') && row.text.trim().endsWith('"')) &&
  (header || !row.text.includes(delimiter));

const isOneLine = ({ text: given }: Row): boolean => !/[\r\n]/.test(given);

/** Every row is read as it was written, or refused with its line: none is lost, doubled or another. */
function expectExactOrRefused(rows: readonly Row[], parsed: ReturnType<typeof read>): void {
  if (parsed === null) return;
  const left = [...parsed.rows];
  const missing = rows.filter((row) => {
    const isRead = left[0]?.text === row.text.trim() && left[0].label === row.label;
    if (isRead) left.shift();
    return !isRead;
  });
  expect(left).toEqual([]);
  expect(parsed.rejected.length).toBeGreaterThanOrEqual(missing.length);
}

// A seed, so that a run says the same of one commit; thousands of others were tried.
const runs = { numRuns: 1000, seed: 20261128 };

test('a table in any dialect is read exactly, or refused', () => {
  fc.assert(
    fc.property(table, dialect, (rows, how) => {
      const given = rows.filter((row) => how.style !== 'never' || canTell(row, how));
      fc.pre(given.length > 0);

      expectExactOrRefused(given, read(write(given, how), columnsFor(how, null)));
    }),
    runs,
  );
});

test('a table whose quotation marks are doubled is read whole, once that is said', () => {
  fc.assert(
    fc.property(table, dialect, (rows, how) => {
      fc.pre(how.style === 'everywhere' || how.style === 'where needed');
      // In a file with line feeds, a cell may not end its line with a carriage return alone.
      const given = rows.filter((row) => how.lineEnd !== '\r' || !row.text.includes('\n'));
      fc.pre(given.length > 0);

      const parsed = read(write(given, how), columnsFor(how, 'double'));

      expect(parsed?.rows.map((row) => [row.text, row.label])).toEqual(
        given.map((row) => [row.text.trim(), row.label]),
      );
    }),
    runs,
  );
});

test('a table without quotation marks is read whole, once that is said', () => {
  fc.assert(
    fc.property(table, dialect, (rows, how) => {
      const given = rows.filter((row) => isOneLine(row) && !row.text.includes(how.delimiter));
      fc.pre(how.style === 'never' && given.length > 0);

      const parsed = read(write(given, how), columnsFor(how, 'none'));

      expect(parsed?.rows.map((row) => [row.text, row.label])).toEqual(
        given.map((row) => [row.text.trim(), row.label]),
      );
    }),
    runs,
  );
});

test('what csv-parse reads without a doubt, we read alike', () => {
  const Records = z.array(z.array(z.string()));
  const content = fc
    .array(fc.constantFrom('a', '"', ',', '\n', '"a"', '""', '",', ',"'), { maxLength: 14 })
    .map((parts) => parts.join(''));
  let read = 0;
  fc.assert(
    fc.property(content, (given) => {
      let expected;
      try {
        expected = Records.parse(
          parseCsv(given, {
            relax_column_count: true,
            record_delimiter: '\n',
            skip_empty_lines: true,
          }),
        );
      } catch (error) {
        if (error instanceof CsvError) return;
        throw error;
      }
      read += 1;

      const { rows } = readTable(given, { delimiter: ',', quote: 'double' });

      expect(rows.map(({ cells }) => cells)).toEqual(expected);
    }),
    runs,
  );

  expect(read).toBeGreaterThan(300);
});

test('any text in any encoding is read exactly once that is said, and refused or exact before', () => {
  const encodings = ['windows-1252', 'macroman', 'utf-16le', 'utf-16be', 'windows-1251', 'koi8-r'];
  const content = fc
    .string({
      unit: fc.constantFrom(...'ab é–“ш’😀€\n'),
      minLength: 1,
      maxLength: 30,
    })
    .map((given) => `label,text\n${given}`);
  fc.assert(
    fc.property(content, fc.constantFrom(...encodings), (given, name) => {
      if (!iconv.encodingExists(name)) throw new Error(name);
      const bytes = iconv.encode(given, name);
      // What the encoding has no sign for, no file in it holds.
      fc.pre(iconv.decode(bytes, name) === given);
      // Bytes of one encoding may be UTF-8 by chance: of one word, never of a file of them.
      fc.pre(name.startsWith('utf') || isAscii(bytes) || !isUtf8(bytes));
      const readAs = (encoding: string | null) => {
        try {
          return textOf('mine', bytes, 1000, encoding === null ? null : parseEncoding(encoding));
        } catch (error) {
          if (error instanceof UserError) return null;
          throw error;
        }
      };

      expect(readAs(name)).toBe(given);
      expect([given, null]).toContain(readAs(null));
    }),
    runs,
  );
});
