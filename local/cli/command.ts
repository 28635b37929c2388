import { z } from 'zod';
import { EnvironmentName } from '../../infra/config';

const environment = EnvironmentName.default('local');
const inAccount = EnvironmentName.exclude(['local']);
const input = z.looseObject({});
const execution = z.string().nullable();

/** What local/setup/command.mjs has read from the command line. */
export const CliCommand = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('start'), input }),
  z.strictObject({ name: z.literal('up') }),
  z.strictObject({ name: z.literal('run'), environment, input }),
  z.strictObject({ name: z.literal('redrive'), environment, execution }),
  z.strictObject({ name: z.literal('history'), environment, execution }),
  z.strictObject({
    name: z.literal('query'),
    environment,
    query: z.string().nullable(),
    parameters: z.record(z.string(), z.string()),
  }),
  z.strictObject({ name: z.literal('sql'), environment, sql: z.string() }),
  z.strictObject({ name: z.literal('predict'), environment, text: z.string() }),
  z.strictObject({
    name: z.literal('import-labels'),
    environment,
    file: z.string().nullable(),
    source: z.string().nullable(),
    textColumn: z.string().default('text'),
    labelColumn: z.string().default('label'),
    /** `neg=negative,4=positive` */
    map: z.string().nullable().default(null),
  }),
  z.strictObject({
    name: z.literal('label'),
    environment,
    days: z.number().int().positive(),
    source: z.string(),
  }),
  z.strictObject({ name: z.literal('grant-force'), environment, reason: z.string() }),
  z.strictObject({ name: z.literal('reproduce'), environment, version: z.string() }),
  z.strictObject({ name: z.literal('pretrain'), environment, files: z.array(z.string()).min(1) }),
  z.strictObject({ name: z.literal('import-tweets'), environment, file: z.string() }),
  z.strictObject({
    name: z.literal('forget'),
    environment,
    tweet: z.string().nullable(),
    author: z.string().nullable(),
    /** A file of ids. */
    file: z.string().nullable(),
  }),
  z.strictObject({
    name: z.literal('deploy'),
    environment: inAccount,
    yes: z.boolean(),
    /** Whether X may be asked for one page of posts, which costs. */
    checkToken: z.boolean(),
    /** `name=value`, for the CDK. */
    context: z.array(z.string()),
  }),
  z.strictObject({
    name: z.literal('destroy'),
    environment: inAccount,
    yes: z.boolean(),
    deleteData: z.boolean(),
    /** Name of the bucket, typed in advance. */
    confirm: z.string().nullable(),
  }),
  z.strictObject({ name: z.literal('verify'), environment, yes: z.boolean(), input }),
]);
export type CliCommand = z.infer<typeof CliCommand>;
export type CommandNamed<Name extends CliCommand['name']> = Extract<CliCommand, { name: Name }>;
