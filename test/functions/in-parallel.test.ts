import { setTimeout as delay } from 'node:timers/promises';
import { inParallel } from '../../functions/shared/in-parallel';

test('answers in the order of the items, whichever ends first', async () => {
  const slowestFirst = [30, 20, 10, 0];

  const answers = await inParallel(3, slowestFirst, async (milliseconds) => {
    await delay(milliseconds);
    return milliseconds;
  });

  expect(answers).toEqual(slowestFirst);
});

test('does nothing with nothing', async () => {
  expect(await inParallel(4, [], () => Promise.reject(new Error('called')))).toEqual([]);
});

test('begins nothing more after a failure, and throws that', async () => {
  const begun: number[] = [];

  await expect(
    inParallel(2, [1, 2, 3, 4, 5, 6], async (item) => {
      begun.push(item);
      await delay(5);
      if (item === 2) throw new Error('two');
    }),
  ).rejects.toThrow('two');
  await delay(30);

  expect(begun.length).toBeLessThanOrEqual(4);
});
