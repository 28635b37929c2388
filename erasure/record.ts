import { putJson, type LakeBucket } from '../functions/lake/objects';
import { prefixes } from '../workflows/datasets';
import { nothing, sum, type Tally } from './scrub';

/** The places that tweets are taken out of, as the record names them. */
export const places = [
  'labels',
  'scored',
  'quarantine',
  'imports',
  'parked',
  'plans',
  'audit',
  'query-results',
  'evaluations',
  'raw-tweets',
  'cleaned-tweets',
] as const;
export type Place = (typeof places)[number];

/**
 * What one call of `forget` took away: how much from where, never what. Written after each place, so that a call
 * that was killed has its record, too; the calls' records together are the whole.
 */
export class ForgetRecord {
  private readonly tallies = new Map<Place, Tally>(places.map((place) => [place, nothing()]));
  models: string[] = [];
  /** Objects outside of the places that could not be read, and may name what was forgotten. */
  private readonly others = new Set<string>();
  days: string[] = [];

  constructor(
    private readonly lake: LakeBucket,
    private readonly startedAt: Date,
    /** How many ids were named; ids that earlier calls named are looked for, too. */
    private readonly asked: { tweets: number; authors: number },
  ) {}

  get key(): string {
    return `${prefixes.audit}forgotten/${this.startedAt.toISOString().replaceAll(':', '-')}.json`;
  }

  of(place: Place): Tally {
    return this.tallies.get(place) ?? nothing();
  }

  get unreadable(): string[] {
    const inPlaces = places.flatMap((place) => this.of(place).unreadable);
    return [...new Set([...inPlaces, ...this.others])].sort();
  }

  addUnreadable(keys: readonly string[]): void {
    for (const key of keys) this.others.add(key);
  }

  async add(place: Place, tally: Tally): Promise<void> {
    this.tallies.set(place, sum(this.of(place), tally));
    await this.write(null);
  }

  async write(finishedAt: Date | null): Promise<void> {
    await putJson(this.lake, this.key, {
      startedAt: this.startedAt.toISOString(),
      finishedAt: finishedAt?.toISOString() ?? null,
      asked: this.asked,
      went: Object.fromEntries(
        places.map((place) => {
          const { objects, rows, versions } = this.of(place);
          return [place, { rows, objects, oldVersions: versions }];
        }),
      ),
      daysPublishedAnew: this.days,
      modelsMarked: this.models,
      unreadable: this.unreadable,
    });
  }
}
