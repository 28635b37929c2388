/**
 * How the embedded cloud keeps up with a large lake: seconds to boot, to deploy without a change and to query, and the
 * bytes of a snapshot; before the lake is filled and after. Queries stand beside DuckDB on the same files.
 *
 *     npm run bench:cloud -- [objects] [days] [nights]
 *
 * 20,000 objects of 20 tweets on 365 days, and the histories of 90 nights, unless named. The first deployment takes
 * most of the benchmark's time, and is not measured.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { runSql } from '../../../cli/athena';
import { boot } from '../../../embedded/cloud/boot';
import { deploy } from '../../../embedded/cloud/deploy';
import { openSession, type LocalSession } from '../../../embedded/cloud/session';
import { freePort } from '../../../embedded/gateway/free-port';
import { clientsFor, embedded } from '../../../session/clients';
import { account, pythonOf, type Workspace } from '../../../session/workspace';

const [objects = 20_000, days = 365, nights = 90] = process.argv.slice(2).map(Number);
const root = resolve(__dirname, '../../..');

const Filled = z.object({ first: z.string(), last: z.string(), megabytes: z.number() });
const Direct = z.object({ tweets: z.number(), seconds: z.number() });

const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Figures {
  boot: number;
  deploy: number;
  command: number;
  /** Megabytes of the launcher's memory, and kilobytes of a snapshot after one query. */
  memory: number;
  snapshot: number;
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const began = performance.now();
  const answer = await work();
  return [(performance.now() - began) / 1000, answer];
}

const python = (workspace: Workspace, script: string, ...args: string[]): unknown =>
  JSON.parse(
    execFileSync(pythonOf(workspace), [join(__dirname, script), ...args], {
      env: { ...process.env, PYTHONPATH: root },
      encoding: 'utf8',
    }),
  );

const joinLake = (workspace: Workspace, asItIs: boolean): Promise<LocalSession> =>
  openSession(workspace, {
    ...{ command: 'lake', mayShareRun: false, asItIs },
    ...{ say: () => undefined, progress: () => undefined },
  });

/** Seconds to boot, and to deploy when nothing has changed. */
async function start(workspace: Workspace): Promise<{ boot: number; deploy: number }> {
  const [booted, cloud] = await timed(() => boot(workspace));
  try {
    const clients = clientsFor(embedded(cloud.url, cloud.rootSecret));
    const said: string[] = [];
    const [deployed] = await timed(() =>
      deploy(workspace, cloud, clients, (line) => said.push(line)),
    );
    if (said.length > 0) throw new Error(`the deployment was not without a change: ${said[0]}`);
    return { boot: booted, deploy: deployed };
  } finally {
    await cloud.stop();
  }
}

/** Seconds of `npm run lake -- query rows_per_day` as a process of its own, from start to clean stop. */
async function command(workspace: Workspace, first: string, last: string): Promise<number> {
  const lake = [join(root, 'cli/setup/main.mjs'), 'lake', 'query', 'rows_per_day'];
  const [seconds, ended] = await timed(async () =>
    spawnSync(process.execPath, [...lake, `from_day=${first}`, `to_day=${last}`], {
      env: workspace.env,
      encoding: 'utf8',
    }),
  );
  if (ended.status !== 0) throw new Error(ended.stderr);
  return seconds;
}

/** Kilobytes that a snapshot writes after one query. */
async function snapshot(workspace: Workspace, session: LocalSession): Promise<number> {
  const folder = join(workspace.home, 'cloud-state');
  // What the start has changed is saved by now.
  await sleep(12_000);
  const since = Date.now();
  await runSql(workspace, session, 'select 1');
  await sleep(3_000);
  const services = readdirSync(join(folder, 'services')).map((name) => join('services', name));
  return (
    [...services, 'manifest.json', 'manifest.previous.json']
      .map((name) => statSync(join(folder, name)))
      .filter(({ mtimeMs }) => mtimeMs >= since)
      .reduce((sum, { size }) => sum + size, 0) / 1000
  );
}

/** The launcher's resident memory. Linux only; elsewhere NaN. */
function memory(workspace: Workspace): number {
  try {
    const pid = readFileSync(join(workspace.home, 'launcher.pid'), 'utf8').trim();
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

async function measure(workspace: Workspace, first: string, last: string): Promise<Figures> {
  const started = await start(workspace);
  const seconds = await command(workspace, first, last);
  const session = await joinLake(workspace, true);
  try {
    const written = await snapshot(workspace, session);
    return { ...started, command: seconds, memory: memory(workspace), snapshot: written };
  } finally {
    await session.close();
  }
}

/** Seconds of a query of some days through Athena and straight with DuckDB; both count the same tweets. */
async function query(
  workspace: Workspace,
  session: LocalSession,
  first: string,
  last: string,
): Promise<[number, number]> {
  const sql = `select count(*), count(distinct author_id) from tweets where dt between '${first}' and '${last}'`;
  const [seconds, { rows }] = await timed(() => runSql(workspace, session, sql));
  const tweets = `s3/${account}/${session.outputs.BucketName}/cleaned-data/tweets`;
  const direct = Direct.parse(
    python(workspace, 'duck.py', join(workspace.home, tweets), first, last),
  );
  if (Number(rows[0]?.[0]) !== direct.tweets)
    throw new Error(`Athena counts ${rows[0]?.[0]} tweets, DuckDB ${direct.tweets}`);
  return [seconds, direct.seconds];
}

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'lake-bench-cloud-'));
  const port = await freePort();
  const env = { ...process.env, LAKE_HOME: home, LAKE_PORT: String(port) };
  const workspace: Workspace = { root, home, port, env, signal: new AbortController().signal };
  try {
    const session = await joinLake(workspace, false);
    const { BucketName, DatabaseName } = session.outputs;
    await session.close();
    const empty = await measure(workspace, '2025-01-01', '2025-01-07');

    const size = [objects, days, nights].map(String);
    const { first, last, megabytes } = Filled.parse(
      python(workspace, 'fill.py', home, BucketName, DatabaseName, ...size),
    );
    // The first start divides the state that fill.py wrote.
    await (await joinLake(workspace, true)).close();
    const full = await measure(workspace, first, last);

    say(`${objects} objects (${megabytes.toFixed(0)} MB) in ${days} days, ${nights} nights\n`);
    say('| what | empty lake | full lake |\n|---|---:|---:|');
    const row = (what: string, name: keyof Figures, unit: string, digits = 1) =>
      say(
        `| ${what} | ${empty[name].toFixed(digits)} ${unit} | ${full[name].toFixed(digits)} ${unit} |`,
      );
    row('boot', 'boot', 's');
    row('deploy without a change', 'deploy', 's');
    row('`npm run lake -- query rows_per_day`, all days', 'command', 's');
    row('a snapshot after a query', 'snapshot', 'kB', 0);
    row("the launcher's memory", 'memory', 'MB', 0);

    const opened = await joinLake(workspace, true);
    try {
      say('\n| query of | Athena | DuckDB on the files | ratio |\n|---|---:|---:|---:|');
      const at = (day: number) =>
        new Date(Date.parse(first) + day * 86_400_000).toISOString().slice(0, 10);
      const spans = { 'one day': at(0), '7 days': at(6), '30 days': at(29), 'all days': last };
      for (const [what, until] of Object.entries(spans)) {
        const [athena, duck] = await query(workspace, opened, first, until);
        say(
          `| ${what} | ${athena.toFixed(2)} s | ${duck.toFixed(2)} s | ${(duck / athena).toFixed(2)} |`,
        );
      }
    } finally {
      await opened.close();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

void main();
