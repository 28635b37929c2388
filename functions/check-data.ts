import { AthenaClient } from '@aws-sdk/client-athena';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import type { Query } from '../queries/query';
import { candidates, prefixes } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import { CheckDataOutput, StepInput } from '../workflows/payloads';
import type { CheckResult, CleanedDay } from '../workflows/payloads';
import { environments, readEnvironment } from './environment';
import { hasSucceeded, rowsOf, startQuery } from './lake/athena';
import type { Warehouse } from './lake/athena';
import { addPartitions } from './lake/catalog';
import type { Catalog } from './lake/catalog';
import { uriOf } from './lake/objects';
import type { Lake } from './lake/objects';
import { publishedDays } from './lake/published';
import { loadQueries } from './lake/queries';
import { keepRecord } from './lake/records';
import type { Sections } from './settings';
import { onFirstCall, step } from './step';

const SAMPLED_ROWS = 5;
/** Offending rows are counted up to here: what is wrong a thousand times needs no exact figure. */
const COUNTED_ROWS = 1000;
/** A cause has 32 KB in Step Functions, and the console shows much less. */
const MAX_CAUSE_CHARACTERS = 20_000;

interface Dependencies {
  lake: Lake;
  catalog: Catalog;
  warehouse: Warehouse;
  checks: readonly Query[];
  settings: Sections['checks'];
}

/** Runs every check on the candidate version; a single offending row keeps it from being published. */
export const checkData = (given: Dependencies) =>
  step(
    StepInput,
    CheckDataOutput,
    async ({ execution, attempt, state }): Promise<CheckDataOutput> => {
      const { plan, clean, check } = state;
      const { lake, warehouse } = given;
      if (clean.status !== 'DONE') {
        throw new StepError(
          'ChecksFailed',
          `There is no candidate version to check: cleaning is ${clean.status}`,
        );
      }
      if (check.status !== 'RUNNING' || check.attempt !== attempt) {
        return {
          status: 'RUNNING',
          attempt,
          queries: await startChecks(given, clean.days, [execution.arn, attempt]),
        };
      }
      const ended = await Promise.all(
        check.queries.map(({ queryExecutionId }) => hasSucceeded(warehouse, queryExecutionId)),
      );
      if (ended.includes(false)) {
        return check;
      }
      const results = await Promise.all(check.queries.map((query) => resultOf(warehouse, query)));
      const failed = results.filter(({ offending }) => offending > 0);
      if (failed.length > 0) {
        const key = await keepRecord(
          lake,
          `${prefixes.audit}checks/${plan.runId}-${attempt}.json`,
          {
            execution,
            days: clean.days,
            checks: results,
          },
        );
        throw new StepError(
          'ChecksFailed',
          explainFailure(given.checks, results, uriOf(lake, key)),
        );
      }
      return { status: 'DONE', checks: results };
    },
  );

/** Makes the candidate readable as `tweets_candidates`, then starts every check on it. */
async function startChecks(
  { catalog, warehouse, checks, settings }: Dependencies,
  days: readonly CleanedDay[],
  purpose: readonly (string | number)[],
): Promise<{ name: string; queryExecutionId: string }[]> {
  await addPartitions(
    catalog,
    candidates.table,
    days.map(({ date, version, location }) => ({ values: [date, version], location })),
  );
  const values: Record<string, string | number> = {
    version: days[0]?.version ?? '',
    days: days.map(({ date }) => date).join(','),
    forgotten: await forgottenRows(catalog, days),
    min_rows: settings.minRowsForShare,
    max_label_share: settings.maxLabelShare,
  };
  return Promise.all(
    checks.map(async (query) => {
      const declared = query.parameters.flatMap(({ name }) =>
        name in values ? [[name, values[name]]] : [],
      );
      const id = await startQuery(warehouse, query, Object.fromEntries(declared), [
        ...purpose,
        query.name,
      ]);
      return { name: query.name, queryExecutionId: id };
    }),
  );
}

/** `2026-11-24=3,…`: rows of the published days that may be missing from now on, since they were forgotten. */
async function forgottenRows(catalog: Catalog, days: readonly CleanedDay[]): Promise<string> {
  const checked = new Set(days.map(({ date }) => date));
  return (await publishedDays(catalog))
    .filter(({ date, forgotten }) => checked.has(date) && forgotten > 0)
    .map(({ date, forgotten }) => `${date}=${forgotten}`)
    .join(',');
}

async function resultOf(
  warehouse: Warehouse,
  { name, queryExecutionId }: { name: string; queryExecutionId: string },
): Promise<CheckResult> {
  const rows = await rowsOf(warehouse, queryExecutionId, COUNTED_ROWS);
  return { name, offending: rows.length, sample: rows.slice(0, SAMPLED_ROWS), queryExecutionId };
}

function explainFailure(
  checks: readonly Query[],
  results: readonly CheckResult[],
  reportUri: string,
): string {
  const failed = results.filter(({ offending }) => offending > 0);
  const lines = failed.map(({ name, offending, sample }) => {
    const title = checks.find((query) => query.name === name)?.title ?? '';
    const count =
      offending === COUNTED_ROWS
        ? `${COUNTED_ROWS} or more rows`
        : `${offending} row${offending === 1 ? '' : 's'}`;
    return `${name} (${title}): ${count}, such as ${sample.map((row) => JSON.stringify(row)).join(', ')}`;
  });
  const head =
    `${failed.length} of ${results.length} checks found rows, so nothing was published and readers still see the old days. ` +
    `All results: ${reportUri}. Mend the source and start a new execution; a redrive repeats the checks on the same version.`;
  return [head, ...lines].join('\n').slice(0, MAX_CAUSE_CHARACTERS);
}

export const handler = onFirstCall(() => {
  const { BUCKET, DATABASE, WORKGROUP, SETTINGS } = readEnvironment(environments['check-data']);
  return checkData({
    lake: { s3: new S3Client({}), bucket: BUCKET },
    catalog: { glue: new GlueClient({}), database: DATABASE },
    warehouse: { athena: new AthenaClient({}), workgroup: WORKGROUP, database: DATABASE },
    checks: loadQueries().filter(({ kind }) => kind === 'check'),
    settings: SETTINGS.checks,
  });
});
