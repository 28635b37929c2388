import { putJson, type LakeBucket } from '../functions/lake/objects';
import { prefixes } from '../workflows/datasets';
import { nothing, sum, type Tally } from './scrub';

/** The places that tweets are erased from, as the record names them. */
export const places = [
  'labels',
  'scored',
  'quarantine',
  'imports',
  'queued',
  'failed-batches',
  'plans',
  'audit',
  'query-results',
  'evaluations',
  'raw-tweets',
  'cleaned-tweets',
] as const;
export type Place = (typeof places)[number];

/**
 * Records how much one call of `forget` erased from each place, never what. Written after each place, so a killed call
 * has a record, too. The records of all calls together are complete.
 */
export class ForgetRecord {
  private readonly tallies = new Map<Place, Tally>(places.map((place) => [place, nothing()]));
  models: string[] = [];
  /** Unreadable objects outside the places; they may still name erased tweets. */
  private readonly others = new Set<string>();
  days: string[] = [];

  constructor(
    private readonly lake: LakeBucket,
    private readonly startedAt: Date,
    /** How many ids this call named. Ids of earlier calls are searched for, too. */
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
