import { utcDay, DAY_MS } from '../functions/shared/clock';
import { FORGOTTEN_KEY } from '../functions/lake/forgotten';
import { padId, timeOfId } from '../functions/x/ids';
import { datasets, leaseKeys, prefixes } from '../workflows/datasets';
import { forgottenRows } from './cleaned';
import type { Place as Name } from './record';
import {
  audit,
  imported,
  labels,
  parked,
  plan,
  quarantined,
  rawPage,
  predictions,
  type Finder,
} from './rewrites';
import type { Rewrite } from './scrub';
import type { Place } from './survey';

/** Not of tweets: who holds the lake, and the list of what is forgotten. */
const OWN_KEYS = new Set([FORGOTTEN_KEY, ...Object.values(leaseKeys)]);

/** How each place is rewritten. Days are not: they are published anew, and their old versions deleted. */
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
  parked: { prefix: prefixes.parked, rewrite: parked },
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

/** Where whole tweets lie: by them ids and texts become known. Raw pages first, which say what days to look at. */
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
        // Markers of folders and files that Spark left unfinished hold no rows.
        !key.endsWith('.parquet') || (narrowed?.leavesOutDay(key) ?? false),
    },
  ],
  ...(['parked', 'imports', 'plans', 'quarantine'] as const).map(
    (name) => [name, rewritten(name, finder)] as const,
  ),
];

/** Where only an id or a text of theirs may stand. */
export const whereTheyAreNamed = (finder: Finder): Places =>
  (['labels', 'scored', 'audit', 'parked', 'imports', 'plans', 'quarantine'] as const).map(
    (name) => [name, rewritten(name, finder)] as const,
  );

const RANGE = /\/dt=(\d{4}-\d{2}-\d{2})\/(\d{20})-(\d{20})-[^/]*$/;
const DAY = /\/dt=(\d{4}-\d{2}-\d{2})\//;

/**
 * What need not be read where only tweets are to be forgotten, and their ids are known. A raw page's name says which
 * ids it can hold. Of the cleaned days those are read that have such a page or none at all, and those that the ids'
 * own times name: a raw page is kept at least as long as the day that was made from it.
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
      // Clocks differ, and a page is filed by X's.
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
