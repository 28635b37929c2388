import { EnvironmentName } from '../../../infra/config';
import { quotes } from '../../../cli/labels/table';
import { ask } from './run';

const readable: [string[], unknown][] = [
  [['start'], { name: 'start', input: {} }],
  [['start', '--mode', 'retrain'], { name: 'start', input: { mode: 'retrain' } }],
  [
    ['start', '--keywords', 'rain, sun', '--max-tweets=50'],
    { name: 'start', input: { keywords: ['rain', 'sun'], maxTweets: 50 } },
  ],
  [
    ['start', '--input', '{"force":true,"mode":"ingest"}', '--mode', 'nightly'],
    { name: 'start', input: { force: true, mode: 'nightly' } },
  ],
  [['up'], { name: 'up' }],
  [['lake', 'run', '--max-tweets', '9'], { name: 'run', input: { maxTweets: 9 } }],
  [['lake', 'retrain'], { name: 'run', input: { mode: 'retrain' } }],
  [
    ['lake', 'retrain', '--input', '{"training":{"epochs":2}}'],
    { name: 'run', input: { mode: 'retrain', training: { epochs: 2 } } },
  ],
  [['lake', 'redrive'], { name: 'redrive', execution: null }],
  [['lake', 'redrive', 'nightly-1'], { name: 'redrive', execution: 'nightly-1' }],
  [['lake', 'history', 'nightly-1'], { name: 'history', execution: 'nightly-1' }],
  [['lake', 'query'], { name: 'query', query: null, parameters: {} }],
  [
    ['lake', 'query', 'daily_sentiment', '--from-day', '2026-11-20', 'top=3'],
    { name: 'query', query: 'daily_sentiment', parameters: { from_day: '2026-11-20', top: '3' } },
  ],
  [['lake', 'sql', 'select 1'], { name: 'sql', sql: 'select 1' }],
  [['lake', 'predict', 'what a day'], { name: 'predict', text: 'what a day' }],
  [
    ['lake', 'import-labels', 'mine.csv', '--source', 'me'],
    { name: 'import-labels', file: 'mine.csv', source: 'me' },
  ],
  [
    ['lake', 'import-labels', 'mine.csv', '--map', '-1=negative', '--map=0=neutral', '--yes'],
    {
      name: 'import-labels',
      file: 'mine.csv',
      source: null,
      map: ['-1=negative', '0=neutral'],
      yes: true,
    },
  ],
  [
    // Sentiment140, as its authors publish it.
    [
      ...['lake', 'import-labels', 'training.csv', '--encoding', 'latin1', '--no-header'],
      ...['--text-column', '6', '--label-column=1', '--delimiter', ';', '--quote', 'line'],
    ],
    {
      name: 'import-labels',
      file: 'training.csv',
      source: null,
      encoding: 'latin1',
      header: false,
      textColumn: '6',
      labelColumn: '1',
      delimiter: ';',
      quote: 'line',
    },
  ],
  [
    ['lake', 'pretrain', 'a.jsonl', '--encoding', 'utf-16le'],
    { name: 'pretrain', files: ['a.jsonl'], encoding: 'utf-16le' },
  ],
  [
    ['lake', 'import-tweets', 'mine.json', '--encoding', 'utf-16be'],
    { name: 'import-tweets', file: 'mine.json', encoding: 'utf-16be' },
  ],
  [
    ['lake', 'pretrain', 'a.jsonl', 'b.jsonl.gz'],
    { name: 'pretrain', files: ['a.jsonl', 'b.jsonl.gz'] },
  ],
  [
    ['lake', 'import-labels', '--bundled', '--env', 'dev'],
    { name: 'import-labels', file: null, source: null, environment: 'dev' },
  ],
  [['lake', 'import-tweets', 'mine.json'], { name: 'import-tweets', file: 'mine.json' }],
  [
    ['lake', 'replay', '--from', '2026-11-20', '--to', '2026-11-22'],
    { name: 'run', input: { mode: 'replay', from: '2026-11-20', to: '2026-11-22' } },
  ],
  [
    ['lake', 'replay', '--from', '2026-11-20', '--to', '2026-11-22', '--no-stream'],
    { name: 'run', input: { mode: 'replay', from: '2026-11-20', to: '2026-11-22', stream: false } },
  ],
  [
    [
      'lake',
      'backfill',
      '--from',
      '2026-11-20T08:00:00Z',
      '--to',
      '2026-11-22',
      '--max-tweets',
      '50',
      '--env',
      'dev',
    ],
    {
      name: 'run',
      environment: 'dev',
      input: { maxTweets: 50, mode: 'backfill', from: '2026-11-20T08:00:00Z', to: '2026-11-22' },
    },
  ],
  [
    ['lake', 'forget', '--author', '12', '--env', 'dev'],
    { name: 'forget', tweet: null, author: '12', file: null, environment: 'dev' },
  ],
  [['lake', '--env=prod', 'history'], { name: 'history', execution: null, environment: 'prod' }],
  [
    ['lake', 'query', 'daily_sentiment', '--env', 'dev', '--days', '7'],
    { name: 'query', query: 'daily_sentiment', parameters: { days: '7' }, environment: 'dev' },
  ],
  [
    ['deploy', '--env', 'dev'],
    { name: 'deploy', environment: 'dev', yes: false, checkToken: false, context: [] },
  ],
  [
    ['deploy', '--env', 'dev', '--yes', '-c', 'deployAs=caller'],
    {
      name: 'deploy',
      environment: 'dev',
      yes: true,
      checkToken: false,
      context: ['deployAs=caller'],
    },
  ],
  [
    ['destroy', '--env', 'prod'],
    { name: 'destroy', environment: 'prod', yes: false, deleteData: false, confirm: null },
  ],
  [
    ['destroy', '--env', 'dev', '--delete-data', '--confirm', 'b'],
    { name: 'destroy', environment: 'dev', yes: false, deleteData: true, confirm: 'b' },
  ],
  [
    ['verify', '--env', 'local', '--max-tweets', '30'],
    { name: 'verify', environment: 'local', yes: false, input: { maxTweets: 30 } },
  ],
  [
    ['verify', '--env', 'dev', '--input', '{"a":1}', '-c', 'settings={"logRetentionDays":30}'],
    {
      name: 'verify',
      environment: 'dev',
      yes: false,
      input: { a: 1 },
      context: ['settings={"logRetentionDays":30}'],
    },
  ],
  [['rehearse', '--env', 'dev'], { name: 'rehearse', environments: ['dev'] }],
  [['rehearse', '--env=dev,prod'], { name: 'rehearse', environments: ['dev', 'prod'] }],
];

const refused: [string[], RegExp][] = [
  [['rehearse'], /^Say which environment: npm run rehearse -- --env dev, prod or dev,prod$/],
  [
    ['rehearse', '--env', 'local'],
    /^A rehearsal is of an environment of an account, not of "local"/,
  ],
  [['rehearse', '--env', 'dev,dev'], /^--env names an environment twice/],
  [
    ['start', '--mode', 'weekly'],
    /^--mode is "weekly": one of nightly, retrain, ingest, backfill, replay, import is possible\.$/,
  ],
  [['start', '--speed', '9'], /^Unknown option '--speed'\.$/],
  [['start', 'now'], /^npm start takes nothing more, but got "now"\.$/],
  [['start', '--max-tweets', '0'], /^--max-tweets is "0": a whole number above 0 is needed\.$/],
  [['start', '--max-tweets', '-3'], /^Option '--max-tweets' argument is ambiguous\.$/],
  [['start', '--keywords', ' , '], /^--keywords names no word/],
  [['start', '--input', '{'], /^--input is not JSON/],
  [['start', '--input', '[1]'], /^--input must be a JSON object/],
  [['up', '--port', '1'], /^Unknown option '--port'\.$/],
  [['lake'], /^Say what to do: npm run lake -- \[--env local\|dev\|prod\] run \| retrain/],
  [
    ['lake', 'history', '--env', 'production'],
    /^--env is "production": one of local, dev, prod is possible\.$/,
  ],
  [
    ['start', '--env', 'dev'],
    /^npm start is the embedded cloud's; in an account: npm run lake -- run --env dev$/,
  ],
  [['up', '--env', 'dev'], /^npm run up is the embedded cloud's; in an account/],
  [['deploy'], /^Say which environment: npm run deploy -- --env dev$/],
  [['destroy', '--env', 'local'], /^The local environment is deployed by npm start/],
  [['deploy', '--env', 'dev', '-c', 'env=prod'], /^The environment is given with --env\.$/],
  [['lake', 'import-tweets'], /^import-tweets needs one file/],
  [
    ['lake', 'import-labels', 'mine.csv', '--quote', 'single'],
    /^--quote is "single": one of double, line, none is possible\.$/,
  ],
  [
    ['lake', 'import-labels', '--bundled', 'mine.csv'],
    /^import-labels --bundled takes nothing more/,
  ],
  [
    ['lake', 'replay', '--from', '2026-11-20'],
    /^replay needs both ends: npm run lake -- replay --from/,
  ],
  [
    ['lake', 'backfill', '--from', '2026-11-20', '--to', 'today'],
    /^--to is "today": a day like 2026-11-22 is needed\.$/,
  ],
  [['lake', 'forget'], /^forget needs one of --tweet <id>, --author <id> and --file <ids>\.$/],
  [['lake', 'forget', '--tweet', '1', '--author', '2'], /^forget needs one of/],
  [['lake', 'dance'], /^"dance" is not a command: npm run lake/],
  [
    ['lake', 'predict', 'two', 'words'],
    /^predict needs one text, in quotation marks if it holds spaces\.$/,
  ],
  [['lake', 'sql'], /^sql needs one statement/],
  [
    ['lake', 'query', 'daily_sentiment', '--days'],
    /^query parameters look like --days 7 or days=7, but got "--days"\.$/,
  ],
];

/** One process answers for all command lines: starting Node for each would take most of the time. */
let answers: Map<string, string>;

beforeAll(async () => {
  const lines = [...readable, ...refused].map(([args]) => args);
  const parse = `(args) => { try { return JSON.stringify(m.parseCommand(args)) } catch (e) { return e.message } }`;
  const output = await ask('command.mjs', `${JSON.stringify(lines)}.map(${parse})`);
  const parsed: string[] = JSON.parse(output);
  answers = new Map(lines.map((args, index) => [JSON.stringify(args), parsed[index] ?? '']));
});

test('the set-up knows the ways to read quotation marks that the reader of tables has', async () => {
  const answer = async (quote: string): Promise<unknown> => {
    const args = ['lake', 'import-labels', 'mine.csv', '--quote', quote];
    return JSON.parse(await ask('command.mjs', `m.parseCommand(${JSON.stringify(args)}).quote`));
  };

  expect(await Promise.all(quotes.map(answer))).toEqual([...quotes]);
});

test('the set-up knows the environments of the settings', async () => {
  const names: unknown = JSON.parse(await ask('command.mjs', 'm.environments'));

  expect(names).toEqual(EnvironmentName.options);
});

test.each(readable)('reads %j', (args, expected) => {
  expect(JSON.parse(answers.get(JSON.stringify(args)) ?? '')).toEqual(expected);
});

test.each(refused)('refuses %j in one line', (args, message) => {
  const line = answers.get(JSON.stringify(args));

  expect(line).toMatch(message);
  expect(line).not.toContain('\n');
});
