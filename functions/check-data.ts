import { AthenaClient } from '@aws-sdk/client-athena';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { MAX_PARAMETER_CHARACTERS } from '../queries/query';
import type { Query } from '../queries/query';
import { candidates, prefixes } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import { CheckDataOutput, StepInput } from '../workflows/payloads';
import type { CheckResult, CleanedDay } from '../workflows/payloads';
import { aws } from './shared/aws';
import { readEnvironment } from './settings/environment';
import { hasSucceeded, rowsOf, startQuery } from './lake/athena';
import type { AthenaContext } from './lake/athena';
import { addPartitions } from './lake/catalog';
import { readDayList } from './lake/day-lists';
import type { Catalog } from './lake/catalog';
import { uriOf } from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { publishedDays } from './lake/published';
import { loadQueries } from './lake/queries';
import { keepRecord } from './lake/records';
import type { FunctionSettings } from './settings/settings';
import { onFirstCall, step } from './shared/step';

const SAMPLED_ROWS = 5;
/** Offending rows are counted up to this number; beyond it the exact count does not matter. */
const COUNTED_ROWS = 1000;
/** Step Functions limits an error's cause to 32 KB, and the console shows less. */
const MAX_CAUSE_CHARACTERS = 20_000;

interface Dependencies {
  lake: LakeBucket;
  catalog: Catalog;
  athena: AthenaContext;
  checks: readonly Query[];
  settings: FunctionSettings['checks'];
}

/** Runs every check on the candidate snapshots. One offending row prevents their publication. Throws `DataCheckFailed`. */
export const checkData = (deps: Dependencies) =>
  step(
    StepInput,
    CheckDataOutput,
    async ({ execution, attempt, state }): Promise<CheckDataOutput> => {
      const { plan, clean, check } = state;
      const { lake, athena: athena } = deps;
      if (clean.status !== 'DONE') {
        throw new StepError(
          'ChecksFailed',
          `There is no candidate snapshot to check: cleaning is ${clean.status}`,
        );
      }
      if (check.status !== 'RUNNING' || check.attempt !== attempt) {
        return {
          status: 'RUNNING',
          attempt,
          queries: await startChecks(deps, await readDayList(lake, 'cleaned', clean.days), [
            execution.arn,
            attempt,
          ]),
        };
      }
      const ended = await Promise.all(
        check.queries.map(({ queryExecutionId }) => hasSucceeded(athena, queryExecutionId)),
      );
      if (ended.includes(false)) {
        return check;
      }
      const results = merged(
        await Promise.all(check.queries.map((query) => resultOf(athena, query))),
      );
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
        throw new StepError('ChecksFailed', explainFailure(deps.checks, results, uriOf(lake, key)));
      }
      return { status: 'DONE', checks: results };
    },
  );

/** Adds the candidates to the table `tweets_candidates` and starts every check. */
async function startChecks(
  { catalog, athena: athena, checks, settings }: Dependencies,
  days: readonly CleanedDay[],
  idempotencyKey: readonly (string | number)[],
): Promise<{ name: string; queryExecutionId: string }[]> {
  await addPartitions(
    catalog,
    candidates.table,
    days.map(({ date, version, location }) => ({ values: [date, version], location })),
  );
  const common = {
    version: days[0]?.version ?? '',
    min_rows: settings.minRowsForShare,
    max_label_share: settings.maxLabelShare,
  };
  const batches = batchesOf(days, await missingRows(catalog, days));
  const started = checks.flatMap((query) => {
    const names = query.parameters.map(({ name }) => name);
    const isPerDay = names.some((name) => name === 'days' || name === 'forgotten');
    return (isPerDay ? batches : [{}]).map(async (batch) => {
      const values = Object.entries({ ...common, ...batch }).filter(([name]) =>
        names.includes(name),
      );
      const id = await startQuery(athena, query, Object.fromEntries(values), [
        ...idempotencyKey,
        query.name,
      ]);
      return { name: query.name, queryExecutionId: id };
    });
  });
  return Promise.all(started);
}

interface Batch {
  days: string;
  /** `2026-11-24=3,…`: rows per published day that may be missing now, because they were erased or replaced by an edit. */
  forgotten: string;
}

/** Splits the days into lists short enough for Athena's parameter limit, quotation marks included. */
export function batchesOf(
  days: readonly Pick<CleanedDay, 'date'>[],
  forgotten: ReadonlyMap<string, number>,
): Batch[] {
  const longest = MAX_PARAMETER_CHARACTERS - "''".length;
  const batches: Batch[] = [];
  for (const { date } of days) {
    const rows = forgotten.get(date) ?? 0;
    const entry = rows > 0 ? `${date}=${rows}` : '';
    const last = batches.at(-1);
    const grown = last && {
      days: `${last.days},${date}`,
      forgotten: [last.forgotten, entry].filter(Boolean).join(','),
    };
    if (grown && grown.days.length <= longest && grown.forgotten.length <= longest)
      batches.splice(-1, 1, grown);
    else batches.push({ days: date, forgotten: entry });
  }
  return batches;
}

/** Rows of each day that may be missing: erased ones, and ones replaced by an edit of another day. */
async function missingRows(
  catalog: Catalog,
  days: readonly CleanedDay[],
): Promise<Map<string, number>> {
  const moved = new Map(days.map((day) => [day.date, day.moved ?? 0]));
  return new Map(
    (await publishedDays(catalog)).map(({ date, forgotten }) => [
      date,
      forgotten + (moved.get(date) ?? 0),
    ]),
  );
}

/** Merges the results of a check that ran as several queries. */
function merged(results: readonly CheckResult[]): CheckResult[] {
  const byName = new Map<string, CheckResult>();
  for (const result of results) {
    const before = byName.get(result.name);
    const [worse, other] =
      before && before.offending > 0 ? [before, result] : [result, before ?? result];
    byName.set(result.name, {
      ...worse,
      offending: before
        ? Math.min(COUNTED_ROWS, worse.offending + other.offending)
        : worse.offending,
      sample: before ? [...worse.sample, ...other.sample].slice(0, SAMPLED_ROWS) : worse.sample,
    });
  }
  return [...byName.values()];
}

async function resultOf(
  athena: AthenaContext,
  { name, queryExecutionId }: { name: string; queryExecutionId: string },
): Promise<CheckResult> {
  const rows = await rowsOf(athena, queryExecutionId, COUNTED_ROWS);
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
    `All results: ${reportUri}. Fix the source and start a new execution; a redrive repeats the checks on the same snapshots.`;
  return [head, ...lines].join('\n').slice(0, MAX_CAUSE_CHARACTERS);
}

export const handler = onFirstCall(() => {
  const { BUCKET, DATABASE, WORKGROUP, SETTINGS } = readEnvironment('check-data');
  return checkData({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    catalog: { glue: aws(GlueClient), database: DATABASE },
    athena: { athena: aws(AthenaClient), workgroup: WORKGROUP, database: DATABASE },
    checks: loadQueries().filter(({ kind }) => kind === 'check'),
    settings: SETTINGS.checks,
  });
});
