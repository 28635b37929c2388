/**
 * A large lake through the whole stack, with wall times and peak memory: deployment, cleaning and publishing of all
 * days, scoring of the whole history, questions, and a training on it.
 *
 *     npm run bench:lake -- [tweets] [days] [--no-scores]
 *
 * A million tweets on 365 days unless named; ten million take half an hour and more, and 20 GB of disk. Raw pages have
 * up to 10,000 tweets, as large as compacted ones. The first model learns from the bundled labels and the last day
 * alone, so that the replay of all days also scores them (not with --no-scores); the second learns from the whole lake.
 * DuckDB counts the same tweets on the files, beside Athena. Linux only: memory is read from /proc.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { runSql } from '../../../cli/athena';
import { runNamedQuery } from '../../../cli/query';
import { startRun } from '../../../cli/run/launch';
import { openScreen, seconds as shown } from '../../../cli/screen';
import { openSession, type LocalSession } from '../../../embedded/cloud/session';
import { freePort } from '../../../embedded/gateway/free-port';
import { account, pythonOf, type Workspace } from '../../../session/workspace';
import { datasets } from '../../../workflows/datasets';
import { bringUp, end, root, tidily } from '../programs';
import { Memory } from './memory';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'no-scores': { type: 'boolean', default: false } },
});
const [tweets = 1_000_000, days = 365] = positionals.map(Number);
const DAY_MS = 86_400_000;
const yesterday = Date.now() - DAY_MS;
/** A day of the lake, counted from the last one back. */
const dayBack = (back: number): string =>
  new Date(yesterday - back * DAY_MS).toISOString().slice(0, 10);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const row = (...cells: (string | number)[]): void => say(`| ${cells.join(' | ')} |`);
/** The run's progress, beside the table. */
const progress = openScreen(process.stderr);
const gb = (bytes: number): string => (bytes / 1e9).toFixed(2);
const Direct = z.object({ tweets: z.number(), seconds: z.number() });

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const began = performance.now();
  const answer = await work();
  return [performance.now() - began, answer];
}

/** Prints a line of the table: what took how long, and the memory of its time. */
function sayLine(memory: Memory, what: string, millis: number, note = ''): void {
  const { total, kinds } = memory.take();
  const largest = [...kinds].sort(([, one], [, other]) => other - one).slice(0, 3);
  const groups = largest.map(([kind, bytes]) => `${kind} ${gb(bytes)}`).join(', ');
  row(what, shown(millis), gb(total), groups, note);
}

/** Writes the raw pages of `count` days into the lake, which must be down; `until` is days back. */
const fill = (workspace: Workspace, bucket: string, until: number, count: number): void => {
  const folder = join(workspace.home, 's3', account, bucket, datasets.raw_tweets.prefix);
  const size = [Math.round(tweets / days), dayBack(until), count].map(String);
  execFileSync(pythonOf(workspace), [join(__dirname, 'fill.py'), folder, ...size]);
};

async function runAndTell(
  workspace: Workspace,
  session: LocalSession,
  memory: Memory,
  what: string,
  input: Record<string, unknown>,
): Promise<void> {
  memory.take();
  const [millis, run] = await timed(() => startRun(workspace, session, progress, input));
  if (run.status !== 'SUCCEEDED')
    throw new Error(
      `${run.name} ended as ${run.status}: ${run.timeline.failure?.error}: ${run.timeline.failure?.cause}`,
    );
  sayLine(memory, what, millis);
  for (const { name, startedAt, endedAt, text } of run.timeline.stages) {
    const took = (endedAt ?? startedAt) - startedAt;
    if (took >= 1000) row(`- ${name}`, shown(took), '', '', text);
  }
}

async function ask(workspace: Workspace, session: LocalSession, memory: Memory): Promise<void> {
  const names = ['rows_per_day', 'daily_sentiment', 'top_contributors', 'tweets_per_language'];
  const spans = { 'all days': dayBack(days - 1), '30 days': dayBack(Math.min(days, 30) - 1) };
  for (const [span, from] of Object.entries(spans)) {
    const values = { from_day: from, to_day: dayBack(0) };
    for (const name of names) {
      memory.take();
      const [millis, { rows }] = await timed(() => runNamedQuery(workspace, session, name, values));
      sayLine(memory, `\`query ${name}\`, ${span}`, millis, `${rows.length} rows`);
    }
    const sql = `select count(*), count(distinct author_id) from tweets where dt between '${from}' and '${dayBack(0)}'`;
    memory.take();
    const [millis, { rows }] = await timed(() => runSql(workspace, session, sql));
    const folder = join(
      ...[workspace.home, 's3', account, session.outputs.BucketName],
      datasets.tweets.prefix,
    );
    const duck = Direct.parse(
      JSON.parse(
        execFileSync(
          pythonOf(workspace),
          [join(__dirname, '../cloud/duck.py'), folder, from, dayBack(0)],
          { encoding: 'utf8' },
        ),
      ),
    );
    if (Number(rows[0]?.[0]) !== duck.tweets)
      throw new Error(`Athena counts ${rows[0]?.[0]} tweets, DuckDB ${duck.tweets}`);
    const ratio = ((duck.seconds * 1000) / millis).toFixed(2);
    sayLine(
      memory,
      `tweets and authors of ${span}`,
      millis,
      `${duck.tweets} tweets; DuckDB on the files ${duck.seconds.toFixed(2)} s, DuckDB / Athena ${ratio}`,
    );
  }
}

async function measure(folder: string): Promise<void> {
  const home = join(folder, 'lake');
  const port = await freePort();
  const env = { ...process.env, LAKE_HOME: home, LAKE_PORT: String(port) };
  const workspace: Workspace = { root, home, port, env, signal: new AbortController().signal };

  say(`${tweets} raw tweets on ${days} days, ${dayBack(days - 1)} to ${dayBack(0)}\n`);
  row('what', 'wall time', 'memory at most, GB', 'of it the largest, GB', '');
  row('---', '---:', '---:', '---', '---');

  /** Starts the lake for `work`, and tells how long the start took. */
  const whileUp = async (
    start: string,
    work: (session: LocalSession, memory: Memory) => Promise<void>,
  ): Promise<void> => {
    const [started, lake] = await timed(() => bringUp(env));
    const memory = new Memory(lake.pid ?? 0);
    const session = await openSession(workspace, {
      ...{ command: 'lake', mayShareRun: true, asItIs: true },
      ...{ say: () => undefined, progress: () => undefined },
    });
    try {
      await sleep(1000);
      sayLine(memory, start, started);
      await work(session, memory);
    } finally {
      memory.end();
      await session.close();
      await end(lake);
    }
  };
  const run = runAndTell.bind(null, workspace);
  const replay = { mode: 'replay', to: dayBack(0), stream: false };

  let bucket = '';
  await whileUp('start: first deployment', async ({ outputs }) => {
    bucket = outputs.BucketName;
  });
  fill(workspace, bucket, 0, 1);
  await whileUp('start: one day', async (session, memory) => {
    await run(session, memory, 'replay of the last day', { ...replay, from: dayBack(0) });
    if (!options['no-scores'])
      await run(session, memory, 'retrain: the first model', { mode: 'retrain' });
  });
  fill(workspace, bucket, 1, days - 1);
  await whileUp('start: all raw pages', async (session, memory) => {
    const from = dayBack(days - 1);
    await run(session, memory, 'replay of all days', { ...replay, from });
    await ask(workspace, session, memory);
    const training = { seed: 2 };
    await run(session, memory, 'retrain: the second model', { mode: 'retrain', training });
  });
  await whileUp('start: everything', async () => undefined);
}

const folder = mkdtempSync(join(tmpdir(), 'lake-bench-lake-'));
void tidily(folder, () => measure(folder));
