import { chanceOf } from '../../functions/model/behaviour-rules';

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
