import { extname } from 'node:path';
import { z } from 'zod';
import { Label } from '../../../workflows/evaluation';
import { UserError } from '../../cloud/user-error';

/** One label as a person gave it; `line` is where it stands in its file, from 1. */
export interface LabelledText {
  line: number;
  text: string;
  label: Label;
}

export interface Rejected {
  line: number;
  reason: string;
}

const spellings: Record<string, Label> = {
  negative: 'negative', neg: 'negative', '-1': 'negative',
  neutral: 'neutral', neu: 'neutral', '0': 'neutral',
  positive: 'positive', pos: 'positive', '1': 'positive', '+1': 'positive',
};

const Row = z.object({ text: z.string(), label: z.union([z.string(), z.number()]) });

interface Cells {
  line: number;
  cells: string[];
}

/** Splits RFC 4180 text: quoted cells may hold separators, doubled quotes and line ends. */
function splitTable(content: string, separator: string): Cells[] {
  const rows: Cells[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let startedOn = 1;
  const endRow = () => {
    cells.push(cell.replace(/\r$/, ''));
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: startedOn, cells });
    cells = [];
    cell = '';
    startedOn = line;
  };
  for (let at = 0; at < content.length; at += 1) {
    const char = content.charAt(at);
    if (char === '\n') line += 1;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (content.charAt(at + 1) === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === separator) {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') endRow();
    else cell += char;
  }
  if (quoted) throw new UserError(`A quotation mark opened in the row of line ${startedOn} is not closed.`);
  if (cell !== '' || cells.length > 0) endRow();
  return rows;
}

function checkRow(line: number, row: unknown): LabelledText | Rejected {
  const parsed = Row.safeParse(row);
  if (!parsed.success) return { line, reason: 'it needs a text and a label' };
  const text = parsed.data.text.trim();
  const spelling = String(parsed.data.label).trim().toLowerCase();
  if (text === '') return { line, reason: 'the text is empty' };
  const label = Object.hasOwn(spellings, spelling) ? spellings[spelling] : undefined;
  if (!label) return { line, reason: `"${spelling}" is no label: negative, neutral or positive is` };
  return { line, text, label };
}

function readTable(content: string, separator: string): (LabelledText | Rejected)[] {
  const [header, ...rows] = splitTable(content, separator);
  const names = header?.cells.map((name) => name.trim().toLowerCase()) ?? [];
  const text = names.indexOf('text');
  const label = names.indexOf('label');
  if (text === -1 || label === -1) {
    throw new UserError(`The first line must name the columns text and label; it names ${names.join(', ') || 'none'}.`);
  }
  return rows.map(({ line, cells }) => checkRow(line, { text: cells[text], label: cells[label] }));
}

function readLines(content: string): (LabelledText | Rejected)[] {
  return content.split('\n').flatMap((raw, index) => {
    if (raw.trim() === '') return [];
    try {
      return [checkRow(index + 1, JSON.parse(raw))];
    } catch {
      return [{ line: index + 1, reason: 'it is not JSON' }];
    }
  });
}

/** Reads labels from CSV, TSV or JSON Lines, by the file's ending. Bad rows are told apart, not dropped. */
export function parseLabels(path: string, content: string): { rows: LabelledText[]; rejected: Rejected[] } {
  const text = content.replace(/^\uFEFF/, '');
  const readers: Record<string, () => (LabelledText | Rejected)[]> = {
    '.csv': () => readTable(text, ','),
    '.tsv': () => readTable(text, '\t'),
    '.jsonl': () => readLines(text),
    '.ndjson': () => readLines(text),
  };
  const reader = readers[extname(path).toLowerCase()];
  if (!reader) throw new UserError(`${path} must end in .csv, .tsv, .jsonl or .ndjson.`);
  const all = reader();
  return {
    rows: all.filter((row): row is LabelledText => 'label' in row),
    rejected: all.filter((row): row is Rejected => 'reason' in row),
  };
}
