import { createHash } from 'node:crypto';
import {
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import type { AthenaClient } from '@aws-sdk/client-athena';
import { executionParameters } from '../../queries/query';
import type { Query, QueryValues } from '../../queries/query';
import { StepError } from '../../workflows/errors';

/** Where queries run. The workgroup sets where results are stored and how they are encrypted. */
export interface AthenaContext {
  athena: AthenaClient;
  workgroup: string;
  database: string;
}

export type Row = Record<string, string | null>;

/** GetQueryResults returns at most a thousand rows per call. */
const ROWS_A_PAGE = 1000;

/**
 * Starts a query once for each distinct `purpose`: a call repeated after a lost answer gets the same query.
 * Athena wants 32 characters or more as a token, and refuses one that comes again with another query.
 */
export async function startQuery(
  { athena, workgroup, database }: AthenaContext,
  query: Query,
  values: QueryValues,
  idempotencyKey: readonly (string | number)[],
): Promise<string> {
  const parameters = executionParameters(query, values);
  const identity = JSON.stringify([
    workgroup,
    database,
    ...idempotencyKey,
    query.sql,
    ...parameters,
  ]);
  const { QueryExecutionId } = await athena.send(
    new StartQueryExecutionCommand({
      QueryString: query.sql,
      // An empty list is refused.
      ...(parameters.length > 0 && { ExecutionParameters: parameters }),
      WorkGroup: workgroup,
      QueryExecutionContext: { Database: database },
      ClientRequestToken: createHash('sha256').update(identity).digest('hex'),
    }),
  );
  if (QueryExecutionId === undefined) {
    throw new StepError('QueryFailed', `Athena gave no id for the query ${query.name}`);
  }
  return QueryExecutionId;
}

/** Whether a query has succeeded. Throws `QueryFailed` if it failed or was cancelled. */
export async function hasSucceeded(
  { athena }: AthenaContext,
  queryExecutionId: string,
): Promise<boolean> {
  const { QueryExecution } = await athena.send(
    new GetQueryExecutionCommand({ QueryExecutionId: queryExecutionId }),
  );
  const status = QueryExecution?.Status;
  switch (status?.State) {
    case 'QUEUED':
    case 'RUNNING':
      return false;
    case 'SUCCEEDED':
      return true;
    default:
      throw new StepError(
        'QueryFailed',
        `The query ${queryExecutionId} ended as ${status?.State ?? 'nothing known'}: ` +
          `${status?.StateChangeReason ?? 'no reason given'}`,
      );
  }
}

/** A query's rows, at most `limit`, without the header row. */
export async function rowsOf(
  { athena }: AthenaContext,
  queryExecutionId: string,
  limit: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  let token: string | undefined;
  let isFirstPage = true;
  do {
    const page = await athena.send(
      new GetQueryResultsCommand({
        QueryExecutionId: queryExecutionId,
        MaxResults: ROWS_A_PAGE,
        NextToken: token,
      }),
    );
    const names =
      page.ResultSet?.ResultSetMetadata?.ColumnInfo?.map(({ Name }) => Name ?? '') ?? [];
    const data = (page.ResultSet?.Rows ?? []).slice(isFirstPage ? 1 : 0);
    rows.push(
      ...data.map(({ Data = [] }) =>
        Object.fromEntries(names.map((name, index) => [name, Data[index]?.VarCharValue ?? null])),
      ),
    );
    isFirstPage = false;
    token = page.NextToken;
  } while (token !== undefined && rows.length < limit);
  return rows.slice(0, limit);
}
