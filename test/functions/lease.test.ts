import { releaseLease, renewLease, takeLease } from '../../functions/lake/lease';
import type { Lake } from '../../functions/lake/objects';
import { Launcher, readJsonObject } from './support/launcher';

const KEY = 'raw-data/plans/lock.json';
const now = new Date('2026-11-24T02:00:00.000Z');
const later = (minutes: number) => new Date(now.valueOf() + minutes * 60_000);
const asked: string[] = [];
/** Nobody else runs; notes who was asked after. */
const isRunning = (arn: string) => {
  asked.push(arn);
  return Promise.resolve(false);
};

let launcher: Launcher;
let lake: Lake;

beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());
beforeEach(async () => {
  lake = await launcher.lake();
  asked.length = 0;
});

const take = (executionArn: string, at = now, heldUntil?: Date) =>
  takeLease(lake, KEY, isRunning, {
    executionArn,
    scheduledFor: null,
    now: at,
    ...(heldUntil && { heldUntil: heldUntil.toISOString() }),
  });

test('a holder that is no execution holds until its time is over, and no longer', async () => {
  await take('a person', now, later(2));

  expect(await take('run', later(1))).toMatchObject({ holder: { executionArn: 'a person' } });
  // Step Functions does not know it: its answer would be that nobody runs.
  expect(asked).toEqual([]);
  expect(await take('run', later(3))).toEqual({ taken: true });
  expect(await readJsonObject(lake, KEY)).not.toHaveProperty('heldUntil');
});

test('a hold that is renewed in time goes on', async () => {
  await take('a person', now, later(2));
  await renewLease(lake, KEY, 'a person', later(4).toISOString());

  expect(await take('run', later(3))).toMatchObject({ taken: false });
});

test('a hold that somebody else has taken since, or that was released, cannot be renewed', async () => {
  await take('a person', now, later(2));
  await take('run', later(3));
  await expect(renewLease(lake, KEY, 'a person', later(5).toISOString())).rejects.toMatchObject({
    name: 'RunInProgress',
  });

  await releaseLease(lake, KEY, 'run', later(4));
  await expect(renewLease(lake, KEY, 'run', later(5).toISOString())).rejects.toThrow(
    /taken by somebody else/,
  );
});
