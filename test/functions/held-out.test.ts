import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { decidedLabels, heldOutNow, heldOutOf } from '../../functions/model/held-out';
import { parseLabels } from '../../functions/lake/labels';
import type { LabelRow } from '../../functions/lake/labels';
import { Label } from '../../workflows/evaluation';
import { Sampling } from '../../workflows/labels';
import { countingLabels, countingLines } from '../support/counting-labels';
import { Launcher, put } from './support/launcher';

const Fixture = z.object({
  held_out: z.object({ rows: z.number(), sha256: z.string() }),
  labels: z.array(
    z.object({
      text_hash: z.string(),
      text: z.string(),
      label: Label,
      imported_at: z.string(),
      sampling: Sampling.nullish(),
    }),
  ),
});
const path = join(__dirname, '../fixtures/held-out.json');
const fixture = Fixture.parse(JSON.parse(readFileSync(path, 'utf8')));

test('the gate counts the same held-out rows as the training job (test/ml/test_data.py has the other half)', () => {
  const labels = fixture.labels.map((label) => ({ ...label, stored_hash: label.text_hash }));

  expect(heldOutOf(labels)).toEqual(fixture.held_out);
});

const row = (changes: Partial<LabelRow> = {}): LabelRow => ({
  // On the test side: 0 % 100 is below 20.
  text_hash: '0'.repeat(64),
  stored_hash: '0'.repeat(64),
  label: 'neutral',
  imported_at: '2026-11-20T00:00:00.000Z',
  ...changes,
});

test('a text that was only labelled because the model was unsure of it is not held out', () => {
  expect(heldOutOf([row({ sampling: 'uncertain' })]).rows).toBe(0);
  expect(heldOutOf([row({ sampling: 'random' })]).rows).toBe(1);
  expect(heldOutOf([row({ sampling: 'uncertain' }), row({ sampling: 'import' })]).rows).toBe(1);
});

test('a text stays on the side that its oldest label was stored on', () => {
  const old = row({ stored_hash: '0'.repeat(64), imported_at: '2026-11-01T00:00:00.000Z' });
  const anew = row({ stored_hash: 'f'.repeat(64), text_hash: old.text_hash });
  const trainedOn = { ...old, stored_hash: 'f'.repeat(64) };

  expect(heldOutOf([anew, old]).rows).toBe(1);
  expect(heldOutOf([{ ...anew, stored_hash: '0'.repeat(64) }, trainedOn]).rows).toBe(0);
});

test('another label of one row is another set', () => {
  expect(heldOutOf([row({ label: 'positive' })]).sha256).not.toBe(heldOutOf([row()]).sha256);
});

test.each([
  ['as written', 1],
  ['reversed', -1],
])('the label that counts is that of Spark and the training job: %s', (_, order) => {
  const rows = order === 1 ? countingLines : countingLines.toReversed();

  expect(decidedLabels(parseLabels(rows.join('')).rows)).toEqual(countingLabels);
});

test('label objects are read side by side, a bounded number at a time', async () => {
  const launcher = await Launcher.start();
  const lake = await launcher.lake();
  const rows = fixture.labels.map((label) => `${JSON.stringify({ source: 'a test', ...label })}\n`);
  for (const [index, line] of rows.entries()) {
    await put(lake, `raw-data/labels/${String(index).padStart(5, '0')}.ndjson`, line);
  }
  let open = 0;
  let most = 0;
  lake.s3.middlewareStack.add(
    (next) => async (args) => {
      most = Math.max(most, (open += 1));
      try {
        return await next(args);
      } finally {
        open -= 1;
      }
    },
    { step: 'initialize' },
  );

  expect(await heldOutNow(lake)).toEqual(fixture.held_out);

  expect(most).toBe(16);
  await launcher.stop();
});
