import { z } from 'zod';
import type { DriftView } from '../../console/contract';
import { getText, type LakeBucket } from '../../functions/lake/objects';
import { jsonOf } from '../../functions/lake/unpack';
import { inParallel } from '../../functions/shared/in-parallel';
import { prefixes } from '../../workflows/datasets';
import { Drift } from '../../workflows/payloads';
import { executionName } from '../run/follow';
import { storedBelow } from './objects';

/** Newest runs with drift that are shown. */
const MOST_RUNS = 30;
/** Newest reports that are looked at for them: a lake that ingests each quarter of an hour writes 96 a day. */
const MOST_REPORTS = 500;
const READ_AT_A_TIME = 16;

const reportsFolder = `${prefixes.audit}reports/`;

/** What a stored report of any release says of drift. */
const StoredReport = z.object({
  report: z.object({ runId: z.string(), date: z.string(), drift: Drift.optional() }),
  execution: z.object({ arn: z.string() }),
});

/** The drift that the newest runs reported, oldest first. Run ids begin with the time, and so do the reports' keys. */
export async function showDrift(bucket: LakeBucket): Promise<DriftView> {
  const keys: string[] = [];
  for await (const { key } of storedBelow(bucket, reportsFolder)) keys.push(key);
  const newest = keys.toSorted().toReversed().slice(0, MOST_REPORTS);
  const runs: DriftView['runs'] = [];
  let [lookedAt, unreadable] = [0, 0];
  while (runs.length < MOST_RUNS && lookedAt < newest.length) {
    const some = newest.slice(lookedAt, lookedAt + MOST_RUNS);
    const read = await inParallel(READ_AT_A_TIME, some, async (key) =>
      StoredReport.safeParse(jsonOf((await getText(bucket, key))?.text ?? '')),
    );
    lookedAt += some.length;
    for (const { data } of read) {
      if (data === undefined) unreadable += 1;
      else if (data.report.drift !== undefined && runs.length < MOST_RUNS) {
        const { runId, date, drift } = data.report;
        runs.push({ runId, execution: executionName(data.execution.arn), date, drift });
      }
    }
  }
  return { runs: runs.toReversed(), lookedAt, unreadable };
}
