import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Label } from '../../workflows/evaluation';
import { textHash } from '../../workflows/text-key';

const Fixture = z.object({
  cases: z.array(
    z.object({
      counts: Label.nullable(),
      labels: z.array(z.looseObject({ text: z.string() })).min(1),
    }),
  ),
});
const path = join(__dirname, '../fixtures/labels-that-count.json');
const { cases } = Fixture.parse(JSON.parse(readFileSync(path, 'utf8')));

/** All labels of the fixture, as lines of a label object. */
export const countingLines = cases.flatMap(({ labels }) =>
  labels.map((label) => `${JSON.stringify(label)}\n`),
);

/** The label that counts of each text, by the text's hash. */
export const countingLabels = new Map(
  cases.flatMap(({ counts, labels: [first] }) =>
    counts === null || first === undefined ? [] : [[textHash(first.text), counts] as const],
  ),
);
