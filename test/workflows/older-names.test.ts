import { QueryPlan, newPlan } from '../../functions/ingest/plan';
import { spanWindow } from '../../functions/ingest/window';
import { withTodaysNames } from '../../workflows/older-names';

const span = { from: '2026-11-20T00:00:00.000Z', to: '2026-11-21T00:00:00.000Z' };

test('a plan of version 1 is read under the names of version 2', () => {
  const { plan } = newPlan('a query', 'keywords', 'run-1', new Date(span.to));
  const now = {
    ...plan,
    watermark: span.from,
    window: spanWindow({ windows: 0 }, 'run-1', span),
  };
  const { watermark, window, progress, ...same } = now;
  const { due_from, ...sameOfWindow } = window;
  const { counts, queued, complete, ...sameOfProgress } = progress;
  const { duplicates, ...sameOfCounts } = counts;
  const older = {
    ...same,
    schema_version: 1,
    covered_until: watermark,
    window: { ...sameOfWindow, owed_from: due_from },
    progress: {
      ...sameOfProgress,
      counts: { ...sameOfCounts, doubles: duplicates },
      parked: queued,
      whole: complete,
    },
  };

  expect(QueryPlan.parse(JSON.parse(JSON.stringify(older)))).toEqual(now);
});

test('names change at every depth, values and other names do not', () => {
  expect(
    withTodaysNames([{ doubles: 1, queries: [{ whole: false, name: 'whole' }], toString: null }]),
  ).toEqual([{ duplicates: 1, queries: [{ complete: false, name: 'whole' }], toString: null }]);
});
