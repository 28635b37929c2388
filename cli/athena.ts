import { paginateGetQueryResults, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasSucceeded } from '../functions/lake/athena';
import type { Workspace } from '../session/workspace';
import type { Session } from '../session/session';
import { UserError } from '../session/user-error';
import { StepError } from '../workflows/errors';
import { sayJson, type Screen } from './screen';

export interface Table {
  columns: string[];
  rows: (string | null)[][];
}

/** A small query has its answer within half a second: somebody waits for it. */
const QUICK_LOOKS = 10;

/**
 * Runs one statement as the analyst and reads all of its rows. `parameters` fill its question marks, in order. Throws
 * UserError when the statement fails or is cancelled.
 *
 * @example
 * const { rows } = await runSql(workspace, session, 'select count(*) from tweets where dt = ?', ["'2026-11-22'"]);
 */
export async function runSql(
  lake: Pick<Workspace, 'signal'>,
  { people, outputs }: Session,
  sql: string,
  parameters: string[] = [],
): Promise<Table> {
  const { athena } = people.analyst;
  const workgroup = outputs.AnalystsWorkgroupName;
  const database = outputs.DatabaseName;
  const { QueryExecutionId = '' } = await athena.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: workgroup,
      QueryExecutionContext: { Database: database },
      ...(parameters.length > 0 && { ExecutionParameters: parameters }),
    }),
  );
  try {
    for (
      let looks = 0;
      !(await hasSucceeded({ athena, workgroup, database }, QueryExecutionId));
      looks += 1
    )
      await sleep(looks < QUICK_LOOKS ? 50 : 150, undefined, { signal: lake.signal });
  } catch (error) {
    throw error instanceof StepError ? new UserError(`Athena: ${error.message}`) : error;
  }

  const rows: (string | null)[][] = [];
  let columns: string[] = [];
  for await (const page of paginateGetQueryResults({ client: athena }, { QueryExecutionId })) {
    columns = (page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? []).map(({ Name }) => Name ?? '');
    for (const { Data = [] } of page.ResultSet?.Rows ?? [])
      rows.push(Data.map(({ VarCharValue }) => VarCharValue ?? null));
  }
  // The first row of a select's results is the header; other statements have none.
  const [header] = rows;
  if (header && columns.length > 0 && header.every((cell, index) => cell === columns[index]))
    rows.shift();
  return { columns, rows };
}

/** Rows as objects, one property per column. */
export const records = ({ columns, rows }: Table): Record<string, string | null>[] =>
  rows.map((row) =>
    Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])),
  );

const widest = 60;
const cut = (cell: string): string =>
  cell.length > widest ? `${cell.slice(0, widest - 1)}…` : cell;
const isNumber = (cell: string): boolean => /^-?\d+(\.\d+)?(E-?\d+)?$/.test(cell);

/** A table for reading: numbers to the right, long cells cut. */
export function renderTable({ columns, rows }: Table): string {
  const cells = rows.map((row) =>
    columns.map((_, index) => cut((row[index] ?? '–').replace(/\s+/g, ' '))),
  );
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const right = columns.map((_, index) =>
    cells.every((row) => row[index] === '–' || isNumber(row[index] ?? '')),
  );
  const line = (row: string[]) =>
    row
      .map((cell, index) =>
        right[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [
    line(columns),
    rule,
    ...cells.map(line),
    `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`,
  ].join('\n');
}

/** As a table for reading, or as JSON: one object a row, with the columns as keys and texts as values, null for NULL. */
export const printTable = (screen: Screen, table: Table, asJson: boolean): void =>
  asJson ? sayJson(screen, records(table)) : screen.say(renderTable(table));
