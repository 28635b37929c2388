import { setTimeout as delay } from 'node:timers/promises';
import { SFNClient } from '@aws-sdk/client-sfn';
import { executionRuns, releaseLease, renewLease, takeLease } from '../../functions/lake/lease';
import type { LakeBucket } from '../../functions/lake/objects';
import { Launcher, putJsonObject, readJsonObject } from './support/launcher';
import { clockOffBy, clockRight, laterAtS3 } from './support/other-clocks';

const KEY = 'raw-data/plans/lock.json';
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const asked: string[] = [];
/** Nobody else runs; notes who was asked after. */
const isRunning = (arn: string) => {
  asked.push(arn);
  return Promise.resolve(false);
};

let launcher: Launcher;
let lake: LakeBucket;

beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());
beforeEach(async () => {
  lake = await launcher.lake();
  asked.length = 0;
});
afterEach(clockRight);

const take = (executionArn: string, holdMs?: number, at = lake) =>
  takeLease(at, KEY, isRunning, {
    executionArn,
    scheduledFor: null,
    now: new Date(),
    ...(holdMs !== undefined && { holdMs }),
  });

test('a holder that is no execution holds until its time is over, and no longer', async () => {
  await take('a person', 2 * MINUTE);

  expect(await take('run', undefined, laterAtS3(lake, MINUTE))).toMatchObject({
    holder: { executionArn: 'a person' },
  });
  expect(await take('run', undefined, laterAtS3(lake, 3 * MINUTE))).toEqual({ taken: true });
  // Step Functions does not know it: its answer would be that nobody runs.
  expect(asked).toEqual([]);
  expect(await readJsonObject(lake, KEY)).not.toHaveProperty('heldUntil');
});

test('a hold that is renewed in time goes on', async () => {
  await take('a person', 2 * MINUTE);
  await renewLease(laterAtS3(lake, MINUTE), KEY, 'a person', 3 * MINUTE);

  expect(await take('run', undefined, laterAtS3(lake, 3 * MINUTE))).toMatchObject({ taken: false });
});

test('a hold that somebody else has taken since, or that was released, cannot be renewed', async () => {
  await take('a person', 2 * MINUTE);
  await take('run', undefined, laterAtS3(lake, 3 * MINUTE));
  await expect(renewLease(lake, KEY, 'a person', MINUTE)).rejects.toMatchObject({
    name: 'RunInProgress',
  });

  await releaseLease(lake, KEY, 'run', new Date());
  await expect(renewLease(lake, KEY, 'run', MINUTE)).rejects.toThrow(/now held by somebody else/);
});

describe.each([-DAY, -10 * MINUTE, 0, 10 * MINUTE, DAY])(
  'a holder whose clock is %d ms off',
  (holder) => {
    test.each([-DAY, -10 * MINUTE, 10 * MINUTE, DAY])(
      'holds for its two minutes against one whose clock is %d ms off',
      async (taker) => {
        clockOffBy(holder);
        await take('a person', 2 * MINUTE);
        clockOffBy(taker);

        expect(await take('run')).toMatchObject({ taken: false });
        expect(await take('run', undefined, laterAtS3(lake, MINUTE))).toMatchObject({
          taken: false,
        });
        expect(await take('run', undefined, laterAtS3(lake, 2 * MINUTE + 2 * SECOND))).toEqual({
          taken: true,
        });
      },
    );

    test('renews for two minutes', async () => {
      clockOffBy(holder);
      await take('a person', SECOND);
      await renewLease(lake, KEY, 'a person', 2 * MINUTE);
      clockRight();

      expect(await take('run', undefined, laterAtS3(lake, MINUTE))).toMatchObject({ taken: false });
      expect(await take('run', undefined, laterAtS3(lake, 2 * MINUTE + 2 * SECOND))).toEqual({
        taken: true,
      });
    });
  },
);

test('a hold ends by itself, as time goes by', async () => {
  await take('a person', 2 * SECOND);
  expect(await take('run')).toMatchObject({ taken: false });

  await delay(3.1 * SECOND);

  expect(await take('run')).toEqual({ taken: true });
});

test.each(['2099-01-01T00:00:00.000Z', 'for ever', ''])(
  'an object that says it is held until “%s” holds for five minutes from when it was written',
  async (heldUntil) => {
    await putJsonObject(lake, KEY, {
      executionArn: 'forged',
      scheduledFor: null,
      takenAt: '2026-11-24T02:00:00.000Z',
      releasedAt: null,
      heldUntil,
    });
    const wroteAt = Date.now();

    const refused = await take('run');

    expect(refused).toMatchObject({ taken: false, holder: { executionArn: 'forged' } });
    const { holder } = refused.taken ? { holder: undefined } : refused;
    expect(Math.abs(Date.parse(holder?.heldUntil ?? '') - wroteAt - 5 * MINUTE)).toBeLessThan(
      5 * SECOND,
    );
    expect(await take('run', undefined, laterAtS3(lake, 4 * MINUTE))).toMatchObject({
      taken: false,
    });
    expect(await take('run', undefined, laterAtS3(lake, 5 * MINUTE + 2 * SECOND))).toEqual({
      taken: true,
    });
  },
);

test('the lock of an execution that Step Functions no longer knows is released automatically', async () => {
  // So it answers of an execution that ended more than 90 days ago.
  const sfn = new SFNClient({
    endpoint: launcher.url,
    region: 'us-east-1',
    credentials: lake.s3.config.credentials,
  });
  const arn = 'arn:aws:states:us-east-1:000000000000:execution:sentiment-lake-test:';
  await takeLease(lake, KEY, executionRuns(sfn), {
    executionArn: `${arn}long-ago`,
    scheduledFor: null,
    now: new Date(),
  });

  expect(
    await takeLease(lake, KEY, executionRuns(sfn), {
      executionArn: `${arn}tonight`,
      scheduledFor: null,
      now: new Date(),
    }),
  ).toEqual({ taken: true });
});
