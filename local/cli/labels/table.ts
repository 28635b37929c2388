import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { UserError } from '../../cloud/user-error';

/** A row's cells by the names in the first line, lower case; `line` is where the row begins. */
export interface TableRow {
  line: number;
  cells: Map<string, string>;
}

const Records = z.array(
  z.object({
    record: z.array(z.string()),
    raw: z.string(),
    /** Lines read when the row was complete. */
    info: z.object({ lines: z.number() }),
  }),
);

/** CSV or TSV as RFC 4180 has it: quoted cells may hold separators, doubled quotes and line ends. */
export function readTable(
  content: string,
  delimiter: string,
): { names: string[]; rows: TableRow[] } {
  const [header, ...records] = parseRecords(content, delimiter);
  const names = header?.record.map((name) => name.trim().toLowerCase()) ?? [];
  return {
    names,
    rows: records.map(({ record, raw, info }) => ({
      // The raw text begins with the empty lines that were skipped.
      line: info.lines - lineEnds(raw.replace(/^(?:\r?\n)+|\r?\n$/g, '')),
      cells: new Map(record.map((cell, index) => [names[index] ?? '', cell])),
    })),
  };
}

function parseRecords(content: string, delimiter: string): z.infer<typeof Records> {
  try {
    return Records.parse(
      parse(content, {
        bom: true,
        delimiter,
        info: true,
        raw: true,
        // A row that is too short or long is refused by itself, with its line.
        relax_column_count: true,
        // A tweet may hold a quotation mark within a cell that is not quoted.
        relax_quotes: true,
        record_delimiter: ['\r\n', '\n'],
        skip_empty_lines: true,
      }),
    );
  } catch (error) {
    if (error instanceof CsvError) throw new UserError(`The file is no table: ${error.message}.`);
    throw error;
  }
}

const lineEnds = (text: string): number => text.split('\n').length - 1;
