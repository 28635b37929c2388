import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { datasets } from '../../workflows/datasets';
import type { IngestCounts } from '../../workflows/payloads';
import { utcDay } from '../clock';
import type { Clock } from '../clock';
import { putIf } from '../lake/objects';
import type { Lake } from '../lake/objects';
import { putRecords } from '../lake/stream';
import { queryHash } from './plan';
import type { Window } from './plan';
import { dayOf, isRefused, toRow } from './tweets';
import type { PageContext, RawTweetRow, Refused } from './tweets';

export interface SortedPage {
  rows: RawTweetRow[];
  refused: Refused[];
  counts: IngestCounts;
  /** Of the rows, for the window to remember. */
  ids: string[];
  days: string[];
}

/** Tells a page's new tweets from doubles and from records that do not fit. */
export function sortPage(
  tweets: readonly unknown[],
  recentIds: readonly string[],
  context: PageContext,
): SortedPage {
  const seen = new Set(recentIds);
  const rows: RawTweetRow[] = [];
  const refused: Refused[] = [];
  let doubles = 0;
  for (const tweet of tweets) {
    const row = toRow(tweet, context);
    if (isRefused(row)) {
      refused.push(row);
    } else if (seen.has(row.id)) {
      doubles += 1;
    } else {
      seen.add(row.id);
      rows.push(row);
    }
  }
  return {
    rows,
    refused,
    counts: {
      received: tweets.length,
      written: rows.length,
      doubles,
      quarantined: refused.length,
      pages: 1,
    },
    ids: rows.map(({ id }) => id),
    days: [...new Set(rows.map(dayOf))].sort(),
  };
}

/**
 * Puts a page into the lake, split by day, then on the stream. Keys follow from query, window, page and
 * the tweets themselves: the same page fetched again after a kill lands on the objects that are there, and
 * a page that differs by then (new tweets came in) gets its own, so that nothing is overwritten or lost.
 */
export async function storePage(
  page: SortedPage,
  where: { lake: Lake; kinesis: KinesisClient; stream: string; clock: Clock },
  of: { query: string; window: Window; runId: string },
): Promise<void> {
  const { lake, kinesis, stream, clock } = where;
  const name = pageName(page, of);
  await Promise.all(
    page.days.map((day) => {
      const rows = page.rows.filter((row) => dayOf(row) === day);
      const key = `${datasets.raw_tweets.prefix}dt=${day}/${name}.ndjson.gz`;
      return putIf(lake, key, gzipSync(ndjson(rows)), 'application/gzip', { ifMatch: null });
    }),
  );
  if (page.refused.length > 0) {
    const refusedAt = clock.now().toISOString();
    const key = `${datasets.quarantine.prefix}dt=${utcDay(clock.now())}/${name}.ndjson`;
    const records = page.refused.map((record) => ({
      run_id: of.runId,
      stage: 'ingest',
      ...record,
      refused_at: refusedAt,
    }));
    await putIf(lake, key, ndjson(records), 'application/x-ndjson', { ifMatch: null });
  }
  await putRecords(
    kinesis,
    stream,
    page.rows.map((row) => ({ key: row.id, data: JSON.stringify(row) })),
    clock,
  );
}

function pageName(page: SortedPage, { query, window }: { query: string; window: Window }): string {
  const content = createHash('sha256')
    .update(JSON.stringify([page.ids, page.refused]))
    .digest('hex')
    .slice(0, 12);
  return [queryHash(query), window.opened_by, String(window.pages).padStart(5, '0'), content].join(
    '-',
  );
}

const ndjson = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
