import { Command as Parser, CommanderError, Option } from 'commander';
import { z } from 'zod';
import { EnvironmentName } from '../infra/config';
import type { Workspace } from '../session/workspace';
import type { Screen } from './screen';

/** What a command receives. */
export interface Context {
  workspace: Workspace;
  /** Standard output: results. */
  screen: Screen;
  /** Standard error: progress and notices, kept out of the result. */
  notes: Screen;
}

/** What cli/setup/set-up.mjs prepares before a command runs; the npm packages are there in any case. */
export interface Needs {
  /** Python, Java and all that an embedded cloud needs. */
  cloud: boolean;
  /** The command that needs LAKE_PORT to be free: `npm start` or `npm run up`. */
  portFor?: string;
  /** Whether the set-up prints what it found even if nothing is missing. */
  announce?: boolean;
}

/** The headings of `--help`. */
export type Group = 'Runs' | 'Looking' | 'Labels and data' | 'Model' | 'Environments';

export interface Definition<Input extends z.ZodObject, Name extends string = string> {
  name: Name;
  alias?: string;
  group: Group;
  /** One line for the list of commands. */
  about: string;
  examples: readonly string[];
  /** Arguments and options: each field is made by `argument` or `option`. */
  input: Input;
  /** Whether unknown options are passed on as arguments. */
  anyOptions?: boolean;
  /** More lines for the command's own `--help`. */
  more?: () => string;
  /** @default the embedded cloud for `--env local`, nothing for an account */
  needs?: (values: z.infer<Input>) => Needs;
  /** Returns the exit code; nothing means 0. */
  run: (context: Context, values: z.infer<Input>) => Promise<number | void>;
}

/** A command with its arguments, ready to run. */
export interface Prepared {
  needs: Needs;
  run: (context: Context) => Promise<number | void>;
}

type Refuse = (error: z.ZodError) => never;

export interface Command<Name extends string = string> extends Omit<
  Definition<z.ZodObject, Name>,
  'needs' | 'run'
> {
  /** Validates the values; calls `refuse` if they are invalid. */
  prepare: (given: unknown, refuse: Refuse) => Prepared;
}

const Place = z.object({ env: EnvironmentName });
const isLocal = (values: unknown): boolean => {
  const place = Place.safeParse(values);
  return place.success && place.data.env === 'local';
};

/**
 * Defines one command. Put it into a file of its name in cli/commands/ and into the list in index.ts there.
 *
 * @example
 * export default command({
 *   name: 'days',
 *   group: 'Looking',
 *   about: 'List the days of the lake',
 *   examples: ['npm run lake -- days --env dev'],
 *   input: z.object({ env }),
 *   run: (context, { env: place }) => withLakeAsItIs(context, place, (session) => printDays(session, context.screen)),
 * });
 */
export const command = <Input extends z.ZodObject, Name extends string>(
  definition: Definition<Input, Name>,
): Command<Name> => ({
  ...definition,
  prepare: (given, refuse) => {
    const parsed = definition.input.safeParse(given);
    const values = parsed.success ? parsed.data : refuse(parsed.error);
    return {
      needs: definition.needs?.(values) ?? { cloud: isLocal(values) },
      run: (context) => definition.run(context, values),
    };
  },
});

/** An input field given as an option (`--days <n>`, `-y, --yes`); its key is the long name in camel case. */
export const option = <Schema extends z.ZodType>(
  flags: string,
  about: string,
  schema: Schema,
): Schema => schema.meta({ flags, about });

/** An input field given by position: `<text>`, `[execution]`, `<files...>`. */
export const argument = option;

export const flag = (flags: string, about: string) =>
  option(flags, about, z.boolean().default(false));

export const wholeNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'Give a whole number above 0.')
  .transform(Number);

/** For commands that work on the embedded cloud and in an account. */
export const env = option(
  '--env <name>',
  'local (this computer), dev or prod (your AWS account)',
  EnvironmentName.default('local'),
);
export const accountEnv = option(
  '--env <name>',
  'dev or prod, in your AWS account',
  EnvironmentName.exclude(['local'], {
    error: 'Give dev or prod. npm start deploys the local environment; rm -rf .lake deletes it.',
  }),
);
/** For npm scripts that work on the embedded cloud only. */
export const localEnv = option(
  '--env <name>',
  'local (this computer)',
  z
    .enum(['local'], {
      error: 'This works on this computer only. For an account: npm run lake -- run --env dev',
    })
    .default('local'),
);
export const yes = flag('-y, --yes', 'do not ask for confirmation');
export const json = flag('--json', 'print JSON for scripts');
export const encoding = option(
  '--encoding <name>',
  'encoding of the file, such as latin1 (default: UTF-8, or what its byte order mark says)',
  z.string().optional(),
);
/** `-c name=value` for the CDK; may be repeated. */
export const context = option(
  '-c, --context <name=value>',
  'a context value for the CDK; may be repeated',
  z
    .array(
      z
        .string()
        .regex(/^[A-Za-z]+=./s, 'Give name=value.')
        .refine((pair) => !pair.startsWith('env='), 'Give the environment with --env.'),
    )
    .default([]),
);

const Described = z.object({ flags: z.string(), about: z.string() });
const describedBy = (schema: unknown) =>
  Described.parse(schema instanceof z.ZodType ? schema.meta() : undefined);
const isArgument = (schema: unknown): boolean => !describedBy(schema).flags.startsWith('-');
const append = (value: string, before: unknown): string[] => [
  ...(Array.isArray(before) ? before : []),
  value,
];

function addOption(parser: Parser, schema: unknown): void {
  const { flags, about } = describedBy(schema);
  const made = new Option(flags, about);
  const missing = z.instanceof(z.ZodType).parse(schema).safeParse(undefined);
  if (Array.isArray(missing.data)) made.argParser(append);
  else if (!missing.success) made.makeOptionMandatory();
  else if (missing.data !== undefined && missing.data !== false && !made.negate)
    made.default(String(missing.data));
  parser.addOption(made);
}

/** `option '--days <n>': Give a whole number above 0.` */
function describeIssue(shape: Readonly<Record<string, unknown>>, error: z.ZodError): string {
  const [issue] = error.issues;
  const field = shape[String(issue?.path[0])];
  if (field === undefined) return issue?.message ?? 'not valid';
  return `${isArgument(field) ? 'argument' : 'option'} '${describedBy(field).flags}': ${issue?.message}`;
}

function addCommand(program: Parser, definition: Command, ready: (one: Prepared) => void): void {
  const { name, alias, group, about, examples, input, anyOptions = false, more } = definition;
  const parser = program.command(name).summary(about).description(about).helpGroup(`${group}:`);
  if (alias !== undefined) parser.alias(alias);
  const isScript = program.name() === 'npm run';
  if (isScript) parser.usage('-- [options]');
  const fields = Object.entries(input.shape);
  const placed = fields.filter(([, schema]) => isArgument(schema));
  for (const [, schema] of placed) {
    const described = describedBy(schema);
    parser.argument(described.flags, described.about);
  }
  for (const [, schema] of fields) if (!isArgument(schema)) addOption(parser, schema);
  parser
    .allowUnknownOption(anyOptions)
    .addHelpText('after', () =>
      ['', 'Examples:', ...examples.map((one) => `  ${one}`), ...(more ? ['', more()] : [])].join(
        '\n',
      ),
    )
    .showHelpAfterError(`Help: ${program.name()} ${name}${isScript ? ' --' : ''} --help`)
    .action(() => {
      const byPlace = placed.map(([key], index) => [key, parser.processedArgs[index]]);
      ready(
        definition.prepare({ ...parser.opts(), ...Object.fromEntries(byPlace) }, (error) =>
          parser.error(`error: ${describeIssue(input.shape, error)}`),
        ),
      );
    });
}

/**
 * Parses a command line. For wrong usage it prints the error and returns 2, for `--help` it prints the help and returns
 * 0. `calledAs` is the text before the command's name in usage lines, such as `npm run lake --`.
 */
export function readCommandLine(
  commands: readonly Command[],
  args: readonly string[],
  calledAs: string,
  { screen, notes }: Pick<Context, 'screen' | 'notes'>,
): Prepared | number {
  let prepared: Prepared | undefined;
  const program = new Parser(calledAs)
    .description(
      'A nightly pipeline that loads tweets into a data lake and retrains a sentiment model.',
    )
    .addOption(new Option('--env <name>').hideHelp())
    .enablePositionalOptions()
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => screen.say(text.trimEnd()),
      writeErr: (text) => notes.say(text.trimEnd()),
    })
    .showHelpAfterError(`All commands: ${calledAs} --help`)
    // `--env dev history` is `history --env dev`.
    .hook('preSubcommand', (whole, chosen) => {
      const { env: given } = z.object({ env: z.string().optional() }).parse(whole.opts());
      if (given !== undefined) chosen.setOptionValueWithSource('env', given, 'cli');
    });
  for (const one of commands) addCommand(program, one, (ready) => (prepared = ready));
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return prepared ?? 2;
}
