import type { Result } from '../contract';

/** A cell as CSV. A spreadsheet computes what begins so: an apostrophe makes it a text. */
export function csvCell(cell: string | null): string {
  const safe =
    cell !== null && /^[=+\-@\t\r]/.test(cell) && !/^-?\d+(\.\d+)?(E-?\d+)?$/.test(cell)
      ? `'${cell}`
      : (cell ?? '');
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A result as CSV with a header, for any spreadsheet. */
export const csvOf = ({ columns, rows }: Pick<Result, 'columns' | 'rows'>): string =>
  [columns, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
