import { SFNClient } from '@aws-sdk/client-sfn';
import { takeLease } from '../../functions/lake/lease';
import type { LakeBucket } from '../../functions/lake/objects';
import { holdLake } from '../../erasure/hold';
import { leaseKeys } from '../../workflows/datasets';
import { Launcher, putJsonObject } from '../functions/support/launcher';
import { clockOffBy, clockRight, laterAtS3 } from '../functions/support/other-clocks';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let launcher: Launcher;
let lake: LakeBucket;
let sfn: SFNClient;

beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());
beforeEach(async () => {
  lake = await launcher.lake();
  const { credentials } = lake.s3.config;
  sfn = new SFNClient({ endpoint: launcher.url, region: 'us-east-1', credentials });
});
afterEach(clockRight);

const anotherTakes = (key: string, at = lake) =>
  takeLease(at, key, () => Promise.resolve(true), {
    executionArn: 'arn:aws:states:us-east-1:000000000000:execution:lake:night',
    scheduledFor: null,
    now: new Date(),
  });

test.each([-DAY, -10 * MINUTE, 0, 10 * MINUTE, DAY])(
  'a laptop whose clock is %d ms off keeps runs and ingests out for two minutes, and no longer',
  async (off) => {
    clockOffBy(off);
    const hold = await holdLake(lake, sfn);
    clockRight();

    for (const key of Object.values(leaseKeys)) {
      expect(await anotherTakes(key, laterAtS3(lake, 0))).toMatchObject({ taken: false });
      expect(await anotherTakes(key, laterAtS3(lake, MINUTE))).toMatchObject({ taken: false });
    }
    expect(await anotherTakes(leaseKeys.run, laterAtS3(lake, 2 * MINUTE + 3000))).toEqual({
      taken: true,
    });
    // The laptop's own client has learnt by how much its clock is off.
    clockOffBy(off);
    await hold.release();
  },
);

test('a hold does not outlast its time, whichever clock says so', async () => {
  const hold = await holdLake(lake, sfn);
  hold.mustHold();

  // The machine slept, and its clock was set right afterwards.
  clockOffBy(3 * MINUTE);

  expect(() => hold.mustHold()).toThrow('The hold on the lake was lost');
  await hold.release();
});

test('a lock that claims to be held for ever is told as the five minutes that it is', async () => {
  await putJsonObject(lake, leaseKeys.run, {
    executionArn: 'forget/forged',
    scheduledFor: null,
    takenAt: '2026-11-24T02:00:00.000Z',
    releasedAt: null,
    heldUntil: '2099-01-01T00:00:00.000Z',
  });

  await expect(holdLake(lake, sfn)).rejects.toThrow(
    new RegExp(
      `Another forget command \\(if it was killed, its hold expires at ${new Date().getUTCFullYear()}-`,
    ),
  );
  const later = laterAtS3(lake, 6 * MINUTE);
  await (await holdLake(later, sfn)).release();
});
