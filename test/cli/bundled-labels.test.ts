import { resolve } from 'node:path';
import { bringLabels } from '../../cli/labels/bundled';
import { bringPart, importCorpus, PARTS, partOf } from '../../cli/labels/corpus';
import { labelsInLake, putLabels, type LabelSession } from '../../cli/labels/in-lake';
import { openScreen } from '../../cli/screen';
import { corpusPath, readCorpus } from '../../embedded/corpus/read-corpus';
import { listObjects, type LakeBucket } from '../../functions/lake/objects';
import { heldOutNow, isHeldOut } from '../../functions/model/held-out';
import type { Label } from '../../workflows/evaluation';
import { textHash } from '../../workflows/text-key';
import { Launcher } from '../functions/support/launcher';

const root = resolve(__dirname, '..', '..');
const corpus = readCorpus(corpusPath(root));
const TEXTS = 4139;
let launcher: Launcher;
let lake: LakeBucket;

beforeAll(async () => {
  launcher = await Launcher.start();
});
beforeEach(async () => {
  lake = await launcher.lake();
});
afterAll(() => launcher.stop());

const session = (): LabelSession => ({
  people: { labeller: { s3: lake.s3 } },
  outputs: { BucketName: lake.bucket },
});
const keys = async (): Promise<string[]> =>
  (await listObjects(lake, 'raw-data/labels/')).map(({ key }) => key);
const label = (text: string, as: Label, sampling: 'random' | 'import') =>
  putLabels(session(), `raw-data/labels/mine-${textHash(text).slice(0, 8)}.ndjson`, [
    {
      text_hash: textHash(text),
      text,
      label: as,
      source: 'mine',
      imported_at: '2026-11-20T00:00:00.000Z',
      sampling,
    },
  ]);

test('labels come in six parts, and together they are all of the corpus', async () => {
  const parts = [];
  for (let run = 1; run <= PARTS; run += 1)
    parts.push(await bringPart(session(), corpus, run === 1 ? 'next' : 'following'));
  const last = await bringPart(session(), corpus, 'next');

  expect(parts).toMatchObject(
    [1, 2, 3, 4, 5, 6].map((part) => ({ part, parts: PARTS, of: TEXTS })),
  );
  const labels = parts.map((part) => (typeof part === 'object' && part !== null ? part.labels : 0));
  expect(labels.reduce((sum, more) => sum + more)).toBe(TEXTS);
  // Each later run brings about as many as the others.
  for (const more of labels.slice(1)) expect(more).toBeGreaterThan(480);
  expect(parts.at(-1)).toMatchObject({ rated: TEXTS });
  expect(last).toBeNull();
  expect(await labelsInLake(session())).toHaveProperty('size', TEXTS);
});

test('the first part holds out what the gate needs, and later parts hold out no more', async () => {
  const first = await bringPart(session(), corpus, 'next');
  const heldOut = await heldOutNow(lake);
  await bringPart(session(), corpus, 'next');

  expect(first).toMatchObject({ heldOut: heldOut.rows });
  expect(heldOut.rows).toBe(
    new Set(corpus.map(({ text }) => textHash(text)).filter((hash) => isHeldOut(hash))).size,
  );
  expect(await heldOutNow(lake)).toEqual(heldOut);
  // Not by the bits that choose the split, or validation rows would all be in one part.
  const parts = corpus
    .map(({ text }) => textHash(text))
    .filter((hash) => parseInt(hash.slice(0, 8), 16) % 100 === 25)
    .map(partOf);
  expect(new Set(parts).size).toBeGreaterThan(3);
});

test('a text that a person has labelled meanwhile keeps the label', async () => {
  const { text } = corpus.find((row) => partOf(textHash(row.text)) === 2 && row.rating > 2) ?? {
    text: '',
  };
  await bringPart(session(), corpus, 'next');
  await label(text, 'negative', 'random');

  const second = await bringPart(session(), corpus, 'next');

  expect(second).toMatchObject({ part: 2 });
  expect((await labelsInLake(session())).get(textHash(text))).toBe('negative');
});

test('imported labels of other texts end the demonstration', async () => {
  await bringPart(session(), corpus, 'next');
  await label('a text of my own', 'negative', 'import');

  expect(await bringPart(session(), corpus, 'next')).toBe('OWN_LABELS');
});

test('`first` brings no second part, and `following` no first one', async () => {
  expect(await bringPart(session(), corpus, 'following')).toBeNull();
  expect(await bringPart(session(), corpus, 'first')).toMatchObject({ part: 1 });
  expect(await bringPart(session(), corpus, 'first')).toBeNull();
  expect(await keys()).toEqual([`raw-data/labels/hutto-icwsm-2014-part-1-of-${PARTS}.ndjson`]);
});

test('import-labels --bundled brings all that is missing, once', async () => {
  await bringPart(session(), corpus, 'next');
  const before = await keys();

  const rest = await importCorpus(session(), corpus);
  const again = await importCorpus(session(), corpus);

  expect(rest.written).toBe(true);
  expect(again).toMatchObject({ written: false, key: rest.key });
  expect(await keys()).toEqual([rest.key, ...before].sort());
  expect(await labelsInLake(session())).toHaveProperty('size', TEXTS);
  expect(await bringPart(session(), corpus, 'next')).toBeNull();
});

test('import-labels --bundled writes nothing once all parts are there', async () => {
  for (let run = 1; run <= PARTS; run += 1) await bringPart(session(), corpus, 'next');
  const before = await keys();

  expect(await importCorpus(session(), corpus)).toMatchObject({ written: false });
  expect(await keys()).toEqual(before);
});

describe('what a person reads', () => {
  const said = async (usesXStub: boolean, which: 'first' | 'next' | 'following') => {
    const lines: string[] = [];
    const screen = openScreen({ write: (text) => lines.push(text) });
    await bringLabels({ root }, { ...session(), usesXStub }, screen, which);
    return lines.join('');
  };

  test('how many were rated, and how many are still unrated', async () => {
    const first = await said(true, 'next');
    const second = await said(true, 'next');

    expect(first).toMatch(
      /^20 people rated 1,\d{3} tweets, 8\d\d of them held out to evaluate every model\. 2,\d{3} of 4,139 texts are still unrated \(part 1 of 6\)\.\n/,
    );
    expect(first).toContain('All at once: npm run lake -- import-labels --bundled');
    expect(second).toMatch(
      /^20 people rated \d{3} more tweets\. 2,\d{3} of 4,139 texts are still unrated \(part 2 of 6\)\.\n$/,
    );
  });

  test('without the stub of X all labels come at once, and `lake -- run` brings none', async () => {
    expect(await said(false, 'following')).toBe('');
    expect(await said(false, 'next')).toContain('4,139 labels imported');
  });
});
