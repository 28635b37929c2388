import { createHash } from 'node:crypto';
import { datasets } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import { DAYS_LISTED_AT_ONCE, LEFT_ALONE, closedDays, oldestToMerge } from '../lake/closed-days';
import type { Compacted, Compacting as Merging } from '../lake/closed-days';
import { getBytes, objectsBelow, putIf, removeObjects, uriOf } from '../lake/objects';
import type { LakeBucket, Listed } from '../lake/objects';
import { inParallel } from '../shared/in-parallel';
import { scoredRows, toParquet } from './scored';
import type { ScoredRow } from './scored';

/** Rows of a merged object: about 8 MB, and 100 MB while it is made. */
export const MERGED_ROWS = 100_000;
/** Larger objects are not merged: a transform job's have up to 250,000 rows. */
const SMALL_BYTES = 2 ** 20;
/**
 * Merged rows are there twice for so long. Readers take one prediction of a tweet, and a query that listed the small
 * objects before the merge must still find them.
 */
const READERS_MS = 60 * 60 * 1000;
const AT_ONCE = 16;
/** Objects of a day that one call lists; the next call takes the rest. */
const MAX_LISTED = 50_000;

const MERGED = /\/merged-[0-9a-f]{32}\.parquet$/;

interface Compacting extends Merging {
  mergedRows?: number;
}

interface DayObjects {
  small: Listed[];
  merged: Listed[];
}

/**
 * Merges the stream's many small objects of closed days into few, the newest day first, until it is late. One run
 * writes a merged object and reads it back; the next one deletes the objects whose rows it holds. A kill at any point
 * leaves rows twice at most.
 */
export async function compactScores(compacting: Compacting): Promise<Compacted> {
  const { lake, now, isLate } = compacting;
  const done: Compacted = { days: 0, objects: 0, sources: 0 };
  const closed = await closedDays(lake, datasets.scored.prefix, now);
  for (let start = 0; start < closed.length && !isLate(); start += DAYS_LISTED_AT_ONCE) {
    const days = closed.slice(start, start + DAYS_LISTED_AT_ONCE);
    const some = await inParallel(DAYS_LISTED_AT_ONCE, days, (day) =>
      look(compacting, day, LEFT_ALONE + 1),
    );
    for (const [index, day] of days.entries()) {
      if (isLate() || (some[index]?.small.length ?? 0) <= LEFT_ALONE) continue;
      const { objects, sources } = await compactDay(compacting, day);
      done.objects += objects;
      done.sources += sources;
      done.days += Math.min(sources, 1);
    }
  }
  return done;
}

const folderOf = (day: string): string => `${datasets.scored.prefix}dt=${day}/`;

async function look(
  { lake, storageTime }: Compacting,
  day: string,
  most = MAX_LISTED,
): Promise<DayObjects> {
  const oldest = oldestToMerge(storageTime);
  const found: DayObjects = { small: [], merged: [] };
  for await (const object of objectsBelow(lake, folderOf(day))) {
    if (MERGED.test(object.key)) found.merged.push(object);
    else if (
      object.key.endsWith('.parquet') &&
      object.bytes < SMALL_BYTES &&
      object.modified >= oldest
    )
      found.small.push(object);
    if (found.small.length === most) break;
  }
  return found;
}

async function compactDay(compacting: Compacting, day: string): Promise<Omit<Compacted, 'days'>> {
  const { lake, storageTime, isLate, mergedRows = MERGED_ROWS } = compacting;
  const { small, merged } = await look(compacting, day);
  const readersBefore = new Date(storageTime.valueOf() - READERS_MS);
  const held = new Set<Listed>();
  for (const object of merged) {
    const inside = await heldBy(
      compacting,
      object,
      small.filter((one) => !held.has(one)),
    );
    for (const one of inside) held.add(one);
    if (object.modified <= readersBefore) await remove(lake, inside);
  }
  const done = { objects: 0, sources: held.size };
  let next: Listed[] = [];
  let rows: ScoredRow[] = [];
  const flush = async () => {
    // Fewer are no gain. And what a kill leaves of an object's sources is more than a day may keep, so it is found again.
    if (next.length > LEFT_ALONE) {
      await merge(lake, day, next, rows);
      done.objects += 1;
      done.sources += next.length;
    }
    next = [];
    rows = [];
  };
  const rest = small.filter((one) => !held.has(one));
  for await (const { object, rows: own } of read(compacting, rest)) {
    if (rows.length > 0 && rows.length + own.length > mergedRows) {
      await flush();
      if (isLate()) return done;
    }
    next.push(object);
    // Not with a spread: the stack has room for some hundred thousand arguments.
    for (const row of own) rows.push(row);
  }
  await flush();
  return done;
}

/** The objects whose every row the merged object holds. */
async function heldBy(
  compacting: Compacting,
  merged: Listed,
  objects: readonly Listed[],
): Promise<Listed[]> {
  const held: Listed[] = [];
  for await (const { rows } of read(compacting, objects.length > 0 ? [merged] : [])) {
    const all = new Set(rows.map(textOf));
    for await (const { object, rows: own } of read(compacting, objects)) {
      if (own.every((row) => all.has(textOf(row)))) held.push(object);
    }
  }
  return held;
}

const textOf = (row: ScoredRow): string =>
  JSON.stringify(datasets.scored.columns.map(({ name }) => Reflect.get(row, name)));

/** Writes rows as one object, whose name follows from their objects, and reads it back. */
async function merge(
  lake: LakeBucket,
  day: string,
  objects: readonly Listed[],
  rows: readonly ScoredRow[],
): Promise<void> {
  const sources = objects.map(({ key, etag }) => `${key} ${etag}`).join('\n');
  const hash = createHash('sha256').update(sources).digest('hex').slice(0, 32);
  const key = `${folderOf(day)}merged-${hash}.parquet`;
  const type = 'application/vnd.apache.parquet';
  await putIf(lake, key, toParquet(rows), type, { ifMatch: null });
  const written = await getBytes(lake, key);
  const found = written && (await scoredRows(written.bytes));
  if (found?.length !== rows.length || found.some((row, at) => textOf(row) !== lineAt(rows, at))) {
    throw new StepError(
      'ContractBroken',
      `${uriOf(lake, key)} does not hold the ${rows.length} predictions of the ${objects.length} objects it was ` +
        'written from. None of them was deleted. Delete that object and redrive this execution.',
    );
  }
}

function lineAt(rows: readonly ScoredRow[], at: number): string {
  const row = rows[at];
  return row === undefined ? '' : textOf(row);
}

async function remove(lake: LakeBucket, objects: readonly Listed[]): Promise<void> {
  const failed = await removeObjects(
    lake,
    objects.map(({ key }) => key),
  );
  if (failed) {
    throw new StepError(
      'ServiceBusy',
      `S3 did not delete ${uriOf(lake, failed.key)}, whose predictions a merged object of the day holds: ${failed.problem}`,
    );
  }
}

/** The objects' rows, in order and some objects at a time, until it is late. Leaves out what is not Parquet of predictions. */
async function* read(
  { lake, isLate }: Compacting,
  objects: readonly Listed[],
): AsyncGenerator<{ object: Listed; rows: ScoredRow[] }> {
  for (let start = 0; start < objects.length; start += AT_ONCE) {
    if (isLate()) return;
    const some = objects.slice(start, start + AT_ONCE);
    const contents = await inParallel(AT_ONCE, some, ({ key }) => getBytes(lake, key));
    for (const [index, object] of some.entries()) {
      const content = contents[index];
      // Changed since the day was listed: the name would be of another content.
      if (!content || content.etag !== object.etag) continue;
      const rows = await scoredRows(content.bytes);
      if (rows !== null) yield { object, rows };
    }
  }
}
