import { parseArgs } from 'node:util';

/** A command line that cannot be meant; the message is the one line that says why. */
export class UsageError extends Error {
  oneLine = true;
  exitCode = 2;
}

/** As in infra/config.ts, which cannot be read before the packages are there. */
export const environments = ['local', 'dev', 'prod'];
const modes = ['nightly', 'retrain', 'ingest', 'backfill', 'replay', 'import'];

const runOptions = {
  mode: { type: 'string' },
  input: { type: 'string' },
  keywords: { type: 'string' },
  'max-tweets': { type: 'string' },
};

const lakeUsage =
  'npm run lake -- [--env local|dev|prod] run | retrain | redrive [execution] | history [execution] | query <name> [--parameter value] | ' +
  'sql "<athena sql>" | predict "<text>" | import-labels <file>|--bundled | label | pretrain <files> | import-tweets <file> | ' +
  'replay --from <day> --to <day> | backfill --from <day> --to <day> | forget --tweet <id>|--author <id>|--file <ids> | ' +
  'grant-force "<reason>" | reproduce <version>';

function parse(args, options, allowPositionals) {
  try {
    return parseArgs({ args, options, allowPositionals, strict: true });
  } catch (error) {
    throw new UsageError(`${error.message.split('\n')[0].split('. ')[0].replace(/\.$/, '')}.`);
  }
}

/** The execution's input as JSON, from `--input` and the shorthands, which win. */
function runInput(values, usage) {
  let input = {};
  if (values.input !== undefined) {
    try {
      input = JSON.parse(values.input);
    } catch (error) {
      throw new UsageError(
        `--input is not JSON (${error.message}): ${usage} --input '{"mode":"retrain"}'`,
      );
    }
    if (input === null || typeof input !== 'object' || Array.isArray(input)) {
      throw new UsageError(`--input must be a JSON object: ${usage} --input '{"mode":"retrain"}'`);
    }
  }
  if (values.mode !== undefined) {
    if (!modes.includes(values.mode)) {
      throw new UsageError(`--mode is "${values.mode}": one of ${modes.join(', ')} is possible.`);
    }
    input.mode = values.mode;
  }
  if (values.keywords !== undefined) {
    input.keywords = values.keywords
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '');
    if (input.keywords.length === 0)
      throw new UsageError('--keywords names no word: --keywords love,hate');
  }
  if (values['max-tweets'] !== undefined) {
    const count = Number(values['max-tweets']);
    if (!Number.isInteger(count) || count < 1) {
      throw new UsageError(
        `--max-tweets is "${values['max-tweets']}": a whole number above 0 is needed.`,
      );
    }
    input.maxTweets = count;
  }
  return input;
}

/** Takes `--env <name>` out of a command line, wherever it stands. */
function takeEnvironment(args) {
  const rest = [];
  let environment = null;
  for (let at = 0; at < args.length; at += 1) {
    const [, joined] = /^--env(?:=(.*))?$/s.exec(args[at]) ?? [];
    if (args[at] !== '--env' && joined === undefined) {
      rest.push(args[at]);
      continue;
    }
    environment = joined ?? args[(at += 1)] ?? '';
    if (!environments.includes(environment)) {
      throw new UsageError(
        `--env is "${environment}": one of ${environments.join(', ')} is possible.`,
      );
    }
  }
  return { environment, rest };
}

/** `-c name=value` as often as it is given, as the CDK takes it. */
function contextOf(values) {
  const pairs = values.context ?? [];
  for (const pair of pairs) {
    if (!/^[A-Za-z]+=./s.test(pair))
      throw new UsageError(`-c takes name=value, but got "${pair}".`);
    if (pair.startsWith('env=')) throw new UsageError('The environment is given with --env.');
  }
  return pairs;
}

const yes = { yes: { type: 'boolean', short: 'y', default: false } };
const context = { context: { type: 'string', short: 'c', multiple: true } };

const encoding = { encoding: { type: 'string' } };
/** As in cli/labels/table.ts. */
const quotes = ['double', 'line', 'none'];
const labelOptions = {
  ...yes,
  ...encoding,
  source: { type: 'string' },
  bundled: { type: 'boolean' },
  'text-column': { type: 'string' },
  'label-column': { type: 'string' },
  map: { type: 'string', multiple: true },
  delimiter: { type: 'string' },
  quote: { type: 'string' },
  'no-header': { type: 'boolean' },
};

/** `--map -1=negative` is clear, but Node takes what begins with a dash for another option. */
function joinNegative(args, option) {
  const joined = [];
  for (const arg of args) {
    if (joined.at(-1) === option && /^-\d/.test(arg)) joined.push(`${joined.pop()}=${arg}`);
    else joined.push(arg);
  }
  return joined;
}

/** `deploy` and `destroy` are for accounts; `verify` looks at the embedded cloud, too. */
function parseAccount(name, args, environment) {
  const usage = `npm run ${name} -- --env dev`;
  if (environment === null) throw new UsageError(`Say which environment: ${usage}`);
  if (environment === 'local' && name !== 'verify') {
    throw new UsageError(
      `The local environment is deployed by npm start, and undone by rm -rf .lake; an account's: ${usage}`,
    );
  }
  switch (name) {
    case 'deploy': {
      const { values } = parse(
        args,
        { ...yes, ...context, 'check-token': { type: 'boolean', default: false } },
        false,
      );
      return {
        name,
        environment,
        yes: values.yes,
        checkToken: values['check-token'],
        context: contextOf(values),
      };
    }
    case 'destroy': {
      const options = {
        ...yes,
        'delete-data': { type: 'boolean', default: false },
        confirm: { type: 'string' },
      };
      const { values } = parse(args, options, false);
      return {
        name,
        environment,
        yes: values.yes,
        deleteData: values['delete-data'],
        confirm: values.confirm ?? null,
      };
    }
    default: {
      const { values } = parse(
        args,
        {
          input: runOptions.input,
          keywords: runOptions.keywords,
          'max-tweets': runOptions['max-tweets'],
          ...yes,
          ...context,
        },
        false,
      );
      return {
        name,
        environment,
        yes: values.yes,
        input: runInput(values, usage),
        ...(values.context && { context: contextOf(values) }),
      };
    }
  }
}

/** `--env dev`, or `--env dev,prod` for two environments side by side. */
function parseRehearse(args) {
  const { values } = parse(args, { env: { type: 'string' } }, false);
  const usage = 'npm run rehearse -- --env dev, prod or dev,prod';
  if (values.env === undefined) throw new UsageError(`Say which environment: ${usage}`);
  const named = values.env.split(',');
  for (const name of named) {
    if (name === 'local' || !environments.includes(name)) {
      throw new UsageError(
        `A rehearsal is of an environment of an account, not of "${name}": ${usage}`,
      );
    }
  }
  if (new Set(named).size < named.length)
    throw new UsageError(`--env names an environment twice: ${usage}`);
  return { name: 'rehearse', environments: named };
}

const span = { from: { type: 'string' }, to: { type: 'string' } };

function spanOf(name, { from, to }) {
  if (from === undefined || to === undefined) {
    throw new UsageError(
      `${name} needs both ends: npm run lake -- ${name} --from 2026-11-22 --to 2026-11-23`,
    );
  }
  for (const [option, value] of Object.entries({ from, to })) {
    if (!/^\d{4}-\d{2}-\d{2}/.test(value))
      throw new UsageError(`--${option} is "${value}": a day like 2026-11-22 is needed.`);
  }
  return { from, to };
}

function noMore(name, rest) {
  if (rest.length > 0) throw new UsageError(`${name} takes nothing more, but got "${rest[0]}".`);
}

function one(name, rest, what) {
  if (rest.length !== 1)
    throw new UsageError(`${name} needs ${what}, in quotation marks if it holds spaces.`);
  return rest[0];
}

function parseLake(args) {
  const [verb, ...rest] = args;
  if (verb === undefined) throw new UsageError(`Say what to do: ${lakeUsage}`);
  switch (verb) {
    case 'run': {
      const { values, positionals } = parse(rest, runOptions, true);
      noMore('run', positionals);
      return { name: 'run', input: runInput(values, 'npm run lake -- run') };
    }
    case 'retrain': {
      const { values, positionals } = parse(rest, { input: runOptions.input }, true);
      noMore('retrain', positionals);
      return {
        name: 'run',
        input: { ...runInput(values, 'npm run lake -- retrain'), mode: 'retrain' },
      };
    }
    case 'redrive':
    case 'history': {
      const { positionals } = parse(rest, {}, true);
      noMore(verb, positionals.slice(1));
      return { name: verb, execution: positionals[0] ?? null };
    }
    case 'query': {
      const [query, ...given] = rest;
      if (query?.startsWith('-'))
        throw new UsageError(`query needs a name first, but got "${query}".`);
      const parameters = {};
      for (let at = 0; at < given.length; at += 1) {
        const [, name, joined] = /^(?:--)?([a-z][a-z0-9_-]*)(?:=(.*))?$/i.exec(given[at]) ?? [];
        const value = joined ?? (given[at].startsWith('--') ? given[(at += 1)] : undefined);
        if (name === undefined || value === undefined) {
          throw new UsageError(
            `query parameters look like --days 7 or days=7, but got "${given[at] ?? given.at(-1)}".`,
          );
        }
        parameters[name.replaceAll('-', '_')] = value;
      }
      return { name: 'query', query: query ?? null, parameters };
    }
    case 'sql':
      return { name: 'sql', sql: one('sql', rest, 'one statement') };
    case 'predict':
      return { name: 'predict', text: one('predict', rest, 'one text') };
    case 'import-labels': {
      const { values, positionals } = parse(joinNegative(rest, '--map'), labelOptions, true);
      if (values.bundled) {
        noMore('import-labels --bundled', positionals);
        return { name: 'import-labels', file: null, source: null };
      }
      if (values.quote !== undefined && !quotes.includes(values.quote)) {
        throw new UsageError(
          `--quote is "${values.quote}": one of ${quotes.join(', ')} is possible.`,
        );
      }
      const given = {
        textColumn: values['text-column'],
        labelColumn: values['label-column'],
        map: values.map,
        encoding: values.encoding,
        delimiter: values.delimiter,
        quote: values.quote,
        header: values['no-header'] ? false : undefined,
        yes: values.yes || undefined,
      };
      return {
        name: 'import-labels',
        file: one('import-labels', positionals, 'one file'),
        source: values.source ?? null,
        ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      };
    }
    case 'pretrain': {
      const { values, positionals } = parse(rest, encoding, true);
      if (positionals.length === 0)
        throw new UsageError('pretrain needs one file of labelled texts, or several.');
      return { name: 'pretrain', files: positionals, ...values };
    }
    case 'label': {
      const { values } = parse(
        rest,
        { days: { type: 'string', default: '30' }, source: { type: 'string', default: 'by-hand' } },
        false,
      );
      const days = Number(values.days);
      if (!Number.isInteger(days) || days < 1)
        throw new UsageError(`--days is "${values.days}": a whole number above 0 is needed.`);
      return { name: 'label', days, source: values.source };
    }
    case 'grant-force':
      return { name: 'grant-force', reason: one('grant-force', rest, 'one reason') };
    case 'reproduce':
      return { name: 'reproduce', version: one('reproduce', rest, "a model's version") };
    case 'import-tweets': {
      const { values, positionals } = parse(rest, encoding, true);
      return {
        name: 'import-tweets',
        file: one('import-tweets', positionals, 'one file'),
        ...values,
      };
    }
    case 'replay': {
      const options = { ...span, 'no-stream': { type: 'boolean', default: false } };
      const { values, positionals } = parse(rest, options, true);
      noMore('replay', positionals);
      return {
        name: 'run',
        input: {
          mode: 'replay',
          ...spanOf('replay', values),
          ...(values['no-stream'] && { stream: false }),
        },
      };
    }
    case 'backfill': {
      const { keywords, 'max-tweets': maxTweets, input } = runOptions;
      const { values, positionals } = parse(
        rest,
        { ...span, keywords, 'max-tweets': maxTweets, input },
        true,
      );
      noMore('backfill', positionals);
      return {
        name: 'run',
        input: {
          ...runInput(values, 'npm run lake -- backfill'),
          mode: 'backfill',
          ...spanOf('backfill', values),
        },
      };
    }
    case 'forget': {
      const kinds = ['tweet', 'author', 'file'];
      const options = Object.fromEntries(kinds.map((kind) => [kind, { type: 'string' }]));
      const { values, positionals } = parse(rest, options, true);
      noMore('forget', positionals);
      if (kinds.filter((kind) => values[kind] !== undefined).length !== 1) {
        throw new UsageError('forget needs one of --tweet <id>, --author <id> and --file <ids>.');
      }
      return {
        name: 'forget',
        ...Object.fromEntries(kinds.map((kind) => [kind, values[kind] ?? null])),
      };
    }
    default:
      throw new UsageError(`"${verb}" is not a command: ${lakeUsage}`);
  }
}

/** What `npm start`, `npm run lake`, `npm run deploy` and their like are asked to do. Throws UsageError. */
export function parseCommand(args) {
  const [script, ...given] = args;
  if (script === 'rehearse') return parseRehearse(given);
  const { environment, rest } = takeEnvironment(given);
  if (environment !== null && environment !== 'local' && (script === 'start' || script === 'up')) {
    const name = script === 'up' ? 'npm run up' : 'npm start';
    throw new UsageError(
      `${name} is the embedded cloud's; in an account: npm run lake -- run --env ${environment}`,
    );
  }
  switch (script) {
    case 'deploy':
    case 'destroy':
    case 'verify':
      return parseAccount(script, rest, environment);
    case 'start': {
      const { values, positionals } = parse(rest, runOptions, true);
      noMore('npm start', positionals);
      return { name: 'start', input: runInput(values, 'npm start --') };
    }
    case 'up':
    case 'test':
      parse(rest, {}, false);
      return { name: script };
    case 'lake':
      return { ...parseLake(rest), ...(environment !== null && { environment }) };
    default:
      throw new UsageError(
        'Start this with npm start, npm run up, lake, deploy, verify, destroy or rehearse, or npm test.',
      );
  }
}
