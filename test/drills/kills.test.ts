import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/*
 * What a person's power cut does: `npm start` is killed outright, again and again, each time further on.
 * Each start has to work with what the one before left behind, and in the end the lake has to hold what
 * an unbroken night would have brought.
 */
const root = resolve(__dirname, '..', '..');
const home = mkdtempSync(join(tmpdir(), 'lake-kills-'));
const tweets = 300;
let port: number;

beforeAll(async () => {
  port = await new Promise<number>((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
});

const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGTERM');
  rmSync(home, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  output: string;
}

/** Runs a command of the project; kills it with SIGKILL as soon as it prints `killAt`. */
function run(args: string[], killAt?: RegExp): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'local', 'setup', 'main.mjs'), ...args], {
    cwd: root,
    env: { ...process.env, LAKE_HOME: home, LAKE_PORT: String(port) },
  });
  started.push(child);
  let output = '';
  const read = (data: Buffer) => {
    output += data.toString();
    if (killAt?.test(output)) child.kill('SIGKILL');
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return new Promise((done) => child.on('close', (code) => done({ code, output })));
}

const night = ['start', '--max-tweets', String(tweets)];

test('a kill while the cloud boots and deploys', async () => {
  const { code, output } = await run(night, /Embedded cloud: booting/);

  expect(code).toBeNull();
  expect(output).not.toContain('Execution');
});

test('a kill while tweets are ingested', async () => {
  const { code, output } = await run(night, /Ingest tweets …/);

  expect(code).toBeNull();
  expect(output).toMatch(/Execution nightly-\S+ started/);
});

test.each([
  ['while Spark works', /Spark works/],
  ['while the LSTM learns', /the LSTM learns/],
])('the next start goes on with the run that was cut off; a kill %s', async (_, moment) => {
  const { code, output } = await run(['start'], moment);

  expect(code).toBeNull();
  expect(output).toMatch(/nightly-\S+ was cut off when its process ended: it goes on from where it stood/);
});

test('the last start ends the night, and the lake holds each tweet once', async () => {
  const { code, output } = await run(['start']);

  expect(output).toMatch(/nightly-\S+ SUCCEEDED/);
  expect(code).toBe(0);
  // What had succeeded before a kill was not done again.
  expect(output).not.toContain('Ingest tweets');
  const { output: table } = await run(['lake', 'sql', 'select count(*) as n, count(distinct tweet_id) as ids from tweets']);
  expect(table).toMatch(new RegExp(`^ *${tweets} +${tweets}$`, 'm'));
  expect(readdirSync(join(home, 'runs'))).toHaveLength(1);
  expect(existsSync(join(home, 'lock'))).toBe(false);
});
