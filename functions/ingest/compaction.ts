import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { datasets } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import { DAYS_LISTED_AT_ONCE, LEFT_ALONE, closedDays, oldestToMerge } from '../lake/closed-days';
import type { Compacted, Compacting as Merging } from '../lake/closed-days';
import { getBytes, objectsBelow, putIf, removeObjects, uriOf } from '../lake/objects';
import type { LakeBucket, Listed } from '../lake/objects';
import { RANGE, rawFolder, rawPageKey } from '../lake/raw-pages';
import { gunzip, UnreadableBytes } from '../lake/unpack';
import { inParallel } from '../shared/in-parallel';

/** Unpacked size of a merged object: a quarter of what an object may have; a Lambda of 512 MB holds it several times. */
export const MERGED_BYTES = 16 * 2 ** 20;
/** DeleteObjects takes so many keys at a time, so the pages of an object go in one request. */
const MAX_PAGES_AN_OBJECT = 1000;
/** Pages of a day that one call lists, some 400 bytes each; the next call takes the rest. */
const MAX_PAGES_LISTED = 50_000;
/** Pages that are read at a time, and their packed size together. */
const AT_ONCE = 16;
const BYTES_AT_ONCE = 8 * 2 ** 20;

const MERGED = /^merged-[0-9a-f]{32}\.ndjson\.gz$/;

interface Compacting extends Merging {
  mergedBytes?: number;
}

/** A page and the ids of its oldest and newest tweet, padded. */
interface Page extends Listed {
  oldest: string;
  newest: string;
}

interface DayObjects {
  day: string;
  pages: Page[];
  merged: Page[];
}

/**
 * Merges the pages of closed days into few objects, the newest day first, until it is late. Only the holder of the
 * ingest lease may call it. A merged object is written and read back before its pages are deleted, so a kill in between
 * leaves duplicates, which the cleaning counts once and the next call deletes. Pages that cannot be read stay.
 */
export async function compactClosedDays(compacting: Compacting): Promise<Compacted> {
  const { lake, now, isLate } = compacting;
  const done: Compacted = { days: 0, objects: 0, sources: 0 };
  const closed = await closedDays(lake, datasets.raw_tweets.prefix, now);
  for (let start = 0; start < closed.length && !isLate(); start += DAYS_LISTED_AT_ONCE) {
    const days = closed.slice(start, start + DAYS_LISTED_AT_ONCE);
    const some = await inParallel(DAYS_LISTED_AT_ONCE, days, (day) =>
      look(compacting, day, LEFT_ALONE + 1),
    );
    const due = some.flatMap(({ day, pages }) => (pages.length > LEFT_ALONE ? [day] : []));
    for (const day of due) {
      if (isLate()) break;
      const { objects, sources } = await compactDay(compacting, await look(compacting, day));
      done.objects += objects;
      done.sources += sources;
      done.days += Math.min(sources, 1);
    }
  }
  return done;
}

/** A day's pages that may be merged, at most so many, and the merged objects that may hold them. */
async function look(
  { lake, storageTime }: Compacting,
  day: string,
  most = MAX_PAGES_LISTED,
): Promise<DayObjects> {
  const oldest = oldestToMerge(storageTime);
  const found: DayObjects = { day, pages: [], merged: [] };
  for await (const object of objectsBelow(lake, rawFolder(day))) {
    const [, from, to, name = ''] = RANGE.exec(object.key) ?? [];
    if (from === undefined || to === undefined || !name.endsWith('.ndjson.gz')) continue;
    const page = { ...object, oldest: from, newest: to };
    // In the order of the keys a merged object comes before the pages it holds, or right behind the first of them.
    if (MERGED.test(name)) found.merged.push(page);
    else if (object.modified >= oldest) found.pages.push(page);
    if (found.pages.length === most) break;
  }
  return found;
}

async function compactDay(
  compacting: Compacting,
  { day, pages: found, merged }: DayObjects,
): Promise<Omit<Compacted, 'days'>> {
  const { lake, isLate, mergedBytes = MERGED_BYTES } = compacting;
  const held = await heldBy(compacting, merged, found);
  await remove(lake, [...held]);
  const done = { objects: 0, sources: held.size };
  const pages = found.filter((page) => !held.has(page));
  let next: { page: Page; text: Buffer }[] = [];
  let bytes = 0;
  const flush = async () => {
    // Fewer are no gain. And what a kill leaves of an object's pages is more than a day may keep, so it is found again.
    if (next.length > LEFT_ALONE) {
      await merge(lake, day, next);
      done.objects += 1;
      done.sources += next.length;
    }
    next = [];
    bytes = 0;
  };
  for await (const { page, text } of unpacked(compacting, pages, mergedBytes)) {
    if (bytes + text.length > mergedBytes || next.length === MAX_PAGES_AN_OBJECT) {
      await flush();
      if (isLate()) return done;
    }
    next.push({ page, text });
    bytes += text.length;
  }
  await flush();
  return done;
}

/** The pages whose every line one of the merged objects holds: a call before was killed before it deleted them. */
async function heldBy(compacting: Compacting, merged: Page[], pages: Page[]): Promise<Set<Page>> {
  const held = new Set<Page>();
  for (const object of merged) {
    const inside = pages.filter(
      (page) => page.oldest >= object.oldest && page.newest <= object.newest && !held.has(page),
    );
    if (inside.length === 0) continue;
    for await (const { text } of unpacked(compacting, [object])) {
      const lines = new Set(linesOf(text));
      for await (const { page, text: own } of unpacked(compacting, inside)) {
        if (linesOf(own).every((line) => lines.has(line))) held.add(page);
      }
    }
  }
  return held;
}

/** As bytes: text that is not UTF-8 is compared, too. */
const linesOf = (text: Buffer): string[] => text.toString('latin1').split('\n');

/** Writes the pages' lines as one object, reads it back, and deletes the pages. */
async function merge(
  lake: LakeBucket,
  day: string,
  parts: readonly { page: Page; text: Buffer }[],
): Promise<void> {
  const pages = parts.map(({ page }) => page);
  const sources = pages.map(({ key, etag }) => `${key} ${etag}`).join('\n');
  const name = `merged-${createHash('sha256').update(sources).digest('hex').slice(0, 32)}`;
  // Padded, so that they sort as text. The names of the pages are trusted, as by whoever looks for a tweet.
  const oldest = pages.map((page) => page.oldest).sort()[0] ?? '';
  const newest =
    pages
      .map((page) => page.newest)
      .sort()
      .at(-1) ?? '';
  const key = rawPageKey(day, [oldest, newest], name);
  const text = Buffer.concat(parts.map((part) => part.text));
  await putIf(lake, key, gzipSync(text), 'application/gzip', { ifMatch: null });
  const written = await getBytes(lake, key);
  if (written === null || !gunzip(written.bytes).equals(text)) {
    throw new StepError(
      'ContractBroken',
      `${uriOf(lake, key)} does not hold what was written from ${pages.length} pages of ${day}. No page was deleted. ` +
        'Delete that object and redrive this execution.',
    );
  }
  await remove(lake, pages);
}

async function remove(lake: LakeBucket, pages: readonly Page[]): Promise<void> {
  const failed = await removeObjects(
    lake,
    pages.map(({ key }) => key),
  );
  if (failed) {
    throw new StepError(
      'ServiceBusy',
      `S3 did not delete ${uriOf(lake, failed.key)}, whose tweets a merged object of the day holds: ${failed.problem}`,
    );
  }
}

/**
 * The pages' texts, in order and in bounded memory, until it is late. Leaves out what cannot be read, is torn, or is too
 * large.
 */
async function* unpacked(
  { lake, isLate }: Compacting,
  pages: readonly Page[],
  mostBytes?: number,
): AsyncGenerator<{ page: Page; text: Buffer }> {
  for (const group of groupsOf(pages)) {
    if (isLate()) return;
    const contents = await inParallel(AT_ONCE, group, ({ key }) => getBytes(lake, key));
    for (const [index, page] of group.entries()) {
      const content = contents[index];
      // Changed since the day was listed: the name would be of another content.
      if (!content || content.etag !== page.etag) continue;
      const text = completeLines(content.bytes, mostBytes);
      if (text !== null) yield { page, text };
    }
  }
}

function* groupsOf(pages: readonly Page[]): Generator<Page[]> {
  let group: Page[] = [];
  let bytes = 0;
  for (const page of pages) {
    if (group.length === AT_ONCE || (group.length > 0 && bytes + page.bytes > BYTES_AT_ONCE)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(page);
    bytes += page.bytes;
  }
  if (group.length > 0) yield group;
}

/** A page unpacked; null where it cannot be, has more than `mostBytes`, or does not end with a complete line. */
function completeLines(bytes: Uint8Array, mostBytes?: number): Buffer | null {
  try {
    const text = gunzip(bytes, mostBytes);
    return text.at(-1) === 0x0a ? text : null;
  } catch (error) {
    if (error instanceof UnreadableBytes) return null;
    throw error;
  }
}
