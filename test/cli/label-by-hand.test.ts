import { Readable } from 'node:stream';
import { agreement, describeAgreement } from '../../cli/labels/agreement';
import { ask, opinion, type Labelled } from '../../cli/labels/by-hand';
import { draw, type Unlabelled } from '../../cli/labels/draw';
import { keystrokes } from '../../cli/labels/keys';
import type { Screen } from '../../cli/screen';

const texts = (count: number): Unlabelled[] =>
  Array.from({ length: count }, (_, at) => ({
    text_hash: `hash${at}`,
    text: `text ${at}`,
    lexicon_label: 'neutral',
    model_label: 'positive',
    model_confidence: 0.5 + at / 100,
  }));

/** A sitting whose keys are piped in, with a store that can be looked into. */
async function sitting(
  keys: string | Readable,
  given = texts(20),
  signal = new AbortController().signal,
) {
  const said: string[] = [];
  const writes: Labelled[][] = [];
  const screen: Screen = {
    isTerminal: false,
    columns: 80,
    hasColours: false,
    say: (line = '') => void said.push(line),
    live: () => undefined,
    rest: () => undefined,
  };
  const input = typeof keys === 'string' ? Readable.from([keys]) : keys;
  const store = async (rows: readonly Labelled[]) => {
    writes.push([...rows]);
    return 'raw-data/labels/x.ndjson';
  };
  const labelled = await ask(given, { signal, screen, input, store, random: () => 0 });
  return { labelled, said, writes };
}

test('keys become labels, and the texts are shown before anybody judges them', async () => {
  const { labelled, said } = await sitting('12 s\n3q');

  expect(labelled.map(({ label }) => label)).toEqual(['negative', 'neutral', 'positive']);
  const before = said.slice(
    0,
    said.findIndex((line) => line.includes('lexicon')),
  );
  expect(before.join()).not.toMatch(/model|positive/);
  expect(said).toContain('  negative; lexicon neutral, model positive (50 %)');
});

test('labels are written every five answers and at the end, each time all of them', async () => {
  const { writes } = await sitting('1111122q');

  expect(writes.map((rows) => rows.length)).toEqual([5, 7]);
  expect(new Set(writes[1]?.map(({ text_hash }) => text_hash)).size).toBe(7);
});

test.each([
  ['the input ends', '12'],
  ['Ctrl-C on a terminal', '12\u000333'],
  ['Ctrl-D', '12\u000433'],
])('nothing is lost when %s', async (_, keys) => {
  const { writes } = await sitting(keys);

  expect(writes.map((rows) => rows.map(({ label }) => label))).toEqual([['negative', 'neutral']]);
});

test('nothing is lost when the process is told to end', async () => {
  const stop = new AbortController();
  async function* slow() {
    yield '1';
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    yield '2';
  }

  const { writes } = await sitting(Readable.from(slow()), texts(20), stop.signal);

  expect(writes.at(-1)?.map(({ label }) => label)).toEqual(['negative']);
});

test('a key that means nothing is asked again, and writes nothing', async () => {
  const { labelled, said, writes } = await sitting('x9q');

  expect(labelled).toEqual([]);
  expect(writes).toEqual([]);
  expect(said.filter((line) => line.includes('1 negative, 2 neutral'))).toHaveLength(2);
});

test('a sitting ends when no text is left', async () => {
  const { labelled, said } = await sitting('111111', texts(3));

  expect(labelled).toHaveLength(3);
  expect(said).toContain('No text is left.');
});

test('half is drawn at random, half is what the model is least sure of, and no text comes twice', () => {
  const drawn = [...draw(texts(10), () => 0.999)];

  expect(drawn.map(({ sampling }) => sampling)).toEqual(
    Array.from({ length: 5 }, () => ['random', 'uncertain']).flat(),
  );
  expect(
    drawn.filter(({ sampling }) => sampling === 'uncertain').map(({ text_hash }) => text_hash),
  ).toEqual(['hash0', 'hash1', 'hash2', 'hash3', 'hash4']);
  expect(new Set(drawn.map(({ text_hash }) => text_hash)).size).toBe(10);
});

test('without a model all is drawn at random', () => {
  const unread = texts(4).map((text) => ({ ...text, model_label: null, model_confidence: null }));

  expect([...draw(unread)].map(({ sampling }) => sampling)).toEqual([
    'random',
    'random',
    'random',
    'random',
  ]);
});

test('agreement is what Cohen counted: 20 + 15 of 50, kappa 0.4', () => {
  // Wikipedia's example of Cohen's kappa: yes/yes 20, yes/no 5, no/yes 10, no/no 15.
  const pairs = [
    ...Array.from({ length: 20 }, () => ['positive', 'positive'] as const),
    ...Array.from({ length: 5 }, () => ['positive', 'negative'] as const),
    ...Array.from({ length: 10 }, () => ['negative', 'positive'] as const),
    ...Array.from({ length: 15 }, () => ['negative', 'negative'] as const),
  ];

  expect(describeAgreement(agreement(pairs))).toBe('35 of 50 (kappa 0.40)');
  expect(agreement([['neutral', 'neutral']])).toEqual({ agreed: 1, of: 1, kappa: null });
});

test('only texts drawn at random say how person, lexicon and model agree', () => {
  const [text] = texts(1);
  if (!text) throw new Error('no text');
  const said: Labelled[] = [
    { ...text, label: 'neutral', sampling: 'random' },
    { ...text, label: 'negative', sampling: 'uncertain' },
  ];

  expect(opinion(said)).toBe(
    '; agreement on random texts: you and the lexicon 1 of 1, you and the model 0 of 1 (kappa 0.00), lexicon and model 0 of 1 (kappa 0.00)',
  );
  expect(opinion(said.slice(1))).toBe('');
});

test('a terminal is set back as it was', async () => {
  const modes: boolean[] = [];
  const input = Object.assign(Readable.from(['1', 'q']), {
    isTTY: true,
    setRawMode: (raw: boolean) => modes.push(raw),
  });

  for await (const key of keystrokes(input, new AbortController().signal))
    if (key === 'quit') break;

  expect(modes[0]).toBe(true);
});
