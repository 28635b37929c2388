import { putIf, statusOf, type LakeBucket } from '../functions/lake/objects';
import { UserError } from '../session/user-error';
import {
  deleteVersion,
  readVersion,
  versionsBelow,
  versionsOf,
  type Versions,
} from '../functions/lake/versions';

/** What is left of an object's content: `bytes` null when nothing is; `key` where it has to lie under another name. */
export interface Scrubbed {
  rows: number;
  bytes: Uint8Array | null;
  key?: string;
}

/** Answers what is left of a content, or null when it holds nothing that is to be forgotten. */
export type Rewrite = (
  bytes: Uint8Array,
  key: string,
) => Scrubbed | null | Promise<Scrubbed | null>;

/** What went from one place. */
export interface Tally {
  objects: number;
  rows: number;
  /** Older versions, which the bucket would have kept for its lifecycle's days. */
  versions: number;
  /** Objects that could not be read, and so may still hold something. */
  unreadable: string[];
}

export const nothing = (): Tally => ({ objects: 0, rows: 0, versions: 0, unreadable: [] });
export const sum = (a: Tally, b: Tally): Tally => ({
  objects: a.objects + b.objects,
  rows: a.rows + b.rows,
  versions: a.versions + b.versions,
  unreadable: [...a.unreadable, ...b.unreadable],
});

/** Requests wait for S3 and not for this machine. */
const atOnce = 32;

/** Works on what a generator brings, several at once. */
export async function forEachOf<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const item of items) {
    const task: Promise<void> = work(item).finally(() => running.delete(task));
    // Awaited below; where another fails first, nobody looks at this one.
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
  /** Throws when the lake is no longer held: then nothing more may be written. */
  mustHold: () => void;
}

/** Takes what `rewrite` leaves out from every version of these objects. */
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

/** The same for every object below a prefix. */
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
 * Old versions go first, then the current one is replaced and what it was is deleted, too: killed anywhere, the
 * next call finds the rest. Nothing that holds a row becomes current again.
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
    // Under another name it may lie there already, from a call that was killed.
    if (written === null && target === key)
      throw new UserError(`${key} was changed meanwhile: run the same command again.`);
  }
  if ((scrubbed.bytes === null || target !== key) && others > 0) await deleteVersion(lake, key);
  await deleteVersion(lake, key, current.id);
  return { ...tally, objects: 1, rows: scrubbed.rows };
}

/** A content that is not what its name says. */
export class UnreadableError extends Error {}
