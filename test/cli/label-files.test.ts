import iconv from 'iconv-lite';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseMap } from '../../cli/labels/classes';
import { parseLabels } from '../../cli/labels/parse';
import { usualColumns, type Columns } from '../../cli/labels/rows';
import { parseDelimiter, quotes } from '../../cli/labels/table';
import { problemOfText, repeatedPlaceholders } from '../../cli/labels/texts';
import { parseEncoding, textOf } from '../../cli/read-text';
import { UserError } from '../../session/user-error';
import { Label } from '../../workflows/evaluation';

// Each line of these tables is a case: the next report is one more.
const casesOf = <Case>(name: string, one: z.ZodType<Case>): Case[] =>
  z
    .array(one)
    .min(1)
    .parse(JSON.parse(readFileSync(join(__dirname, '../cases', `${name}.json`), 'utf8')));

/** What was refused for a person to correct, in words; undefined where it was read. */
function refusalOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

const classes = casesOf(
  'label-classes',
  z.strictObject({
    labels: z.array(z.union([z.string(), z.number(), z.boolean()])),
    map: z.string().optional(),
    read: z.array(Label.nullable()).optional(),
    refused: z.string().optional(),
  }),
);

test.each(classes)('labels %j', ({ labels, map, read, refused }) => {
  const lines = labels.map((label, index) => JSON.stringify({ text: `text ${index}`, label }));
  const parse = () =>
    parseLabels('a.jsonl', lines.join('\n'), {
      ...usualColumns,
      map: map === undefined ? new Map() : parseMap(map),
    });

  if (refused !== undefined) return expect(refusalOf(parse)).toContain(refused);
  const { rows, rejected } = parse();
  const found = lines.map((_, index) => rows.find(({ line }) => line === index + 1)?.label ?? null);
  expect([found, rejected]).toEqual([read, []]);
});

const texts = casesOf(
  'label-texts',
  z.strictObject({
    text: z.string(),
    beside: z.array(z.string()).default([]),
    refused: z.string().nullable(),
  }),
);

test.each(texts)('the text %j', ({ text, beside, refused }) => {
  const reason = problemOfText(text.trim(), repeatedPlaceholders([text, ...beside]));

  if (refused === null) expect(reason).toBeNull();
  else expect(reason).toContain(refused);
});

const encodings = casesOf(
  'label-encodings',
  z.strictObject({
    text: z.string(),
    written: z.string(),
    bom: z.boolean().default(false),
    encoding: z.string().nullable(),
    read: z.literal(true).optional(),
    refused: z.string().optional(),
  }),
);

test.each(encodings)('bytes %j', ({ text, written, bom, encoding, refused }) => {
  const content = `label,text\nneutral,${text}\n`;
  if (!iconv.encodingExists(written)) throw new Error(`${written} is no encoding`);
  const bytes = iconv.encode(content, written, { addBOM: bom });
  const read = () =>
    textOf('mine.csv', bytes, 10_000, encoding === null ? null : parseEncoding(encoding));

  if (refused !== undefined) return expect(refusalOf(read)).toContain(refused);
  expect(read()).toBe(content);
});

const tables = casesOf(
  'label-tables',
  z.strictObject({
    name: z.string(),
    content: z.string(),
    options: z
      .strictObject({
        text: z.string(),
        label: z.string(),
        map: z.string(),
        delimiter: z.string(),
        quote: z.enum(quotes),
        header: z.boolean(),
      })
      .partial()
      .default({}),
    rows: z.array(z.tuple([z.number(), Label, z.string()])).optional(),
    rejected: z.array(z.tuple([z.number(), z.string()])).default([]),
    notes: z.array(z.string()).default([]),
    refused: z.string().optional(),
  }),
);

test.each(tables)('the file %j', ({ name, content, options, rows, rejected, notes, refused }) => {
  const { map, delimiter, ...others } = options;
  const columns = (): Columns => ({
    ...usualColumns,
    ...others,
    ...(map !== undefined && { map: parseMap(map) }),
    ...(delimiter !== undefined && { delimiter: parseDelimiter(delimiter) }),
  });
  const parse = () => parseLabels(name, content, columns());

  if (refused !== undefined) return expect(refusalOf(parse)).toContain(refused);
  const parsed = parse();
  expect({
    rows: parsed.rows.map(({ line, label, text }) => [line, label, text]),
    rejected: parsed.rejected.map(({ line, reason }) => [line, reason]),
    notes: parsed.notes,
  }).toEqual({ rows, rejected, notes });
});
