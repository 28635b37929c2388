import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Lexicon } from '../../../cli/console/lexicon';

const root = resolve(__dirname, '..', '..', '..');
const never = new AbortController().signal;
const lexicon = new Lexicon({ root, signal: never });

let elsewhere: string;
beforeEach(() => {
  elsewhere = mkdtempSync(join(tmpdir(), 'lake-lexicon-'));
});
afterEach(() => rmSync(elsewhere, { recursive: true, force: true }));

/** A folder whose .venv has this program for Python. */
function withPython(script: string): string {
  const python = join(elsewhere, '.venv', 'bin', 'python');
  mkdirSync(join(elsewhere, '.venv', 'bin'), { recursive: true });
  writeFileSync(python, `#!/bin/sh\n${script}\n`);
  chmodSync(python, 0o755);
  return elsewhere;
}

test('a negated word counts against its rating, and the score is the one of the rules', async () => {
  expect(await lexicon.says('I am not happy')).toEqual({
    opinion: {
      label: 'negative',
      // VADER 3.3.2: 2.7 × −0.74, over the root of its square and 15.
      compound: -0.4585,
      words: [{ word: 'happy', rating: 2.7, counts: -1.998 }],
    },
    problem: null,
  });
});

test('a text without a rated word is neutral', async () => {
  expect((await lexicon.says('the bus on monday')).opinion).toEqual({
    label: 'neutral',
    compound: 0,
    words: [],
  });
});

test('what a shell, JSON or Python would read as more than text is a text', async () => {
  const hostile = '$(touch taken); `id` "}\u202e \u0000 \ud800 love \\u0027 {"text": "hate"} 😡';

  const { opinion } = await lexicon.says(hostile);

  expect(opinion?.words.map(({ word }) => word)).toEqual(['love', 'hate', 'angry']);
});

test('without .venv it says what is missing', async () => {
  expect(await new Lexicon({ root: elsewhere, signal: never }).says('love')).toEqual({
    opinion: null,
    problem:
      'The lexicon needs the set-up of Python: this folder has no .venv. npm run up makes it.',
  });
});

test('a Python that hangs is ended', async () => {
  const hangs = new Lexicon({ root: withPython('exec sleep 60'), signal: never }, 300);

  await expect(hangs.says('love')).rejects.toThrow('did not answer within 0.3 s');
});

test('a Python that fails is named with its last line, and what it says in place of JSON is not taken', async () => {
  const fails = new Lexicon({
    root: withPython('echo "No module named etl" >&2; exit 1'),
    signal: never,
  });
  await expect(fails.says('love')).rejects.toThrow('The lexicon failed: No module named etl.');

  rmSync(join(elsewhere, '.venv'), { recursive: true });
  const lies = new Lexicon({ root: withPython('echo \'{"label": "great"}\''), signal: never });
  await expect(lies.says('love')).rejects.toThrow('The lexicon failed');
});

test('one process at a time, and none sees the environment of the console', async () => {
  process.env['X_BEARER_TOKEN'] = 'secret';
  const seen = join(elsewhere, 'seen');
  const traced = new Lexicon({
    root: withPython(
      `echo begin >> ${seen}; env >> ${seen}; sleep 0.2; echo end >> ${seen}; exit 1`,
    ),
    signal: never,
  });

  await Promise.allSettled([traced.says('one'), traced.says('two')]);
  delete process.env['X_BEARER_TOKEN'];

  const lines = readFileSync(seen, 'utf8');
  expect(lines).not.toContain('secret');
  expect(lines.match(/^(begin|end)$/gm)).toEqual(['begin', 'end', 'begin', 'end']);
});
