import { Option } from 'commander';
import { z } from 'zod';
import { readCommandLine, type Context } from '../../cli/command';
import { commands } from '../../cli/commands';
import { openScreen } from '../../cli/screen';

interface Answer {
  read: ReturnType<typeof readCommandLine>;
  out: string;
  err: string;
}

/** What a command line leads to; nothing is run. */
function typed(...args: string[]): Answer {
  const written = { out: '', err: '' };
  const screens: Pick<Context, 'screen' | 'notes'> = {
    screen: openScreen({ write: (text) => (written.out += text) }),
    notes: openScreen({ write: (text) => (written.err += text) }),
  };
  return { read: readCommandLine(commands, args, 'npm run lake --', screens), ...written };
}

/** Needs of a command line that is right; its message where it is not. */
function needs(...args: string[]): unknown {
  const { read, err } = typed(...args);
  return typeof read === 'number' ? err : read.needs;
}

const local = { cloud: true };
const account = { cloud: false };

test.each([
  ['start --mode retrain', { cloud: true, portFor: 'npm start', announce: true }],
  ['start --input {"force":true} --keywords rain,sun --max-tweets=50', expect.anything()],
  ['up', { cloud: true, portFor: 'npm run up', announce: true }],
  ['run --max-tweets 9', local],
  ['retrain --input {"training":{"epochs":2}}', local],
  ['redrive', local],
  ['history nightly-1 --json', local],
  ['--env=prod history', account],
  ['--env prod history', account],
  ['query', account],
  ['query daily_sentiment --from-day 2026-11-20 top=3', local],
  ['query daily_sentiment --env dev --days 7 --json', account],
  ['predict love --env dev', account],
  ['import-labels mine.csv --map -1=negative --map=0=neutral --yes', local],
  [
    'import-labels a.csv --encoding latin1 --no-header --text-column 6 --label-column=1 --delimiter ; --quote line',
    local,
  ],
  // The set-up brings the corpus, whichever environment it is for.
  ['import-labels --bundled --env dev', local],
  ['pretrain a.jsonl b.jsonl.gz --encoding utf-16le', local],
  ['import-tweets mine.json --encoding utf-16be', local],
  ['replay --from 2026-11-20 --to 2026-11-22 --no-stream', local],
  ['backfill --from 2026-11-20T08:00:00Z --to 2026-11-22 --max-tweets 50 --env dev', account],
  ['forget --author 12 --env dev', account],
  ['erase --tweet 12', local],
  ['deploy --env dev -y -c deployAs=caller -c a=b', account],
  ['destroy --env dev --delete-data --confirm b', account],
  ['verify --env local --max-tweets 30', local],
  ['rehearse --env dev,prod', { cloud: true, announce: true }],
])('reads %s', (line, expected) => {
  expect(needs(...line.split(' '))).toEqual(expected);
});

test.each([
  ['', /^Usage: npm run lake -- /],
  ['dance', /^error: unknown command 'dance'$/m],
  ['histroy', /^\(Did you mean history\?\)$/m],
  ['history --jsom', /^\(Did you mean --json\?\)$/m],
  ['start --speed 9', /^error: unknown option '--speed'$/m],
  ['start now', /^error: too many arguments for 'start'\. Expected 0 arguments but got 1\.$/m],
  ['start --mode weekly', /^error: option '--mode <mode>': .*"nightly"\|"retrain"/],
  ['start --max-tweets 0', /^error: option '--max-tweets <n>': Give a whole number above 0\.$/m],
  ['start --max-tweets -3', /^error: option '--max-tweets <n>': Give a whole number above 0\.$/m],
  ['start --keywords ,', /^error: option '--keywords <words>': Give at least one word/],
  ['start --input {', /^error: option '--input <json>': This is not JSON \(/],
  ['start --input [1]', /^error: option '--input <json>': Give a JSON object, such as/],
  ['start --env dev', /This works on this computer only\. For an account: npm run lake -- run/],
  ['history --env production', /^error: option '--env <name>': .*"local"\|"dev"\|"prod"/],
  ['--env production history', /^error: option '--env <name>': .*"local"\|"dev"\|"prod"/],
  ['deploy', /^error: required option '--env <name>' not specified$/m],
  ['destroy --env local', /^error: option '--env <name>': Give dev or prod\. npm start deploys/],
  ['deploy --env dev -c env=prod', /Give the environment with --env\.$/m],
  ['deploy --env dev -c prod', /Give name=value\.$/m],
  ['rehearse --env local', /^error: option '--env <names>': .*"dev"\|"prod"/],
  ['rehearse --env dev,dev', /Name an environment once only\.$/m],
  ['import-tweets', /^error: missing required argument 'files'$/m],
  ['import-labels a.csv --quote single', /^error: option '--quote <rule>': .*"double"\|"line"/],
  ['import-labels a.csv --bundled', /^error: Give one file, or --bundled\.$/m],
  ['import-labels', /^error: Give one file, or --bundled\.$/m],
  ['replay --from 2026-11-20', /^error: required option '--to <day>' not specified$/m],
  ['backfill --from 2026-11-20 --to today', /^error: option '--to <day>': Give a day such as/],
  ['forget', /^error: Give one of --tweet <id>, --author <id> and --file <ids>\.$/m],
  ['forget --tweet 1 --author 2', /^error: Give one of --tweet/],
  ['predict two words', /^error: too many arguments for 'predict'/],
  ['query daily_sentiment --days', /"--days" is not a parameter\. Write --days 7 or days=7\.$/m],
])('rejects "%s" with exit code 2, on standard error', (line, message) => {
  const { read, out, err } = typed(...line.split(' ').filter((word) => word !== ''));

  expect({ read, out }).toEqual({ read: 2, out: '' });
  expect(err).toMatch(message);
});

test('an argument of others cannot act on the terminal', () => {
  expect(typed('\x1b[2Jhistory').err).toContain("unknown command '\\u{1b}[2Jhistory'");
});

test.each(commands.map((one) => [one.name, one] as const))('%s explains itself', (name, one) => {
  const { read, out, err } = typed(name, '--help');

  expect({ read, err }).toEqual({ read: 0, err: '' });
  expect(out).toContain(one.about);
  expect(typed('--help').out.replace(/\s+/g, ' ')).toContain(one.about);
  for (const [key, schema] of Object.entries(one.input.shape)) {
    const { flags } = z
      .object({ flags: z.string() })
      .parse(schema instanceof z.ZodType ? schema.meta() : null);
    expect(out).toContain(flags);
    if (flags.startsWith('-')) expect(new Option(flags).attributeName()).toBe(key);
  }
});

/** Words as a shell makes them of an example. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );

test.each(commands.flatMap(({ examples }) => examples))('the example %s can be typed', (line) => {
  const [, script = '', rest = ''] = /^npm (?:run )?(\S+)(?: -- (.*))?$/.exec(line) ?? [];
  const args = script === 'lake' ? words(rest) : [script, ...words(rest)];

  expect(typed(...args)).toMatchObject({ read: expect.anything(), err: '' });
  expect(typed(...args).read).not.toBe(2);
});
