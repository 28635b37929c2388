import type { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { datasets } from '../../workflows/datasets';
import { ExecutionRow } from '../../workflows/executions';
import { getJson, getText, objectsBelow, putIf, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { jsonOf } from '../lake/unpack';
import { DAY_MS, utcDay } from '../shared/clock';
import type { Clock } from '../shared/clock';
import { inParallel } from '../shared/in-parallel';
import { log } from '../shared/step';
import { ArchivedExecution, archiveFolder, lastEnds } from './archived-execution';
import { executionRow, keepExecutionRow, rowText } from './execution-row';
import { callsBetween, whatIsProven, whoStarted } from './started-by';

/** Histories read in one call: up to some 25 MB each, one after the other. */
const MOST_HISTORIES = 25;
/** No further history is read after this long; the next nightly run goes on. */
const PATIENCE_MS = 60_000;
/** CloudTrail shows a call after 15 minutes at most; a night without a run may lie in between. */
const UNCONFIRMED_DAYS = 3;
const MOST_UNCONFIRMED = 500;
const AT_ONCE = 16;
/** Of 50 calls each, at one a second. */
const PAGES = 20;

interface Dependencies {
  lake: LakeBucket;
  cloudTrail: CloudTrailClient;
  clock: Clock;
}

/** What was added to the table `executions`. */
export interface Completed {
  made: number;
  confirmed: number;
  /** Archived executions that still have no row. */
  missing: number;
}

/**
 * Adds to the table `executions` what it lacks, bounded, the newest first: rows of executions that were archived by a
 * release without the table, and who started the executions of the last days that ended before CloudTrail showed their
 * start. Idempotent. A history that cannot be read is logged and stays without a row.
 */
export async function completeExecutions(deps: Dependencies): Promise<Completed> {
  const rows = new Set<string>();
  const keys: string[] = [];
  for await (const { key } of objectsBelow(deps.lake, datasets.executions.prefix)) {
    keys.push(key);
    const [, name] = /\/dt=[^/]+\/(.+)\.json$/.exec(key) ?? [];
    if (name !== undefined) rows.add(name);
  }
  const confirmed = await confirmStarts(deps, keys);
  const { made, missing } = await makeMissing(deps, rows);
  return { made, confirmed, missing };
}

async function makeMissing(
  { lake, clock }: Dependencies,
  rows: ReadonlySet<string>,
): Promise<Pick<Completed, 'made' | 'missing'>> {
  const due = [...(await lastEnds(objectsBelow(lake, archiveFolder)))]
    .flatMap(([name, end]) => (rows.has(name) ? [] : [end]))
    .toSorted((a, b) => Number(b.modified) - Number(a.modified));
  const late = clock.now().valueOf() + PATIENCE_MS;
  let made = 0;
  for (const { key } of due.slice(0, MOST_HISTORIES)) {
    if (clock.now().valueOf() > late) break;
    const archived = ArchivedExecution.safeParse(jsonOf((await getText(lake, key))?.text));
    if (!archived.success) {
      log({ rowNotMade: key, problem: 'it is no history of an execution' });
      continue;
    }
    // Its redrives are older than what CloudTrail still has, as a rule, and its start is.
    const calls = { starts: [], redrives: [] };
    await keepExecutionRow(lake, await executionRow(lake, archived.data, uriOf(lake, key), calls));
    made += 1;
  }
  return { made, missing: due.length - made };
}

const isConfirmed = (row: ExecutionRow): boolean =>
  row.started_by_source === 'CloudTrail' && (row.redrives === 0 || row.redriven_by !== null);

async function confirmStarts(deps: Dependencies, keys: readonly string[]): Promise<number> {
  const { lake, clock } = deps;
  const now = clock.now();
  const first = `${datasets.executions.prefix}dt=${utcDay(new Date(Number(now) - UNCONFIRMED_DAYS * DAY_MS))}`;
  // In the order of their days.
  const recent = keys.filter((key) => key >= first).slice(-MOST_UNCONFIRMED);
  const read = await inParallel(AT_ONCE, recent, async (key) => {
    const found = await getJson(lake, key, ExecutionRow);
    return found === null || isConfirmed(found.value) ? [] : [{ key, ...found }];
  });
  const open = read.flat();
  const starts = open.map(({ value }) => Date.parse(value.started_at));
  if (starts.length === 0) return 0;
  const span = { from: new Date(Math.min(...starts)), to: now };
  const calls = await callsBetween(deps, 'StartExecution', span, PAGES);
  const redrives = open.some(({ value }) => value.redrives > 0)
    ? await callsBetween(deps, 'RedriveExecution', span, PAGES)
    : [];
  let confirmed = 0;
  for (const { key, value, etag } of open) {
    const { arn, claimed_by, started_with } = value;
    const found = whoStarted(
      { executionArn: arn, claim: { claimed_by, started_with } },
      calls,
      redrives,
    );
    const who = whatIsProven(value, found);
    const isNew =
      who.started_by_source !== value.started_by_source || who.redriven_by !== value.redriven_by;
    if (!isNew) continue;
    // A redrive may have ended meanwhile and replaced the row.
    const written = await putIf(lake, key, rowText({ ...value, ...who }), 'application/json', {
      ifMatch: etag,
    });
    if (written !== null) confirmed += 1;
  }
  return confirmed;
}
