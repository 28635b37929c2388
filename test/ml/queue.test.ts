import { setImmediate as nextTurn } from 'node:timers/promises';
import { runsOf, type Network, type Texts } from '../../ml/serving/network';
import { MAX_WAITING, RunQueue } from '../../ml/serving/queue';

/** Answers a row with its first id, its length, and the number of rows of its call; ends a run when it is told to. */
class CountingNetwork implements Network {
  readonly runs: number[][][] = [];
  private readonly open: (() => void)[] = [];

  async run({ ids, lengths }: Texts): Promise<Float32Array<ArrayBuffer>> {
    let end = 0;
    const rows = Array.from(lengths, (length) => [...ids.subarray(end, (end += length))]);
    expect(end).toBe(ids.length);
    this.runs.push(rows);
    await new Promise<void>((resolve) => this.open.push(resolve));
    if (rows.some(([first]) => first === 666)) throw new Error('this run fails');
    return Float32Array.from(rows.flatMap((row) => [row[0] ?? NaN, row.length, rows.length]));
  }

  /** Ends the run that has lasted longest, and lets the next one start. */
  async endRun(): Promise<void> {
    await nextTurn();
    this.open.shift()?.();
    await nextTurn();
  }
}

test('what arrives together is one run, sorted by length, and each request gets its own rows', async () => {
  const network = new CountingNetwork();
  const queue = new RunQueue({ own: network, others: [] }, true);

  const answers = Promise.all([
    queue.run([[1, 1, 1], [2]]),
    queue.run([
      [3, 3],
      [4, 4],
    ]),
    queue.run([[5, 5, 5, 5]]),
  ]);
  await network.endRun();

  expect(network.runs.map((rows) => rows.map(([first]) => first))).toEqual([[5, 1, 3, 4, 2]]);
  expect((await answers).map((answer) => [...answer])).toEqual([
    [1, 3, 5, 2, 1, 5],
    [3, 2, 5, 4, 2, 5],
    [5, 4, 5],
  ]);
});

test('rows that arrive during a run are gathered into the next one', async () => {
  const network = new CountingNetwork();
  const queue = new RunQueue({ own: network, others: [] }, true);

  const first = queue.run([[1]]);
  await nextTurn();
  const others = Promise.all([queue.run([[2]]), queue.run([[3]])]);
  await nextTurn();
  expect(network.runs).toEqual([[[1]]]);
  await network.endRun();
  await network.endRun();

  expect([...(await first)]).toEqual([1, 1, 1]);
  expect((await others).map(([id]) => id)).toEqual([2, 3]);
  expect(network.runs).toEqual([[[1]], [[2], [3]]]);
});

test('a run has at most 64 rows, in the order of arrival', async () => {
  const network = new CountingNetwork();
  const queue = new RunQueue({ own: network, others: [] }, true);

  const answers = [40, 20, 5, 64, 1].map((count, id) => queue.run(Array(count).fill([id])));
  for (let runs = 0; runs < 4; runs += 1) await network.endRun();
  await Promise.all(answers);

  expect(network.runs.map((rows) => rows.length)).toEqual([60, 5, 64, 1]);
});

test('a network whose answers depend on the batch gets each request alone', async () => {
  const network = new CountingNetwork();
  const queue = new RunQueue({ own: network, others: [] }, false);

  const answers = Promise.all([[1], [2], [3]].map((row) => queue.run([row])));
  for (let runs = 0; runs < 3; runs += 1) await network.endRun();

  expect((await answers).map((answer) => [...answer])).toEqual([
    [1, 1, 1],
    [2, 1, 1],
    [3, 1, 1],
  ]);
});

test.each([true, false])(
  'a few texts run in the own thread, more in the others, and none is lost (gathers: %s)',
  async (gathers) => {
    const [own, ...others] = Array.from({ length: 3 }, () => new CountingNetwork());
    if (!own) throw new Error('no network');
    const queue = new RunQueue({ own, others }, gathers);
    const idsOf = ({ runs }: CountingNetwork) => runs.map((rows) => rows.map(([id]) => id));

    const few = queue.run([[1], [1]]);
    await own.endRun();
    const many = [2, 3, 4].map((id) => queue.run(Array(64).fill([id])));
    await nextTurn();
    const one = queue.run([[5]]);
    await nextTurn();
    const whileAllRun = others.map(idsOf).flat(2);
    for (let turns = 0; turns < 3; turns += 1)
      for (const network of [...others, own]) await network.endRun();

    expect([...(await few)].slice(0, 2)).toEqual([1, 1]);
    expect(whileAllRun.sort()).toEqual([...Array(64).fill(2), ...Array(64).fill(3)]);
    expect(idsOf(own)).toEqual([[1, 1], [5]]);
    expect((await Promise.all(many)).map((answer) => answer.length)).toEqual([192, 192, 192]);
    expect((await one)[0]).toBe(5);
  },
);

test('a run that fails is reported to its requests, and the next one starts', async () => {
  const network = new CountingNetwork();
  const queue = new RunQueue({ own: network, others: [] }, false);

  const bad = expect(queue.run([[666]])).rejects.toThrow('this run fails');
  const good = queue.run([[7]]);
  await network.endRun();
  await network.endRun();

  await bad;
  expect([...(await good)]).toEqual([7, 1, 1]);
});

test('more texts than can wait are rejected, until some were answered', async () => {
  const network = new CountingNetwork();
  const queue = new RunQueue({ own: network, others: [] }, true);
  const rows: number[][] = Array(64).fill([1]);

  const waiting = [];
  for (let texts = 0; texts < MAX_WAITING; texts += 64) waiting.push(queue.run(rows));

  expect(() => queue.admit(1)).toThrow(
    expect.objectContaining({
      status: 503,
      message: expect.stringMatching(/^the model is busy: 64000 texts are waiting, .* later$/),
    }),
  );
  await network.endRun();
  expect(() => queue.admit(64)).not.toThrow();
  expect(() => queue.admit(65)).toThrow('the model is busy');
});

test.each([
  ['nothing', [], []],
  ['one text', [60], [1]],
  ['equal lengths', Array(64).fill(20), [64]],
  ['lengths that are far apart', [60, 58, 9, 8, 8], [2, 3]],
  ['padding of exactly the limit', [50, 25, 25, 24], [3, 1]],
])('cuts %s where padding would cost more than another run', (_, lengths, expected) => {
  expect(runsOf(lengths)).toEqual(expected);
});
