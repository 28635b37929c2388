import { extname } from 'node:path';
import { z } from 'zod';
import { Label, labels } from '../../../workflows/evaluation';
import { UserError } from '../../cloud/user-error';
import { readTable } from './table';

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

/** Where text and label stand, and what a file's own words for the labels mean. */
export interface Columns {
  text: string;
  label: string;
  map: ReadonlyMap<string, Label>;
}

const spellings: ReadonlyMap<string, Label> = new Map(
  Object.entries({
    negative: 'negative',
    neg: 'negative',
    '-1': 'negative',
    neutral: 'neutral',
    neu: 'neutral',
    '0': 'neutral',
    positive: 'positive',
    pos: 'positive',
    '1': 'positive',
    '+1': 'positive',
  } as const),
);

export const usualColumns: Columns = { text: 'text', label: 'label', map: new Map() };

/** `neg=negative,4=positive`. Throws UserError for what is no such list. */
export function parseMap(given: string): ReadonlyMap<string, Label> {
  return new Map(
    given.split(',').map((pair) => {
      const [, from = '', to = ''] = /^\s*(.+?)\s*=\s*(\w+)\s*$/.exec(pair) ?? [];
      const label = Label.safeParse(to.toLowerCase());
      if (!label.success) {
        throw new UserError(
          `--map takes a list like neg=negative,4=positive (labels are ${labels.join(', ')}), but got "${pair}".`,
        );
      }
      return [from.toLowerCase(), label.data];
    }),
  );
}

/** A text that people read and label as one; X's long posts go up to 25,000, and nobody labels those as a whole. */
const MAX_LABEL_CHARACTERS = 10_000;

const Row = z.object({ text: z.string(), label: z.union([z.string(), z.number()]) });

/** Checks a row that was read; `map` counts before the usual spellings. */
export function checkRow(line: number, row: unknown, map: Columns['map']): LabelledText | Rejected {
  const parsed = Row.safeParse(row);
  if (!parsed.success) return { line, reason: 'it needs a text and a label' };
  const text = parsed.data.text.trim();
  const spelling = String(parsed.data.label).trim().toLowerCase();
  if (text === '') return { line, reason: 'the text is empty' };
  if (text.length > MAX_LABEL_CHARACTERS)
    return {
      line,
      reason: `the text has ${text.length} characters, and a label takes ${MAX_LABEL_CHARACTERS} at most`,
    };
  const label = map.get(spelling) ?? spellings.get(spelling);
  if (!label)
    return {
      line,
      reason: `"${spelling}" is no label: negative, neutral or positive is, or what --map says`,
    };
  return { line, text, label };
}

function tableRows(
  content: string,
  separator: string,
  columns: Columns,
): (LabelledText | Rejected)[] {
  const { names, rows } = readTable(content, separator);
  const [text, label] = [columns.text.toLowerCase(), columns.label.toLowerCase()];
  if (!names.includes(text) || !names.includes(label)) {
    throw new UserError(
      `The first line must name the columns ${columns.text} and ${columns.label}; it names ${names.join(', ') || 'none'}. ` +
        'Others are named with --text-column and --label-column.',
    );
  }
  return rows.map(({ line, cells }) =>
    checkRow(line, { text: cells.get(text), label: cells.get(label) }, columns.map),
  );
}

const Fields = z.looseObject({});

function jsonRows(content: string, columns: Columns): (LabelledText | Rejected)[] {
  return content.split('\n').flatMap((raw, index) => {
    if (raw.trim() === '') return [];
    const line = index + 1;
    try {
      const fields = Fields.safeParse(JSON.parse(raw)).data ?? {};
      return [
        checkRow(line, { text: fields[columns.text], label: fields[columns.label] }, columns.map),
      ];
    } catch {
      return [{ line, reason: 'it is not JSON' }];
    }
  });
}

export interface Parsed {
  rows: LabelledText[];
  rejected: Rejected[];
}

export const sortOut = (all: readonly (LabelledText | Rejected)[]): Parsed => ({
  rows: all.filter((row) => 'label' in row),
  rejected: all.filter((row) => 'reason' in row),
});

/** Reads labels from CSV, TSV or JSON Lines, by the file's ending. Bad rows are told apart, not dropped. */
export function parseLabels(
  path: string,
  content: string,
  columns: Columns = usualColumns,
): Parsed {
  const text = content.replace(/^\uFEFF/, '');
  const readers: Record<string, () => (LabelledText | Rejected)[]> = {
    '.csv': () => tableRows(text, ',', columns),
    '.tsv': () => tableRows(text, '\t', columns),
    '.jsonl': () => jsonRows(text, columns),
    '.ndjson': () => jsonRows(text, columns),
  };
  const reader = readers[extname(path).toLowerCase()];
  if (!reader) {
    throw new UserError(
      `${path} must end in .csv, .tsv, .jsonl or .ndjson, or be a folder or …_text.txt laid out as TweetEval.`,
    );
  }
  return sortOut(reader());
}
