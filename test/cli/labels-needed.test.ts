import { labelsFor, rowsFor, TARGET, waitingRules } from '../../cli/labels/needed';
import { even, evaluationOf } from '../functions/support/evaluation';

const limits = { minHeldOutRows: 200, minHeldOutPerClass: 30 };
const enough = { rows: 600, perClass: { negative: 200, neutral: 200, positive: 200 } };

test('half the width takes four times the rows, and of labels a fifth is held out', () => {
  expect(rowsFor(900, 0.04, 0.02)).toBe(3600);
  expect(rowsFor(898, 0.032, TARGET)).toBe(2299);
  expect(rowsFor(5000, 0.01, 0.02)).toBe(1250);

  expect(labelsFor(2700)).toBe(13_500);
  expect(labelsFor(1)).toBe(5);
  // Narrower already than is aimed at.
  expect(labelsFor(1250 - 5000)).toBe(0);
});

test('counts below the limits of the gate wait for rows, in all and by class', () => {
  const now = { rows: 150, perClass: { negative: 90, neutral: 20, positive: 40 } };

  expect(waitingRules(now, limits, null)).toEqual([
    {
      rule: 'Held-out rows',
      now: '150 rows',
      needed: '200 rows: nothing is promoted with fewer',
    },
    {
      rule: 'Held-out rows that are neutral',
      now: '20 rows',
      needed: '30 rows: nothing is promoted with fewer',
    },
  ]);
  expect(waitingRules(enough, limits, null)).toEqual([]);
});

test('a difference whose interval holds 0 waits for rows; one that is certain does not', () => {
  const candidate = evaluationOf({ candidate: even(0.78), champion: even(0.77), spread: 0.03 });
  const { value, low, high } = candidate.candidate_minus_champion ?? { value: 0, low: 0, high: 0 };
  const rows = rowsFor(600, (high - low) / 2, value);

  const waiting = waitingRules(enough, limits, candidate);

  // The lexicon is 8 points behind: nothing to wait for.
  expect(waiting).toHaveLength(1);
  expect(waiting[0]).toMatchObject({
    rule: 'Champion (sl-champion)',
    needed: `about ${rows.toLocaleString('en-US')} rows, if the difference stays`,
  });
});

test('models that score the same are not told apart by any number of rows', () => {
  const same = evaluationOf({ candidate: even(0.77), champion: even(0.77), spread: 0.03 });

  expect(waitingRules(enough, limits, same)[0]?.needed).toBe(
    'no number of rows tells so small a difference from none',
  );
});
