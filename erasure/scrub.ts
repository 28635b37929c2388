import { putIf, statusOf, type LakeBucket } from '../functions/lake/objects';
import { UserError } from '../session/user-error';
import {
  deleteVersion,
  readVersion,
  versionsBelow,
  versionsOf,
  type Versions,
} from '../functions/lake/versions';

/** An object after erasing: `bytes` is null when nothing remains; `key` is set when the object needs another key. */
export interface Scrubbed {
  rows: number;
  bytes: Uint8Array | null;
  key?: string;
}

/** Returns an object's content after erasing, or null when there is nothing to erase in it. */
export type Rewrite = (
  bytes: Uint8Array,
  key: string,
) => Scrubbed | null | Promise<Scrubbed | null>;

/** How much was erased from one place. */
export interface Tally {
  objects: number;
  rows: number;
  /** Deleted old versions; without this the bucket's lifecycle would have kept them for days. */
  versions: number;
  /** Keys that could not be read, so they may still hold rows to erase. */
  unreadable: string[];
}

export const nothing = (): Tally => ({ objects: 0, rows: 0, versions: 0, unreadable: [] });
export const sum = (a: Tally, b: Tally): Tally => ({
  objects: a.objects + b.objects,
  rows: a.rows + b.rows,
  versions: a.versions + b.versions,
  unreadable: [...a.unreadable, ...b.unreadable],
});

/** Parallel requests. They mostly wait for S3, not for this machine. */
const atOnce = 32;

/** Runs `work` on each item of a generator, up to 32 in parallel. Throws the first error. */
export async function forEachOf<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const item of items) {
    const task: Promise<void> = work(item).finally(() => running.delete(task));
    // Awaited below. If another task fails first, nobody awaits this one, and its rejection must not be unhandled.
    task.catch(() => undefined);
    running.add(task);
    if (running.size >= atOnce) await Promise.race(running);
  }
  await Promise.all(running);
}

const contentTypes: Record<string, string> = {
  gz: 'application/gzip',
  ndjson: 'application/x-ndjson',
  json: 'application/json',
  parquet: 'application/vnd.apache.parquet',
};

export interface Scrubbing {
  lake: LakeBucket;
  /** Throws when the hold on the lake was lost: nothing more may be written then. */
  mustHold: () => void;
}

/** Applies `rewrite` to every version of these objects. Throws UserError when an object changes at the same time. */
export async function scrubKeys(
  scrubbing: Scrubbing,
  keys: Iterable<string>,
  rewrite: Rewrite,
): Promise<Tally> {
  let tally = nothing();
  await forEachOf(keys, async (key) => {
    const one = await scrubObject(scrubbing, await versionsOf(scrubbing.lake, key), rewrite);
    tally = sum(tally, one);
  });
  return tally;
}

/** Applies `rewrite` to every version of every object below a prefix. Throws UserError when an object changes at the same time. */
export async function scrubBelow(
  scrubbing: Scrubbing,
  prefix: string,
  rewrite: Rewrite,
): Promise<Tally> {
  const keys = [];
  for await (const { key } of versionsBelow(scrubbing.lake, prefix)) keys.push(key);
  return scrubKeys(scrubbing, keys, rewrite);
}

/**
 * Deletes old versions first, then replaces the current one and deletes its old content. If this is killed at any
 * point, the next call finds the rest. A version with a row to erase never becomes current again.
 */
async function scrubObject(
  { lake, mustHold }: Scrubbing,
  { key, versions }: Versions,
  rewrite: Rewrite,
): Promise<Tally> {
  const tally = nothing();
  const left = async (id: string): Promise<Scrubbed | null> => {
    try {
      return await rewrite(await readVersion(lake, key, id), key);
    } catch (error) {
      const isNamed =
        error instanceof SyntaxError || error instanceof UnreadableError || statusOf(error) === 403;
      if (!isNamed) throw error;
      tally.unreadable.push(key);
      return null;
    }
  };
  let others = 0;
  for (const { id, isMarker, bytes } of versions.filter(({ isCurrent }) => !isCurrent)) {
    if (!isMarker && bytes > 0 && (await left(id)) !== null) {
      mustHold();
      await deleteVersion(lake, key, id);
      tally.versions += 1;
    } else others += 1;
  }
  const current = versions.find(
    ({ isCurrent, isMarker, bytes }) => isCurrent && !isMarker && bytes > 0,
  );
  const scrubbed = current && (await left(current.id));
  if (!current || !scrubbed) return tally;
  mustHold();
  const target = scrubbed.key ?? key;
  if (scrubbed.bytes !== null) {
    const type = contentTypes[key.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    const written = await putIf(lake, target, scrubbed.bytes, type, {
      ifMatch: target === key ? current.etag : null,
    });
    // A killed call may already have written the object with the new key.
    if (written === null && target === key)
      throw new UserError(`${key} was changed at the same time. Run the same command again.`);
  }
  if ((scrubbed.bytes === null || target !== key) && others > 0) await deleteVersion(lake, key);
  await deleteVersion(lake, key, current.id);
  return { ...tally, objects: 1, rows: scrubbed.rows };
}

/** The content of an object is not of the format that its name says. */
export class UnreadableError extends Error {}
