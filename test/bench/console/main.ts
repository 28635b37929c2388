/**
 * How fast the console is over a week of tweets: makes a lake, opens the console's pages in Chromium, and measures when
 * each paints first, when its content is there, and when Lake's sentiment chart is drawn.
 *
 *     npm run bench:console -- [tweets] [days] [--lake <folder>]
 *
 * 100,000 tweets on 7 days unless named. A lake in `--lake` is kept, and measured again the next time without being made
 * again. Each page is loaded LOADS times: the first finds nothing cached in the server or in Athena's workers.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium, type Browser } from 'playwright-core';
import { z } from 'zod';
import { runSql } from '../../../cli/athena';
import { buildPage } from '../../../cli/console/page';
import { startRun } from '../../../cli/run/launch';
import { openScreen } from '../../../cli/screen';
import { openSession } from '../../../embedded/cloud/session';
import { freePort } from '../../../embedded/gateway/free-port';
import { account, pythonOf, type Workspace } from '../../../session/workspace';
import { datasets } from '../../../workflows/datasets';
import { bringUp, commandLine, end, root, startNode, tidily } from '../programs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { lake: { type: 'string' } },
});
const [tweets = 100_000, days = 7] = positionals.map(Number);
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const DAY_MS = 86_400_000;
/** One tweet in twenty of fill.py was fetched twice. */
const DISTINCT = 0.95;
const LOADS = 5;
const pageMillis = 60_000;
const readyMillis = 8 * 60_000;
const goals = { bundle: 300_000, paint: 1000, chart: 2000 };

const dayBack = (back: number): string =>
  new Date(Date.now() - (back + 1) * DAY_MS).toISOString().slice(0, 10);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const row = (...cells: (string | number)[]): void => say(`| ${cells.join(' | ')} |`);
/** The runs' progress, beside the table. */
const progress = openScreen(process.stderr);

const joinLake = (workspace: Workspace) =>
  openSession(workspace, {
    ...{ command: 'lake', mayShareRun: true, asItIs: true },
    ...{ say: () => undefined, progress: () => undefined },
  });

/** Fills an empty lake, cleans all days, trains a model and has it score them. */
async function makeLake(workspace: Workspace): Promise<void> {
  const whileUp = async (
    work: (session: Awaited<ReturnType<typeof joinLake>>) => Promise<void>,
  ) => {
    const lake = await bringUp(workspace.env);
    try {
      await work(await joinLake(workspace));
    } finally {
      await end(lake);
    }
  };
  let bucket = '';
  await whileUp(async ({ outputs }) => {
    bucket = outputs.BucketName;
  });
  const folder = join(workspace.home, 's3', account, bucket, datasets.raw_tweets.prefix);
  const perDay = Math.ceil(tweets / days / DISTINCT);
  const fill = join(__dirname, '../lake/fill.py');
  execFileSync(pythonOf(workspace), [fill, folder, ...[perDay, dayBack(0), days].map(String)]);
  await whileUp(async (session) => {
    for (const input of [
      { mode: 'replay', from: dayBack(days - 1), to: dayBack(0), stream: false },
      { mode: 'retrain' },
    ]) {
      const run = await startRun(workspace, session, progress, input);
      if (run.status !== 'SUCCEEDED')
        throw new Error(`${run.name} ended as ${run.status}: ${run.timeline.failure?.cause}`);
    }
  });
}

/** Starts the console and waits for its address. */
async function openConsole(env: NodeJS.ProcessEnv): Promise<string> {
  const child = startNode([commandLine, 'console', '--port', String(await freePort())], env);
  let text = '';
  const read = (data: Buffer) => (text += data.toString());
  child.stdout?.on('data', read);
  child.stderr?.on('data', read);
  for (const deadline = Date.now() + readyMillis; Date.now() < deadline;) {
    const [, address] = /The console is at (\S+)/.exec(text) ?? [];
    if (address !== undefined) return address;
    if (child.exitCode !== null) break;
    await new Promise((go) => setTimeout(go, 200));
  }
  throw new Error(`the console is not there:\n${text}`);
}

interface Load {
  /** Milliseconds since the navigation began. */
  paint: number;
  content: number;
  /** When nothing of the page is still loading; the next load has the machine for itself. */
  all: number;
}

const Millis = z.number();

/** Loads one page of the console anew, in a tab that has the token. */
async function load(
  browser: Browser,
  address: string,
  hash: string,
  selector: string,
): Promise<Load> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.setDefaultTimeout(pageMillis);
  try {
    await page.goto(address);
    await page.waitForSelector('td a');
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await page.reload();
    await page.waitForSelector(selector);
    const content = Millis.parse(await page.evaluate('performance.now()'));
    const paint = Millis.parse(
      await page.evaluate('performance.getEntriesByName("first-contentful-paint")[0].startTime'),
    );
    await page.waitForSelector('main [role=status]', { state: 'detached' });
    const all = Millis.parse(await page.evaluate('performance.now()'));
    return { paint, content, all };
  } finally {
    await page.close();
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const shown = (millis: number): string => `${(millis / 1000).toFixed(2)} s`;

async function measure(folder: string): Promise<void> {
  if (!existsSync(CHROMIUM))
    throw new Error(`There is no ${CHROMIUM}: apt-get install -y chromium, or set CHROMIUM.`);
  const home = options.lake === undefined ? join(folder, 'lake') : resolve(options.lake);
  const port = await freePort();
  const env = { ...process.env, LAKE_HOME: home, LAKE_PORT: String(port) };
  const workspace: Workspace = { root, home, port, env, signal: new AbortController().signal };
  if (!existsSync(home)) await makeLake(workspace);

  const address = await openConsole(env);
  const session = await joinLake(workspace);
  const { rows } = await runSql(workspace, session, 'select count(*) from tweets');
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const first = await browser.newPage();
    await first.goto(address);
    const run = await first.getAttribute('td a', 'href');
    await first.close();

    const page = buildPage(root);
    const bundle = [...page.files.values()].reduce(
      (sum, { body }) => sum + gzipSync(body).length,
      0,
    );
    say(`${Number(rows[0]?.[0]).toLocaleString('en-US')} tweets on ${days} days\n`);
    row('what', 'first load', `median of ${LOADS}`, 'goal', '');
    row('---', '---:', '---:', '---:', '---');
    const line = (what: string, values: readonly number[], goal: number | null) => {
      const worst = Math.max(values[0] ?? Number.NaN, median(values));
      const result = goal === null ? '' : worst < goal ? 'met' : 'missed';
      const wanted = goal === null ? '' : `under ${shown(goal)}`;
      row(what, shown(values[0] ?? Number.NaN), shown(median(values)), wanted, result);
    };
    for (const { what, hash, selector, goal } of [
      { what: 'Runs', hash: '#/runs', selector: 'td a', goal: null },
      { what: 'a run', hash: run ?? '', selector: '.graph .done', goal: null },
      { what: 'Lake', hash: '#/lake', selector: 'section > .chart svg', goal: goals.chart },
      { what: 'Model', hash: '#/model', selector: '.chart svg', goal: null },
    ]) {
      const loads: Load[] = [];
      for (let count = 0; count < LOADS; count += 1)
        loads.push(await load(browser, address, hash, selector));
      line(
        `${what}: first paint`,
        loads.map(({ paint }) => paint),
        goals.paint,
      );
      line(
        what === 'Lake' ? 'Lake: sentiment chart drawn' : `${what}: content there`,
        loads.map(({ content }) => content),
        goal,
      );
      if (what === 'Lake')
        line(
          'Lake: every answer there',
          loads.map(({ all }) => all),
          null,
        );
    }
    row(
      ...['bundle, gzipped', '', `${Math.round(bundle / 1000)} kB`],
      ...[`under ${goals.bundle / 1000} kB`, bundle < goals.bundle ? 'met' : 'missed'],
    );
    if (options.lake !== undefined) say(`\nThe lake is kept in ${home}.`);
  } finally {
    await browser.close();
    await session.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'lake-bench-console-'));
void tidily(folder, () => measure(folder));
