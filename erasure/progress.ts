import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../session/files';
import { Covered, nothingCovered } from './survey';

const Stage = z.strictObject({
  /** What was looked for: another list of ids or texts means another look. */
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
 * How far the look through the lake has got, in a file beside the lake: the same command, called again on this
 * machine, goes on from there. The file names objects, and is gone when the command has ended what it began.
 */
export class SurveyProgress {
  private savedAt = 0;

  private constructor(
    private readonly path: string,
    private readonly state: z.infer<typeof Progress>,
    /** Whether an earlier call's look is continued. */
    readonly isResumed: boolean,
  ) {}

  /** `wanted` says what the command was told; `now` is S3's time, which counts where nothing is continued. */
  static open(home: string, environment: string, wanted: string, now: Date): SurveyProgress {
    const path = join(home, 'forget', `${environment}.json`);
    const found = readProgress(path);
    if (found?.wanted === wanted) return new SurveyProgress(path, found, true);
    const since = now.toISOString();
    return new SurveyProgress(path, { schemaVersion: 1, wanted, since, stages: {} }, false);
  }

  /** Versions from then on are looked at again. */
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

  /** Whether it is time to save again. */
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

/** One that cannot be read, or was written by another version, only means that the look begins anew. */
function readProgress(path: string): z.infer<typeof Progress> | null {
  if (!existsSync(path)) return null;
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Progress.safeParse(content).data ?? null;
  } catch {
    return null;
  }
}
