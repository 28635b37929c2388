import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textHash } from '../../workflows/text-key';
import { parseMap } from '../../cli/labels/classes';
import { readLabelFile } from '../../cli/labels/import';
import { labelsInLake, type LabelSession } from '../../cli/labels/in-lake';
import { usualColumns } from '../../cli/labels/rows';
import { importLabels } from '../../cli/labels/preview';
import { openScreen } from '../../cli/screen';
import { UserError } from '../../session/user-error';
import { listObjects, type LakeBucket } from '../../functions/lake/objects';
import { Launcher, put } from '../functions/support/launcher';
import { countingLabels, countingLines } from '../support/counting-labels';

let launcher: Launcher;
let lake: LakeBucket;
let folder: string;

beforeAll(async () => {
  launcher = await Launcher.start();
  folder = mkdtempSync(join(tmpdir(), 'import-labels-'));
});
beforeEach(async () => {
  lake = await launcher.lake();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await launcher.stop();
});

const session = (): LabelSession => ({
  people: { labeller: { s3: lake.s3 } },
  outputs: { BucketName: lake.bucket },
});
const keys = async (): Promise<string[]> =>
  (await listObjects(lake, 'raw-data/labels/')).map(({ key }) => key);

/** What a person sees of an import; jest has no terminal, so nobody can be asked. */
async function imported(name: string, content: string, yes: boolean, map = '') {
  const path = join(folder, name);
  writeFileSync(path, content);
  const columns = { ...usualColumns, ...(map !== '' && { map: parseMap(map) }) };
  const file = readLabelFile(path, { source: null, columns, encoding: null });
  const lines: string[] = [];
  const screen = openScreen({ write: (text) => lines.push(text.replaceAll(folder, '')) });
  const { signal } = new AbortController();
  const refusal = await importLabels({ signal }, session(), screen, file, yes).then(
    () => null,
    (error: unknown) => error,
  );
  return { output: lines.join(''), refusal };
}

test('shows labels by class, examples, duplicates, rejected and skipped rows, and writes nothing unasked', async () => {
  const content = [
    'label,text',
    'pos,good one',
    'pos,good two',
    'pos,good three',
    'pos,good \u001b]52;c;bad\u0007 four',
    'pos,Good  ONE',
    'neg,"bad, really"',
    'neg,bad, really',
    'mixed,who knows',
    'neg,@ann https://t.co/abc',
  ].join('\n');

  const { output, refusal } = await imported('mine.csv', content, false, 'mixed=skip');

  expect(output.split('\n')).toEqual([
    '/mine.csv: 5 labels of mine',
    '  negative 1',
    '    line 7: “bad, really”',
    '  neutral  0',
    '  positive 4',
    '    line 2: “good one”',
    '    line 4: “good three”',
    '    line 5: “good \\u{1b}]52;c;bad\\u{7} four”',
    '  duplicates 1',
    '  rejected   2',
    '  skipped    1 with the label “mixed”',
    '  line 8 rejected: it has 3 cells, the header 2',
    '  line 10 rejected: nothing is left of the text but mentions and links',
    '',
  ]);
  expect(refusal).toBeInstanceOf(UserError);
  expect(refusal).toMatchObject({
    exitCode: 2,
    message:
      'Import 5 labels into the lake? [y/N] The input is not a terminal: confirm with --yes.',
  });
  expect(await keys()).toEqual([]);
});

test('imports once it is told, and the same file again changes nothing and asks nothing', async () => {
  const content = 'label,text\npos,good\nneg,bad\n';

  const first = await imported('mine.csv', content, true);
  const written = await keys();
  const again = await imported('mine.csv', content, false);

  expect([first.refusal, again.refusal]).toEqual([null, null]);
  expect(written).toEqual([expect.stringMatching(/^raw-data\/labels\/mine-[0-9a-f]{16}\.ndjson$/)]);
  expect(first.output).toContain(
    `2 labels imported, 0 duplicates skipped, 0 rejected → ${written[0]}`,
  );
  expect(again.output).toContain('2 labels already in the lake');
  expect(await keys()).toEqual(written);
});

test('a correction counts over two older imports, and is announced', async () => {
  await imported('one.csv', 'label,text\nneg,the bridge is open\n', true);
  await imported('two.csv', 'label,text\nneg,the bridge is open\nneu,another\n', true);

  const { output } = await imported('three.csv', 'label,text\npos,The bridge is OPEN\n', true);
  const older = await imported('one.csv', 'label,text\nneg,the bridge is open\n', false);

  expect(output).toContain('line 2: positive in the file, negative in the lake');
  expect(await labelsInLake(session())).toEqual(
    new Map([
      [textHash('the bridge is open'), 'positive'],
      [textHash('another'), 'neutral'],
    ]),
  );
  expect(older.output).toContain('labelled again in the lake since; those newer labels count');
});

test('says which texts an import changes by the rule that training and gate follow', async () => {
  for (const [index, line] of countingLines.entries())
    await put(lake, `raw-data/labels/${index}.ndjson`, line);

  expect(await labelsInLake(session())).toEqual(countingLabels);
  const { output } = await imported('mine.csv', 'label,text\nneg,corrected\nneg,most', false);

  expect(output).toContain('2 texts have another label in the lake; the newest label counts');
});

test('a label from the future or of no text is no label of the lake', async () => {
  const row = (text: string, imported_at: string) =>
    `${JSON.stringify({ text_hash: textHash(text), text, label: 'negative', source: 'x', imported_at })}\n`;
  await put(lake, 'raw-data/labels/a.ndjson', row('fine', '9999-01-01T00:00:00.000Z'));
  await put(lake, 'raw-data/labels/b.ndjson', row('@ann', '2026-11-01T00:00:00.000Z'));

  await imported('mine.csv', 'label,text\npos,fine\n', true);

  expect(await labelsInLake(session())).toEqual(new Map([[textHash('fine'), 'positive']]));
});

test('a file of which no row is left says why', async () => {
  const { refusal } = await imported(
    'a.csv',
    'label,text\npos,so good, yes\nneg,so bad, no\n',
    true,
  );

  expect(refusal).toMatchObject({
    message:
      'No label is left to import: all 2 rows were rejected (the first is line 2: it has 3 cells, the header 2). Nothing was imported.',
  });
});
