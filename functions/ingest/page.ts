import { datasets, prefixes } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import type { IngestCounts } from '../../workflows/payloads';
import { utcDay } from '../shared/clock';
import type { Forgotten } from '../lake/forgotten';
import { putIf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { packRows, rawPageKey } from '../lake/raw-pages';
import type { StoredTweets } from '../lake/raw-pages';
import { newestOf, oldestOf } from '../x/ids';
import { RawTweetRow, dayOf, daysOf, isInvalidRecord, toRow } from '../x/tweets';
import type { PageContext, Refused } from '../x/tweets';
import type { PageAnswer } from './source';
import { planHash } from './plan';
import type { PendingPage, QueryPlan } from './plan';

/** Sorts a page's records into new tweets, duplicates and invalid records. */
export async function sortPage(
  answer: PageAnswer,
  context: Pick<PageContext, 'queryName' | 'runId'>,
  stored: StoredTweets,
  forgotten: Forgotten,
): Promise<PendingPage> {
  const { tweets, body, usernames, fetchedAt, serverTime } = answer;
  // An erased tweet must not come back as the original of a retweet: the retweet keeps its cut text.
  const originals = new Map(
    [...answer.originals].filter(
      ([id, { authorId }]) => !forgotten.has({ id, author_id: authorId ?? '' }),
    ),
  );
  const fits: RawTweetRow[] = [];
  const refused: Refused[] = [];
  for (const [index, tweet] of tweets.entries()) {
    const row = body.isTextAt(index)
      ? toRow(tweet, { ...context, usernames, originals, fetchedAt, serverTime })
      : { reason: 'record: is not UTF-8' };
    if (isInvalidRecord(row)) {
      refused.push({ reason: row.reason, raw: body.recordAt(index) });
    } else {
      fits.push(row);
    }
  }
  // An erased tweet is not stored again; it counts as a duplicate.
  const wanted = fits.filter(
    (row) =>
      !forgotten.has(row) &&
      !row.edit_history_tweet_ids?.some((version) => forgotten.hasTweet(version)),
  );
  const rows = await newAmong(wanted, stored);
  return {
    run_id: context.runId,
    fetched_at: fetchedAt,
    server_time: serverTime.toISOString(),
    counts: {
      received: tweets.length,
      written: rows.length,
      duplicates: fits.length - rows.length,
      quarantined: refused.length,
      pages: 1,
    },
    rows,
    refused,
    newest_id: newestOf(fits.map(({ id }) => id)),
    oldest_id: oldestOf(fits.map(({ id }) => id)),
    next_token: answer.nextToken,
  };
}

/** Rows that are neither earlier on this page nor in the lake already, whichever query stored them. */
async function newAmong(
  rows: readonly RawTweetRow[],
  stored: StoredTweets,
): Promise<RawTweetRow[]> {
  const first = new Map(rows.toReversed().map((row) => [row.id, row]));
  const distinct = rows.filter((row) => first.get(row.id) === row);
  const held = new Set<string>();
  for (const [day, ofDay] of byDay(distinct, (row) => [dayOf(row)])) {
    for (const id of await stored.among(
      day,
      ofDay.map(({ id }) => id),
    )) {
      held.add(id);
    }
  }
  return distinct.filter(({ id }) => !held.has(id));
}

export interface StoredPage {
  /** Keys of its tweets, by day. */
  objects: { day: string; key: string }[];
}

/**
 * Writes the page's results: its tweets by day (an edit across midnight under both days), its invalid records, and its
 * entry in the ledger. Keys derive from plan, window and page, so a retry overwrites nothing: the first write wins.
 */
export async function storePage(
  lake: LakeBucket,
  plan: QueryPlan,
  page: PendingPage,
): Promise<StoredPage> {
  const name = pageName(plan);
  mustAddUp(page.counts, name);
  const objects = [...byDay(page.rows, daysOf)].map(([day, rows]) => ({
    day,
    rows,
    key: rawPageKey(
      day,
      rows.map(({ id }) => id),
      name,
    ),
  }));
  const isNew = { ifMatch: null };
  await Promise.all(
    objects.map(({ key, rows }) => putIf(lake, key, packRows(rows), 'application/gzip', isNew)),
  );
  if (page.refused.length > 0) {
    const key = `${datasets.quarantine.prefix}dt=${utcDay(new Date(page.fetched_at))}/${name}.ndjson`;
    const lines = page.refused.map(({ reason, raw }) =>
      JSON.stringify({
        run_id: page.run_id,
        stage: 'ingest',
        reason,
        raw,
        refused_at: page.fetched_at,
      }),
    );
    await putIf(lake, key, `${lines.join('\n')}\n`, 'application/x-ndjson', isNew);
  }
  // The ledger comes last: a page it lists is complete in the lake.
  await putIf(
    lake,
    `${prefixes.plans}pages/${page.run_id}/${name}.json`,
    JSON.stringify({
      run_id: page.run_id,
      query: plan.name,
      fetched_at: page.fetched_at,
      ...page.counts,
      objects: objects.map(({ key }) => key),
    }),
    'application/json',
    isNew,
  );
  return { objects: objects.map(({ day, key }) => ({ day, key })) };
}

/** Unique name of a page, from its plan, window and page number. */
export const pageName = ({ of, window }: QueryPlan): string =>
  `${planHash(of)}-w${padded(window?.number)}-p${padded(window?.pages)}`;

const padded = (number = 0): string => String(number).padStart(5, '0');

export function mustAddUp(counts: IngestCounts, where: string): void {
  const { received, written, duplicates, quarantined } = counts;
  if (received !== written + duplicates + quarantined) {
    throw new StepError(
      'IngestDoesNotAddUp',
      `${where}: ${received} tweets received, but ${written} written + ${duplicates} duplicates + ${quarantined} quarantined`,
    );
  }
}

function byDay(
  rows: readonly RawTweetRow[],
  daysOfRow: (row: RawTweetRow) => string[],
): Map<string, RawTweetRow[]> {
  const days = new Map<string, RawTweetRow[]>();
  for (const row of rows) {
    for (const day of daysOfRow(row)) days.set(day, [...(days.get(day) ?? []), row]);
  }
  return new Map([...days].sort(([a], [b]) => a.localeCompare(b)));
}
