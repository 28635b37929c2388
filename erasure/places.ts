import { utcDay, DAY_MS } from '../functions/shared/clock';
import { FORGOTTEN_KEY } from '../functions/lake/forgotten';
import { padId, timeOfId } from '../functions/x/ids';
import { datasets, failedBatches, leaseKeys, prefixes } from '../workflows/datasets';
import { forgottenRows } from './cleaned';
import type { Place as Name } from './record';
import {
  audit,
  failedBatch,
  imported,
  labels,
  queued,
  plan,
  quarantined,
  rawPage,
  predictions,
  type Finder,
} from './rewrites';
import type { Rewrite } from './scrub';
import type { Place } from './survey';

/** Objects that hold no tweets: the two leases and the list of erased ids. */
const OWN_KEYS = new Set([FORGOTTEN_KEY, ...Object.values(leaseKeys)]);

/** Places whose objects are rewritten. Cleaned days are published again instead, and their old snapshots deleted. */
export type Rewritten = Exclude<Name, 'query-results' | 'evaluations' | 'cleaned-tweets'>;

interface Home {
  prefix: string;
  rewrite: (finder: Finder) => Rewrite;
}

export const homes: Record<Rewritten, Home> = {
  labels: {
    prefix: datasets.labels.prefix,
    rewrite: (finder) => labels(finder.found.texts),
  },
  scored: { prefix: datasets.scored.prefix, rewrite: predictions },
  quarantine: { prefix: datasets.quarantine.prefix, rewrite: quarantined },
  imports: { prefix: prefixes.imports, rewrite: imported },
  queued: { prefix: prefixes.queued, rewrite: queued },
  'failed-batches': { prefix: failedBatches, rewrite: failedBatch },
  plans: { prefix: prefixes.plans, rewrite: plan },
  audit: { prefix: prefixes.audit, rewrite: audit },
  'raw-tweets': { prefix: datasets.raw_tweets.prefix, rewrite: rawPage },
};

const rewritten = (name: Rewritten, finder: Finder): Place => {
  const rewrite = homes[name].rewrite(finder);
  return {
    prefix: homes[name].prefix,
    holds: async (bytes, key) => (await rewrite(bytes, key)) !== null,
    leavesOut: (key) => OWN_KEYS.has(key),
  };
};

export type Places = readonly (readonly [Name, Place])[];

/**
 * Places that hold complete tweets: reading them finds all ids and texts. Raw pages come first, because they tell which
 * days to read.
 */
export const whereTweetsLie = (finder: Finder, narrowed: Narrowed | null): Places => [
  [
    'raw-tweets',
    {
      ...rewritten('raw-tweets', finder),
      ...(narrowed && { leavesOut: (key: string) => narrowed.leavesOutPage(key) }),
    },
  ],
  [
    'cleaned-tweets',
    {
      prefix: datasets.tweets.prefix,
      holds: async (bytes) => (await forgottenRows(bytes, finder)) > 0,
      leavesOut: (key) =>
        // Folder markers and Spark's unfinished files hold no rows.
        !key.endsWith('.parquet') || (narrowed?.leavesOutDay(key) ?? false),
    },
  ],
  ...(['queued', 'failed-batches', 'imports', 'plans', 'quarantine'] as const).map(
    (name) => [name, rewritten(name, finder)] as const,
  ),
];

/** Places that may only name a tweet by its id or text. */
export const whereTheyAreNamed = (finder: Finder): Places =>
  (
    [
      'labels',
      'scored',
      'audit',
      'queued',
      'failed-batches',
      'imports',
      'plans',
      'quarantine',
    ] as const
  ).map((name) => [name, rewritten(name, finder)] as const);

const RANGE = /\/dt=(\d{4}-\d{2}-\d{2})\/(\d{20})-(\d{20})-[^/]*$/;
const DAY = /\/dt=(\d{4}-\d{2}-\d{2})\//;

/**
 * Decides which objects can be skipped when all ids to erase are known tweet ids. A raw page's name tells which ids it
 * can hold. A cleaned day is read when it has such a page, when it has no raw pages at all, or when an id's own time
 * falls on it. This is safe because a raw page is kept at least as long as the day made from it.
 */
export class Narrowed {
  private readonly ids: readonly string[];
  private readonly days = new Set<string>();
  private readonly daysWithPages = new Set<string>();

  constructor(tweets: readonly string[]) {
    this.ids = tweets.map(padId).sort();
    for (const id of tweets) {
      const time = timeOfId(id)?.valueOf();
      if (time === undefined) continue;
      // Clocks differ, and pages are filed by X's clock.
      for (const day of [-1, 0, 1]) this.days.add(utcDay(new Date(time + day * DAY_MS)));
    }
  }

  leavesOutPage(key: string): boolean {
    const [, day, oldest, newest] = RANGE.exec(key) ?? [];
    if (day === undefined || oldest === undefined || newest === undefined) return false;
    this.daysWithPages.add(day);
    const mayHold = this.ids.some((id) => id >= oldest && id <= newest);
    if (mayHold) this.days.add(day);
    return !mayHold;
  }

  leavesOutDay(key: string): boolean {
    const [, day] = DAY.exec(key) ?? [];
    return day !== undefined && this.daysWithPages.has(day) && !this.days.has(day);
  }
}
