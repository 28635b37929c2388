import { differenceOf } from '../../cli/compare-models';
import { describeDifference } from '../../console/difference';
import type { Evaluation } from '../../workflows/evaluation';
import { even, evaluationOf } from '../functions/support/evaluation';

const evaluated = (version: string, evaluation: Evaluation) => ({ version, evaluation });

test('where one was trained while the other was champion, the paired interval counts, in either order', () => {
  const old = evaluated('sl-champion', evaluationOf({ candidate: even(0.7) }));
  const young = evaluated(
    'sl-young',
    evaluationOf({ candidate: even(0.77), champion: even(0.7), spread: 0.02 }),
  );
  const measured = young.evaluation.candidate_minus_champion;

  const forwards = differenceOf(old, young);
  const backwards = differenceOf(young, old);

  expect(forwards).toMatchObject({
    value: measured?.value,
    low: measured?.low,
    high: measured?.high,
    how: 'paired',
    isMoreThanChance: true,
  });
  expect(backwards.value).toBeCloseTo(-forwards.value);
  expect(backwards.low).toBeCloseTo(-forwards.high);
  expect(backwards.high).toBeCloseTo(-forwards.low);
  expect(backwards.isMoreThanChance).toBe(true);
});

test('the best model of the last days was scored on the same rows, too', () => {
  const best = evaluated('sl-best', evaluationOf());
  const young = evaluated(
    'sl-young',
    evaluationOf({ champion: even(0.7), best: even(0.765), spread: 0.03 }),
  );

  expect(differenceOf(best, young)).toMatchObject({ how: 'paired', isMoreThanChance: false });
});

test('models that no training scored together have an interval of both, which is wider than either', () => {
  // The half-width of each is 3 points.
  const [one, other] = [
    evaluated('sl-one', evaluationOf({ candidate: even(0.7) })),
    evaluated('sl-other', evaluationOf({ candidate: even(0.73) })),
  ];

  const difference = differenceOf(one, other);

  expect(difference.how).toBe('independent');
  expect((difference.high - difference.low) / 2).toBeCloseTo(0.03 * Math.SQRT2, 6);
  expect(difference.isMoreThanChance).toBe(false);
  expect(describeDifference({ difference })).toBe(
    'Second minus first: +3.0 points of macro recall [−1.2, +7.2] at 95 %: may be chance. ' +
      'No training scored both, so the interval comes from both intervals and is wider than a measured one.',
  );
});
