import { z } from 'zod';

const input = z.looseObject({});
const execution = z.string().nullable();

/** What local/setup/command.mjs has read from the command line. */
export const CliCommand = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('start'), input }),
  z.strictObject({ name: z.literal('up') }),
  z.strictObject({ name: z.literal('run'), input }),
  z.strictObject({ name: z.literal('redrive'), execution }),
  z.strictObject({ name: z.literal('history'), execution }),
  z.strictObject({ name: z.literal('query'), query: z.string().nullable(), parameters: z.record(z.string(), z.string()) }),
  z.strictObject({ name: z.literal('sql'), sql: z.string() }),
  z.strictObject({ name: z.literal('predict'), text: z.string() }),
  z.strictObject({ name: z.literal('import-labels'), file: z.string(), source: z.string().nullable() }),
]);
export type CliCommand = z.infer<typeof CliCommand>;
