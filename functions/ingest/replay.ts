import type { IngestCounts, RunPlan } from '../../workflows/payloads';
import { objectsBelow } from '../lake/objects';
import { rawFolder, readRaw } from '../lake/raw-pages';
import type { Unreadables } from '../lake/set-aside';
import { RawTweetRow, dayOf, daysOf } from '../x/tweets';
import { isWithheldNotice } from '../x/withheld';
import { addCounts, noCounts } from './plan';
import { streamRows } from './streaming';
import type { Streaming } from './streaming';

export interface Replayed {
  counts: IngestCounts;
  queued: number;
  /** Key of the last object that was sent; null when all were sent. */
  cursor: string | null;
}

/** Sends the rows of the given days to the stream again, object by object, starting after the cursor. */
export async function replayDays(
  streaming: Streaming,
  plan: RunPlan,
  cursor: string | null,
  until: number,
  unreadables: Unreadables,
): Promise<Replayed> {
  let counts = noCounts;
  let queued = 0;
  let last = cursor;
  // A call in the middle of a year does not list the days before it again.
  const isOver = (day: string) => last !== null && last > `${rawFolder(day)}\uffff`;
  for (const day of plan.reprocess.toSorted().filter((each) => !isOver(each))) {
    for await (const { key } of objectsBelow(streaming.lake, rawFolder(day))) {
      if (last !== null && key <= last) continue;
      if (streaming.clock.now().valueOf() > until) {
        return { counts, queued, cursor: last };
      }
      const { records, broken } = await readRaw(streaming.lake, key, unreadables);
      const fits = records.flatMap((record) => RawTweetRow.safeParse(record).data ?? []);
      // An edit across midnight is stored under both days; send it with its own day only.
      const own = fits.filter((row) => dayOf(row) === day || !daysOf(row).includes(day));
      const rows = own.filter(({ text }) => !isWithheldNotice(text));
      const name = key.slice(rawFolder(day).length).replace(/\.ndjson\.gz$/, '');
      queued += await streamRows(streaming, rows, `replay-${name}`);
      counts = addCounts(counts, {
        received: records.length + broken,
        written: rows.length,
        duplicates: fits.length - own.length,
        quarantined: records.length + broken - fits.length + (own.length - rows.length),
        pages: 1,
      });
      last = key;
    }
  }
  return { counts, queued, cursor: null };
}
