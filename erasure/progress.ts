import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../session/files';
import { Covered, nothingCovered } from './survey';

const Stage = z.strictObject({
  /** Digest of the ids and texts that were searched for: a different list needs a new survey. */
  of: z.string(),
  places: z.record(z.string(), Covered),
});
const Progress = z.strictObject({
  schemaVersion: z.literal(1),
  wanted: z.string(),
  since: z.iso.datetime(),
  stages: z.record(z.string(), Stage),
});

const SAVE_EVERY_MS = 2000;

export const digestOf = (parts: Iterable<string>): string =>
  createHash('sha256')
    .update([...parts].sort().join('\n'))
    .digest('hex');

/**
 * The survey's progress, saved in a local file. The same command, run again on this machine, continues from there. The
 * file lists object keys and is deleted when the command has finished.
 */
export class SurveyProgress {
  private savedAt = 0;

  private constructor(
    private readonly path: string,
    private readonly state: z.infer<typeof Progress>,
    /** Whether this continues the survey of an earlier call. */
    readonly isResumed: boolean,
  ) {}

  /** Opens or starts the progress of the command identified by `wanted`. `now` is S3's time, used when it starts. */
  static open(home: string, environment: string, wanted: string, now: Date): SurveyProgress {
    const path = join(home, 'forget', `${environment}.json`);
    const found = readProgress(path);
    if (found?.wanted === wanted) return new SurveyProgress(path, found, true);
    const since = now.toISOString();
    return new SurveyProgress(path, { schemaVersion: 1, wanted, since, stages: {} }, false);
  }

  /** Versions written from this time on are read again. */
  get since(): Date {
    return new Date(this.state.since);
  }

  covered(stage: string, of: string, place: string): Covered {
    const known = this.state.stages[stage];
    return (known?.of === of ? known.places[place] : undefined) ?? nothingCovered();
  }

  set(stage: string, of: string, place: string, covered: Covered): void {
    const known = this.state.stages[stage];
    const places = known?.of === of ? known.places : {};
    this.state.stages[stage] = { of, places: { ...places, [place]: covered } };
  }

  /** Whether the progress should be saved again. */
  get isDue(): boolean {
    return Date.now() - this.savedAt >= SAVE_EVERY_MS;
  }

  save(): void {
    this.savedAt = Date.now();
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    writeAtomically(this.path, `${JSON.stringify(this.state)}\n`);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}

/** Null for a file that cannot be read or was written by another version: the survey then starts again. */
function readProgress(path: string): z.infer<typeof Progress> | null {
  if (!existsSync(path)) return null;
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Progress.safeParse(content).data ?? null;
  } catch {
    return null;
  }
}
