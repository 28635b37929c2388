import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { buildSync } from 'esbuild';
import { z } from 'zod';
import { Launcher } from '../functions/support/launcher';
import { writeTweets } from './tweet-files';

/*
 * Tweets per second through the ingest (real HTTP, the embedded cloud's S3 and Kinesis) against a bare loop of
 * twitter-api-v2 that writes files, in one run on one machine; and the ingest's memory over more and more
 * pages. Pages may be named: npm run bench:ingest -- 100 400 1600
 *
 * npm run bench:ingest -- --import 1000000 [--days 400] measures an import instead, beside a plain loop that reads the
 * same files, writes them to S3 as gzipped JSON Lines as they come, and puts them on a stream.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { import: { type: 'string' }, days: { type: 'string', default: '400' } },
});
const toImport = values.import === undefined ? null : Number(values.import);
const named = positionals.map(Number);
const pageCounts = named.length > 0 ? named : [100, 400, 1600];

const Measured = z.object({ tweets: z.number(), seconds: z.number(), megabytes: z.number() });
type Measured = z.infer<typeof Measured>;
const Imported = Measured.extend({ uploading: z.number(), pages: z.number(), calls: z.number() });

const folder = mkdtempSync(join(tmpdir(), 'lake-bench-'));
const programs = ['x-server', 'lambda', 'bare-loop', 'import', 'plain-import'];

function start(program: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [join(folder, `${program}.js`), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', ...env },
  });
}

/** The last line that the program writes before it ends. */
async function lastLine(child: ChildProcess): Promise<unknown> {
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the program ended with ${code}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

/** The variables of an ingest into a bucket and a stream of its own. */
async function lambdaOf(launcher: Launcher, x: string, round: string) {
  const { bucket } = await launcher.lake();
  const stream = `bench-${round}`;
  await launcher.kinesis().send(new CreateStreamCommand({ StreamName: stream, ShardCount: 1 }));
  const settings = {
    apiBaseUrl: x,
    queries: [{ name: 'tea', keywords: ['tea'] }],
    language: null,
    excludeRetweets: false,
    operators: 'core',
    maxTweetsPerRun: 10_000_000,
    maxTweetsPerMonth: null,
    lateTweetSeconds: 30,
    usdPerPost: 0.005,
    usdPerUser: 0.01,
    authorNames: true,
  };
  return {
    AWS_ENDPOINT_URL: launcher.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: '000000000000',
    AWS_SECRET_ACCESS_KEY: launcher.rootSecret,
    BUCKET: bucket,
    STREAM_NAME: stream,
    TOKEN_SECRET_ARN: 'x-token',
    FORGOTTEN_SECRET_ARN: 'forgotten',
    SETTINGS: JSON.stringify({ x: settings }),
  };
}

const print = (line: string) => process.stdout.write(`${line}\n`);
const shown = ({ tweets, seconds, megabytes }: Measured): string =>
  `${tweets} tweets in ${seconds.toFixed(1)} s, ${Math.round(tweets / seconds)} tweets/s, at most ${Math.round(megabytes)} MB`;

async function compare(launcher: Launcher, pages: number): Promise<void> {
  const server = start('x-server', [String(pages * 100)]);
  try {
    const [port]: unknown[] = server.stdout ? await once(server.stdout, 'data') : [];
    const x = `http://127.0.0.1:${String(port).trim()}`;
    const files = mkdtempSync(join(folder, 'files-'));
    const bare = Measured.parse(await lastLine(start('bare-loop', [x, files])));
    const env = await lambdaOf(launcher, x, String(pages));
    const full = Measured.parse(await lastLine(start('lambda', [String(pages * 100 + 100)], env)));
    const ratio = full.tweets / full.seconds / (bare.tweets / bare.seconds);
    print(`${pages} pages`);
    print(`  bare loop  ${shown(bare)}`);
    print(`  ingest     ${shown(full)}`);
    print(`  ratio      ${ratio.toFixed(2)}`);
  } finally {
    server.kill();
  }
}

async function importInstead(launcher: Launcher, tweets: number): Promise<void> {
  const files = writeTweets(folder, tweets, Number(values.days));
  const plainEnv = await lambdaOf(launcher, 'http://127.0.0.1:9/', 'plain');
  const plain = Measured.parse(await lastLine(start('plain-import', files, plainEnv)));
  const env = await lambdaOf(launcher, 'http://127.0.0.1:9/', 'import');
  const full = Imported.parse(await lastLine(start('import', files, env)));
  const ratio = full.tweets / full.seconds / (plain.tweets / plain.seconds);
  print(`${tweets} tweets of ${values.days} days, in no order, in ${files.length} files`);
  print(`  plain loop ${shown(plain)}`);
  print(`  import     ${shown(full)}`);
  print(
    `             reading and uploading ${full.uploading.toFixed(1)} s of it, in ${full.pages} pages, ${full.calls} calls`,
  );
  print(`  ratio      ${ratio.toFixed(2)}`);
}

async function main(): Promise<void> {
  buildSync({
    entryPoints: programs.map((name) => join(__dirname, `${name}.ts`)),
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  const launcher = await Launcher.start();
  try {
    await launcher
      .secrets()
      .send(new CreateSecretCommand({ Name: 'x-token', SecretString: 'token' }));
    await launcher
      .secrets()
      .send(new CreateSecretCommand({ Name: 'forgotten', SecretString: 's'.repeat(64) }));
    if (toImport !== null) {
      await importInstead(launcher, toImport);
      return;
    }
    for (const pages of pageCounts) await compare(launcher, pages);
  } finally {
    await launcher.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
