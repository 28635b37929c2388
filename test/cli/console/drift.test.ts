import { showDrift } from '../../../cli/console/drift';
import type { LakeBucket } from '../../../functions/lake/objects';
import type { Drift } from '../../../workflows/payloads';
import { eachWithLake } from '../../functions/support/each-with-lake';
import { putJsonObject } from '../../functions/support/launcher';

let lake: LakeBucket;
eachWithLake(async (fresh) => {
  lake = fresh;
});

const compared = (value: number | null): Drift => ({
  status: 'COMPARED',
  modelVersion: 'sl-1',
  days: { from: '2026-11-27', to: '2026-11-29' },
  reference: { from: '2026-11-20', to: '2026-11-26' },
  measures: [
    {
      name: 'length',
      value,
      limit: 0.2,
      newTweets: 300,
      referenceTweets: 900,
      change: '5 to 9 words: 20.0 % before, 30.0 % now',
    },
  ],
});

const two = (value: number): string => String(value).padStart(2, '0');

/** The report of a run of that minute, as the step writes it with more beside. */
const report = (minute: number, drift?: Drift) =>
  putJsonObject(lake, `processed-data/audit/reports/20261129-10${two(minute)}00-0a1b2c3d.json`, {
    report: {
      runId: `20261129-10${two(minute)}00-0a1b2c3d`,
      date: '2026-11-29',
      summary: '',
      ...(drift && { drift }),
    },
    execution: { arn: `arn:aws:states:us-east-1:0:execution:lake:nightly-${minute}` },
    state: {},
  });

test('a lake without a report has no drift, and none was looked at', async () => {
  expect(await showDrift(lake)).toEqual({ runs: [], lookedAt: 0, unreadable: 0 });
});

test('the first run says that it compared nothing, and why', async () => {
  await report(0, { status: 'NOT_COMPARED', reason: 'no model is in service yet' });

  expect((await showDrift(lake)).runs).toEqual([
    {
      runId: '20261129-100000-0a1b2c3d',
      execution: 'nightly-0',
      date: '2026-11-29',
      drift: { status: 'NOT_COMPARED', reason: 'no model is in service yet' },
    },
  ]);
});

test('the newest thirty runs with drift, oldest first; ingests are passed over, what cannot be read is counted', async () => {
  for (let minute = 0; minute < 34; minute += 1) await report(minute, compared(minute / 100));
  for (let minute = 34; minute < 40; minute += 1) await report(minute);
  await putJsonObject(lake, 'processed-data/audit/reports/20261129-104000-0a1b2c3d.json', {
    report: 'of a release to come',
  });

  const { runs, unreadable } = await showDrift(lake);

  expect(unreadable).toBe(1);
  expect(runs.map(({ execution }) => execution)).toEqual(
    Array.from({ length: 30 }, (_, place) => `nightly-${place + 4}`),
  );
  expect(runs.at(-1)?.drift).toEqual(compared(0.33));
});
