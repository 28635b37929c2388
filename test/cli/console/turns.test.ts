import { inTurn } from '../../../console/page/turns';

test('two questions are asked at a time, in order, and a failed one gives its turn on', async () => {
  const began: number[] = [];
  const finish: (() => void)[] = [];
  const asked = [0, 1, 2, 3].map((name) =>
    inTurn(async () => {
      began.push(name);
      await new Promise<void>((done) => (finish[name] = done));
      if (name === 1) throw new Error('no answer');
      return name;
    }).catch(() => -1),
  );
  const settle = () => new Promise((go) => setImmediate(go));

  await settle();
  expect(began).toEqual([0, 1]);
  finish[1]?.();
  await settle();
  expect(began).toEqual([0, 1, 2]);
  finish[0]?.();
  await settle();
  expect(began).toEqual([0, 1, 2, 3]);
  for (const end of finish) end();
  expect(await Promise.all(asked)).toEqual([0, -1, 2, 3]);
});
