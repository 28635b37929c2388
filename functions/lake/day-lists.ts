import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import { CleanedDay, DueDay } from '../../workflows/payloads';
import type { DayList } from '../../workflows/payloads';
import { getJson, keyOf, putJson, uriOf } from './objects';
import type { LakeBucket } from './objects';

/** What a run's lists hold, by the name of the list. */
interface Lists {
  due: DueDay[];
  cleaned: CleanedDay[];
}
const schemas: { [Name in keyof Lists]: z.ZodType<Lists[Name]> } = {
  due: z.array(DueDay),
  cleaned: z.array(CleanedDay),
};

/**
 * Writes a list of days beside the cleaning's summary and returns what the execution's state holds of it. `version` is
 * the run's and the attempt's, so a repeated call writes the same list, and a redrive its own.
 */
export async function keepDayList<Name extends keyof Lists>(
  lake: LakeBucket,
  version: string,
  name: Name,
  days: Lists[Name],
): Promise<DayList> {
  const key = `${prefixes.cleaningSummaries}${version}-${name}.json`;
  await putJson(lake, key, days);
  return { count: days.length, uri: uriOf(lake, key) };
}

/** The days of a list; states of older releases hold the days themselves. Throws `ContractBroken`. */
export async function readDayList<Name extends keyof Lists>(
  lake: LakeBucket,
  name: Name,
  days: DayList | Lists[Name],
): Promise<Lists[Name]> {
  if (!('uri' in days)) return days;
  const DaysOfRun = schemas[name];
  const found = await getJson(lake, keyOf(lake, days.uri), DaysOfRun);
  if (found === null) {
    throw new StepError(
      'ContractBroken',
      `${days.uri} is missing: it names the ${days.count} days of this run. Start a new run.`,
    );
  }
  return found.value;
}
