import type { LakeBucket } from '../../../functions/lake/objects';
import { Launcher } from './launcher';

/** A launcher for the tests of a file, and before each of them an empty lake and a quiet log. */
export function eachWithLake(
  prepare: (lake: LakeBucket, launcher: Launcher) => Promise<void> | void,
): void {
  let launcher: Launcher;

  beforeAll(async () => {
    launcher = await Launcher.start();
  });

  afterAll(() => launcher.stop());

  beforeEach(async () => {
    jest.spyOn(console, 'info').mockReturnValue();
    await prepare(await launcher.lake(), launcher);
  });
}
