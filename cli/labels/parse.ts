import { extname } from 'node:path';
import { UserError } from '../../session/user-error';
import { jsonRows } from './json-rows';
import { NOTHING, resolveRows, usualColumns, type Columns, type Parsed } from './rows';
import { tableRows } from './table-rows';

const endings: Record<string, string | null> = {
  '.csv': ',',
  '.tsv': '\t',
  '.jsonl': null,
  '.ndjson': null,
};

/** Empties Excel's first line with the delimiter (`sep=;`), so that line numbers stay the same. */
function withoutDeclaration(content: string): { declared: string | null; table: string } {
  const [line, declared = null] = /^sep=(.)(?=\r|\n|$)/i.exec(content) ?? [];
  return { declared, table: line === undefined ? content : content.slice(line.length) };
}

/** Reads labels from CSV, TSV or JSON Lines, by the file's ending. Returns bad rows with a reason. Throws UserError for a file that cannot be read for certain. */
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
    return resolveRows(path, found, columns.map, notes);
  }
  const { declared, table } = withoutDeclaration(content);
  const delimiter = columns.delimiter ?? declared ?? byEnding ?? ',';
  const { found, notes } = tableRows(path, table, delimiter, columns);
  return resolveRows(path, found, columns.map, notes);
}
