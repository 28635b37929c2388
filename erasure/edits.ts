import { z } from 'zod';
import { utcDay } from '../functions/shared/clock';
import { statusOf, type LakeBucket } from '../functions/lake/objects';
import { rawFolder } from '../functions/lake/raw-pages';
import { gunzip, jsonOf, UnreadableBytes } from '../functions/lake/unpack';
import { readVersion, versionsBelow } from '../functions/lake/versions';
import { idAt, padId, timeOfId } from '../functions/x/ids';
import { forEachOf } from './scrub';

/** X allows edits for at most an hour; the second hour covers clock differences. */
const EDITED_WITHIN_MS = 2 * 60 * 60 * 1000;
const RANGE = /\/(\d{20})-(\d{20})-[^/]*$/;
const Id = z.string().regex(/^\d{1,20}$/);
const Row = z.object({ id: Id, edit_history_tweet_ids: z.array(Id) });

/**
 * Adds the ids of the other versions of the same posts, as far as the lake knows them. Each edit of a post has its own
 * id, and deleting one version on X deletes them all. Reads only raw pages that can hold a version, including old
 * versions of their objects. Skips objects that cannot be read; the survey reports them.
 */
export async function withAllVersions(
  lake: LakeBucket,
  tweets: readonly string[],
): Promise<string[]> {
  const times = tweets.flatMap((id) => timeOfId(id)?.valueOf() ?? []);
  const spans = times.map((time) => ({
    from: padId(idAt(new Date(time - EDITED_WITHIN_MS))),
    to: padId(idAt(new Date(time + EDITED_WITHIN_MS))),
  }));
  const days = new Set(
    times.flatMap((time) => [
      utcDay(new Date(time - EDITED_WITHIN_MS)),
      utcDay(new Date(time + EDITED_WITHIN_MS)),
    ]),
  );
  const histories: string[][] = [];
  for (const day of [...days].sort()) {
    await forEachOf(versionsBelow(lake, rawFolder(day)), async ({ key, versions }) => {
      const [, oldest = padId('0'), newest = '9'.repeat(20)] = RANGE.exec(key) ?? [];
      if (!spans.some(({ from, to }) => from <= newest && to >= oldest)) return;
      for (const { id } of versions.filter(({ isMarker }) => !isMarker)) {
        histories.push(...(await historiesIn(lake, key, id)));
      }
    });
  }
  const all = new Set(tweets);
  // A version names only the versions before it, so a chain of edits may need several rounds.
  for (let size = 0; size < all.size;) {
    size = all.size;
    for (const history of histories.filter((ids) => ids.some((id) => all.has(id)))) {
      for (const id of history) all.add(id);
    }
  }
  return [...all];
}

/** Whether two ids can be versions of one post. A raw record is not trusted: it could name any id as a version. */
const isNear = (id: string, other: string): boolean => {
  const [one, two] = [timeOfId(id)?.valueOf(), timeOfId(other)?.valueOf()];
  return one !== undefined && two !== undefined && Math.abs(one - two) <= EDITED_WITHIN_MS;
};

/** The version ids of each edited post in one object; empty when the object is gone or cannot be read. */
async function historiesIn(lake: LakeBucket, key: string, version: string): Promise<string[][]> {
  try {
    const lines = gunzip(await readVersion(lake, key, version))
      .toString('utf8')
      .split('\n');
    return lines.flatMap((line) => {
      const row = Row.safeParse(jsonOf(line)).data;
      return row === undefined || row.edit_history_tweet_ids.length < 2
        ? []
        : [[row.id, ...row.edit_history_tweet_ids.filter((id) => isNear(id, row.id))]];
    });
  } catch (error) {
    if (error instanceof UnreadableBytes || statusOf(error) === 404) return [];
    throw error;
  }
}
