import { z } from 'zod';
import { EnvironmentName } from '../infra/config';
import { quotes } from './labels/table';

const environment = EnvironmentName.default('local');
const inAccount = EnvironmentName.exclude(['local']);
const input = z.looseObject({});
const execution = z.string().nullable();
/** Of the files that a person brings; null is UTF-8. */
const encodingName = z.string().nullable().default(null);

/** What cli/setup/command.mjs has read from the command line. */
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
    /** @default text, in whatever case */
    textColumn: z.string().nullable().default(null),
    /** @default label */
    labelColumn: z.string().nullable().default(null),
    /** `neg=negative,4=positive`, in one or several parts. */
    map: z.array(z.string()).default([]),
    encoding: encodingName,
    /** One sign, or its name. */
    delimiter: z.string().nullable().default(null),
    quote: z.enum(quotes).nullable().default(null),
    header: z.boolean().default(true),
    yes: z.boolean().default(false),
  }),
  z.strictObject({
    name: z.literal('label'),
    environment,
    days: z.number().int().positive(),
    source: z.string(),
  }),
  z.strictObject({ name: z.literal('grant-force'), environment, reason: z.string() }),
  z.strictObject({ name: z.literal('reproduce'), environment, version: z.string() }),
  z.strictObject({
    name: z.literal('pretrain'),
    environment,
    files: z.array(z.string()).min(1),
    encoding: encodingName,
  }),
  z.strictObject({
    name: z.literal('import-tweets'),
    environment,
    file: z.string(),
    encoding: encodingName,
  }),
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
  z.strictObject({
    name: z.literal('rehearse'),
    /** Two of them are deployed side by side. */
    environments: z.array(inAccount).min(1).max(2),
  }),
  z.strictObject({
    name: z.literal('verify'),
    environment,
    yes: z.boolean(),
    input,
    /** `name=value`, as it was deployed with. */
    context: z.array(z.string()).default([]),
  }),
]);
export type CliCommand = z.infer<typeof CliCommand>;
export type CommandNamed<Name extends CliCommand['name']> = Extract<CliCommand, { name: Name }>;
