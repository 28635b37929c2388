/**
 * What a lake keeps after night upon night: runs the real pipeline once for each night, each a day later than the one
 * before, and counts objects, versions, partitions, executions, models and bytes of the folder.
 *
 *     npm run bench:month -- [nights] [tweets a day] [days apart]
 *
 * 30 nights of 300 tweets a day, a day apart, unless named (X's search reaches back seven days); a night takes one to two
 * minutes. A C library of forty lines (clock.c) shifts the clock of all programs, so Linux and a C compiler (`cc`) are
 * needed. X is a server of this process.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdtempSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArchivedPost } from '../../../embedded/x-api/archive';
import { authors } from '../../../embedded/x-api/authors';
import { serveXApi } from '../../../embedded/x-api/handler';
import { indexed } from '../../../embedded/x-api/query';
import { idAt } from '../../../embedded/x-api/snowflake';
import { corpusPath, readCorpus } from '../../../embedded/corpus/read-corpus';
import { freePort } from '../../../embedded/gateway/free-port';
import { bringUp, commandLine, end, output, root, tidily } from '../programs';
import { Kept, type Objects } from './kept';

const [nights = 30, tweetsPerDay = 300, daysApart = 1] = process.argv.slice(2).map(Number);
const DAY_MS = 86_400_000;
/** A night that hangs ends the benchmark. */
const nightMillis = 15 * 60_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Compiles clock.c and tries it; returns the library. Throws Error that says what is missing. */
function buildClock(folder: string): string {
  if (process.platform !== 'linux')
    throw new Error('bench:month shifts the clock with LD_PRELOAD, which only Linux has.');
  const library = join(folder, 'clock.so');
  const source = join(__dirname, 'clock.c');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    throw new Error(
      'bench:month needs a C compiler named `cc`, to shift the clock: the package build-essential or gcc of most systems.',
      { cause: error },
    );
  }
  const shifted = execFileSync(process.execPath, ['-p', 'Date.now()'], {
    env: { ...process.env, LD_PRELOAD: library, CLOCK_SHIFT_SECONDS: '86400' },
    encoding: 'utf8',
  });
  if (Math.abs(Number(shifted) - Date.now() - DAY_MS) > 60_000)
    throw new Error('clock.c does not shift the clock of Node on this system.');
  return library;
}

/** `tweetsPerDay` posts a day from the day before the first night on, newest first, with the corpus's texts. */
function invent(first: number): ArchivedPost[] {
  const texts = readCorpus(corpusPath(root));
  const count = ((nights - 1) * daysApart + 1) * tweetsPerDay;
  return Array.from({ length: count }, (_, index) => {
    const createdAt = Math.floor(first - DAY_MS + (index * DAY_MS) / tweetsPerDay);
    const author = authors[(index * 7) % authors.length];
    const text = texts[index % texts.length]?.text;
    if (author === undefined || text === undefined) throw new Error('there are no texts');
    return {
      id: idAt(createdAt, index % 4096),
      text,
      lang: 'en',
      createdAt,
      author,
      searchable: indexed({ text, lang: 'en', username: author.username }),
      metrics: { retweet_count: 1, reply_count: 0, like_count: index % 50, quote_count: 0 },
    };
  }).reverse();
}

function bytesBelow(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found?.size ?? 0;
  return readdirSync(path).reduce((sum, name) => sum + bytesBelow(join(path, name)), 0);
}

interface Night {
  night: number;
  seconds: number;
  promoted: boolean;
  kept: Kept;
  /** Bytes of the lake's folder, and of its parts but the objects. */
  folder: number;
  parts: Record<string, number>;
}

async function runNight(night: number, home: string, env: NodeJS.ProcessEnv): Promise<Night> {
  const began = performance.now();
  const lake = await bringUp(env);
  try {
    const input = { training: { epochs: 6, hidden_size: 32, seed: night } };
    const run = await output(
      [commandLine, 'lake', 'run', '--input', JSON.stringify(input)],
      env,
      nightMillis,
    );
    const count = ['--import', 'tsx', join(__dirname, 'count.ts')];
    const kept = Kept.parse(JSON.parse(await output(count, env, nightMillis)));
    await end(lake);
    const names = readdirSync(home).filter((name) => name !== 's3');
    return {
      ...{ night, kept, seconds: (performance.now() - began) / 1000 },
      promoted: / is in service/.test(run),
      folder: bytesBelow(home),
      parts: Object.fromEntries(names.map((name) => [name, bytesBelow(join(home, name))])),
    };
  } finally {
    await end(lake);
  }
}

const noObjects: Objects = { current: 0, bytes: 0, old: 0, oldBytes: 0 };
const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
const kb = (bytes: number): string => (bytes / 1e3).toFixed(0);
const row = (cells: readonly (string | number)[]): void => say(`| ${cells.join(' | ')} |`);

/** One line after each night. */
function sayNight({ night, seconds, promoted, kept, folder }: Night): void {
  const all = Object.values(kept.objects);
  const sum = (name: keyof Objects) => all.reduce((total, one) => total + one[name], 0);
  const tables = Object.entries(kept.partitions).map(([name, count]) => `${name} ${count}`);
  say(
    `night ${night}: ${seconds.toFixed(0)} s, ${promoted ? 'promoted' : 'not promoted'}; ${sum('current')} objects (${mb(sum('bytes'))} MB), ` +
      `${sum('old')} old versions (${mb(sum('oldBytes'))} MB); partitions: ${tables.join(', ')}; ${kept.executions} executions, ` +
      `${kept.models} models, ${kept.configs} configs, ${kept.trainingJobs} training and ${kept.transformJobs} transform jobs; folder ${mb(folder)} MB`,
  );
}

/** The whole table: a row for each thing that is kept, a column for each fifth night. */
function sayTable(all: readonly Night[]): void {
  const shown = all.filter(({ night }) => night === 1 || night % 5 === 0 || night === nights);
  const cells = (of: (night: Night) => string | number) => shown.map(of);
  row(['after night', ...cells(({ night }) => night)]);
  row(['---', ...shown.map(() => '---:')]);
  const prefixes = new Set(all.flatMap(({ kept }) => Object.keys(kept.objects)));
  for (const prefix of [...prefixes].sort())
    row([
      `\`${prefix}/\`: objects (kB), old versions (kB)`,
      ...cells(({ kept }) => {
        const { current, bytes, old, oldBytes } = kept.objects[prefix] ?? noObjects;
        return `${current} (${kb(bytes)}), ${old} (${kb(oldBytes)})`;
      }),
    ]);
  for (const table of Object.keys(all.at(-1)?.kept.partitions ?? {}))
    row([`partitions of \`${table}\``, ...cells(({ kept }) => kept.partitions[table] ?? 0)]);
  row(['executions', ...cells(({ kept }) => kept.executions)]);
  row(['models, endpoint configs', ...cells(({ kept }) => `${kept.models}, ${kept.configs}`)]);
  row([
    'training jobs, transform jobs',
    ...cells(({ kept }) => `${kept.trainingJobs}, ${kept.transformJobs}`),
  ]);
  row(['the folder, MB', ...cells(({ folder }) => mb(folder))]);
  const parts = new Set(all.flatMap((night) => Object.keys(night.parts)));
  for (const part of [...parts].sort())
    if (all.some((night) => (night.parts[part] ?? 0) > 100_000))
      row([`\`${part}\` in it, MB`, ...cells((night) => mb(night.parts[part] ?? 0))]);
  row(['seconds of the night', ...cells(({ seconds }) => seconds.toFixed(0))]);
}

async function measure(folder: string): Promise<void> {
  const home = join(folder, 'lake');
  let shift = 0;
  const posts = invent(Date.now());
  const now = () => Date.now() + shift;
  const x = createServer(
    serveXApi({ posts, release: () => 0 }, { now, requestsPerWindow: 1_000_000 }),
  );
  try {
    const clock = buildClock(folder);
    x.listen(0, '127.0.0.1');
    await once(x, 'listening');
    const address = x.address();
    const port = await freePort();
    const all: Night[] = [];
    for (let night = 1; night <= nights; night += 1) {
      shift = (night - 1) * daysApart * DAY_MS;
      const env = {
        ...process.env,
        LAKE_HOME: home,
        LAKE_PORT: String(port),
        X_API_BASE_URL: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/2/`,
        X_BEARER_TOKEN: 'bench',
        LD_PRELOAD: clock,
        CLOCK_SHIFT_SECONDS: String(shift / 1000),
      };
      const done = await runNight(night, home, env);
      all.push(done);
      sayNight(done);
      if (night % 5 === 0 && night < nights) sayTable(all);
    }
    sayTable(all);
  } finally {
    x.close();
    x.closeAllConnections();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'lake-bench-month-'));
void tidily(folder, () => measure(folder));
