import { z } from 'zod';
import type { Label } from '../../workflows/evaluation';
import { UserError } from '../../session/user-error';
import { Classes, type LabelMap } from './classes';
import type { Quote } from './table';
import { problemOfText, repeatedPlaceholders } from './texts';

/** One label as a person gave it; `line` is its line in the file, from 1. */
export interface LabelledText {
  line: number;
  text: string;
  label: Label;
  /** Set when an import reads several files. */
  file?: string;
}

export interface Rejected {
  line: number;
  reason: string;
  file?: string;
}

/** A row as read, before its label is interpreted. */
export interface FoundRow {
  line: number;
  file?: string;
  text: unknown;
  label: unknown;
}

/** The columns of text and label, the meaning of the file's label names, and the table's format. */
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
  /** Numbers of rows that --map skips, by their label. */
  skipped: Map<string, number>;
  /** Notes for the person before the import. */
  notes: string[];
}

/** The rows of a file, with notes on how it was read. */
export interface Found {
  found: (FoundRow | Rejected)[];
  notes: string[];
}

export const NOTHING = 'Nothing was imported.';

const Row = z.object({
  text: z.string(),
  label: z.union([z.string(), z.number(), z.boolean()]).transform(String),
});

/**
 * Interprets each row. Throws UserError if any label has no certain meaning; rejects texts that cannot be labelled one by
 * one.
 */
export function resolveRows(
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

/** The names of the columns or fields to look for. */
export const wanted = (columns: Columns) => ({
  text: columns.text ?? 'text',
  label: columns.label ?? 'label',
});

export const lower = (name: string): string => name.trim().toLowerCase();
