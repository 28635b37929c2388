import fc from 'fast-check';
import { LEFT_ALONE } from '../../../functions/lake/closed-days';
import { Player } from './play';
import { scripts } from './script';
import { verdict } from './verdict';
import { XHost } from './world';

/*
 * Random scripts of what X, S3 and Kinesis do wrong, times random ends of Lambdas and executions. When the
 * dust has settled, every tweet is in raw-data once, on the stream, or listed as lost or refused.
 *
 * DRILL_SEED (and DRILL_PATH, from a failure's report) plays the same again; DRILL_SCRIPTS is how many.
 */
const seed = Number(process.env['DRILL_SEED'] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env['DRILL_SCRIPTS'] ?? 480);
const path = process.env['DRILL_PATH'];

/** The most pages that a day has left beside its merged objects. */
function pagesOfOneDay({ s3 }: Player): number {
  const days = [...s3.objects.keys()].flatMap(
    (key) => /^raw-data\/tweets\/dt=(.{10})\/(?!.*-merged-)/.exec(key)?.[1] ?? [],
  );
  return Math.max(0, ...days.map((day) => days.filter((other) => other === day).length));
}

let x: XHost;
beforeAll(async () => {
  x = await XHost.start();
  jest.spyOn(console, 'info').mockReturnValue();
});
afterAll(() => x.stop());

test(`${numRuns} scripts from seed ${seed} lose, double and overspend nothing`, async () => {
  process.stderr.write(`DRILL_SEED=${seed}\n`);
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const player = new Player(script, x);

      await player.play();

      expect(verdict(player)).toEqual([]);

      await player.closeDays();

      expect(verdict(player)).toEqual([]);
      expect(pagesOfOneDay(player)).toBeLessThanOrEqual(LEFT_ALONE);
    }),
    { seed, numRuns, ...(path !== undefined && { path, endOnFailure: true }) },
  );
});
