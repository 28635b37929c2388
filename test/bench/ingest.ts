import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { buildSync } from 'esbuild';
import { z } from 'zod';
import { Launcher } from '../functions/support/launcher';

/*
 * Tweets per second through the ingest (real HTTP, the embedded cloud's S3 and Kinesis) against a bare loop of
 * twitter-api-v2 that writes files, in one run on one machine; and the ingest's memory over more and more
 * pages. Pages may be named: npm run bench:ingest -- 100 400 1600
 */
const named = process.argv.slice(2).map(Number);
const pageCounts = named.length > 0 ? named : [100, 400, 1600];

const Measured = z.object({ tweets: z.number(), seconds: z.number(), megabytes: z.number() });
type Measured = z.infer<typeof Measured>;

const folder = mkdtempSync(join(tmpdir(), 'lake-bench-'));
const programs = ['x-server', 'lambda', 'bare-loop'];

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

async function ingest(
  launcher: Launcher,
  x: string,
  pages: number,
  round: string,
): Promise<Measured> {
  const { bucket } = await launcher.lake();
  const stream = `bench-${round}`;
  await launcher.kinesis().send(new CreateStreamCommand({ StreamName: stream, ShardCount: 1 }));
  const settings = {
    apiBaseUrl: x,
    queries: [{ name: 'tea', keywords: ['tea'] }],
    language: null,
    excludeRetweets: false,
    operators: 'core',
    maxTweetsPerRun: 1_000_000,
    maxTweetsPerMonth: null,
    lateTweetSeconds: 30,
    usdPerPost: 0.005,
    usdPerUser: 0.01,
    authorNames: true,
  };
  const child = start('lambda', [String(pages * 100 + 100)], {
    AWS_ENDPOINT_URL: launcher.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: '000000000000',
    AWS_SECRET_ACCESS_KEY: launcher.rootSecret,
    BUCKET: bucket,
    STREAM_NAME: stream,
    TOKEN_SECRET_ARN: 'x-token',
    SETTINGS: JSON.stringify({ x: settings }),
  });
  return Measured.parse(await lastLine(child));
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
    const full = await ingest(launcher, x, pages, String(pages));
    const ratio = full.tweets / full.seconds / (bare.tweets / bare.seconds);
    print(`${pages} pages`);
    print(`  bare loop  ${shown(bare)}`);
    print(`  ingest     ${shown(full)}`);
    print(`  ratio      ${ratio.toFixed(2)}`);
  } finally {
    server.kill();
  }
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
    for (const pages of pageCounts) await compare(launcher, pages);
  } finally {
    await launcher.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
