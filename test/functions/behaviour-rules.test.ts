import { chanceOf } from '../../functions/model/behaviour-rules';
import { becauseOf, isFailed, reasonsIn } from '../../workflows/evaluation';

test.each([
  // Of three tosses 1 of 8 outcomes has three heads, 4 have two or more.
  [0, 3, 1 / 8],
  [1, 2, 4 / 8],
  [0, 0, 1],
  [5, 0, 1],
  // 1 + 10 + 45 of 1,024.
  [2, 8, 56 / 1024],
])('%i better and %i worse templates have this chance', (better, worse, chance) => {
  expect(chanceOf({ better, worse })).toBeCloseTo(chance, 12);
});

test('the chance is exact for many templates, and falls with each that is worse', () => {
  const chances = Array.from({ length: 200 }, (_, worse) => chanceOf({ better: 20, worse }));

  expect(chances.every((chance) => chance >= 0 && chance <= 1)).toBe(true);
  expect(chances).toEqual([...chances].sort((a, b) => b - a));
});

describe('the sentences of the gate as one text of the registry', () => {
  const reasons = [
    'passed: Lexicon (vader): macro recall 77.0 % (needed: more than 70.0 %; seen: 77.0 %)',
    'failed: Golden tweets: 1 of 8 misread; "I hate this; really" as positive (needed: 0; seen: 1)',
    'Behaviour, short of the lexicon: negation 7 of 60 (needed: at least 51)',
    'Digest of the model: aa; the endpoint has to serve this one',
  ];

  test('are found again, whatever semicolons they hold, those that failed first', () => {
    const [passed, failed, ...remarks] = reasons;

    expect(reasonsIn(becauseOf(reasons))).toEqual([failed, passed, ...remarks]);
  });

  test('a failed rule is not what the registry cuts off', () => {
    const many = [...Array<string>(40).fill(reasons[0] ?? ''), reasons[1] ?? ''];

    expect(reasonsIn(becauseOf(many).slice(0, 1024)).filter(isFailed)).toEqual([reasons[1]]);
  });
});
