/**
 * `npm run bench:serving -- [--model <folder>] [--texts <file>] [--cores 1|2] [--seconds 2] [--program <file>]`
 * measures the serving program through HTTP, and VADER on as many cores in the same run; docs/model.md has the figures.
 *
 * With one core, the program runs on core 1 and the client on core 0, so the client takes nothing from it. With two, the
 * client shares them. Ratios are therefore of processor time: the program's alone, per tweet.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';

const ROOT = resolve(__dirname, '../..');
const PYTHON = join(ROOT, '.venv/bin/python');
const BATCHES = [1, 64, 256, 1000];
const CONNECTIONS = [1, 4, 8, 32];
const NETWORKS = ['model.onnx', 'model.int8.onnx'];
const IDLE_REQUESTS = 500;
/** Times as long as a cell of the table: it is measured once. */
const VADER_SECONDS = 3;
const CLIENT_CORE = '0';
const TICKS_PER_SECOND = 100;

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
}

interface Load {
  readonly tweets: number;
  readonly seconds: number;
  /** Of the serving program, per tweet. */
  readonly microseconds: number;
  /** Milliseconds of each request, sorted. */
  readonly latencies: readonly number[];
}

async function start(program: string, mlRoot: string, cores: string): Promise<Server> {
  const command = [process.execPath, program, 'serve'];
  const child = spawn('taskset', ['-c', cores, ...command], {
    env: { ...process.env, ML_ROOT: mlRoot, PORT: '0', HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  for (;;) {
    const port = /serving .* on 127\.0\.0\.1:(\d+)/.exec(output)?.[1];
    if (port) return { child, port: Number(port) };
    if (child.exitCode !== null) throw new Error('the serving program ended, see above');
    await sleep(50);
  }
}

/** Milliseconds of processor time, of all threads, in steps of a tick (10 ms): 0 for a very short load. */
function processorTime({ child }: Server): number {
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  // The name, in brackets, may have blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

function megabytes({ child }: Server, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024);
}

/** Requests of `batch` texts each, as bytes: the client does no work that it can do before. */
function requestsOf(texts: readonly string[], batch: number): Buffer[] {
  const count = Math.max(1, Math.floor(texts.length / batch));
  return Array.from({ length: count }, (_, at) => {
    const some = Array.from(
      { length: batch },
      (_, index) => texts[(at * batch + index) % texts.length],
    );
    const body = JSON.stringify({ texts: some });
    const head =
      'POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  });
}

/** Sends requests over one connection, one after the other, while `goes` says so. */
async function client(
  port: number,
  next: () => Buffer,
  goes: () => boolean,
  answered: (milliseconds: number) => void,
  pause = 0,
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  try {
    while (goes()) {
      const request = next();
      const begun = performance.now();
      const whole = wholeAnswer(socket);
      socket.write(request);
      await whole;
      answered(performance.now() - begun);
      if (pause > 0) await sleep(pause);
    }
  } finally {
    socket.destroy();
  }
}

/** Reads one answer. Throws an Error if it is not 200. */
function wholeAnswer(socket: ReturnType<typeof connect>): Promise<void> {
  return new Promise((done, failed) => {
    let received = '';
    let end = -1;
    const onData = (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (end < 0) {
        const head = received.indexOf('\r\n\r\n');
        if (head < 0) return;
        if (!received.startsWith('HTTP/1.1 200')) {
          failed(new Error(`not 200: ${received.slice(0, 500)}`));
          return;
        }
        const length = /content-length: (\d+)/i.exec(received.slice(0, head))?.[1];
        end = length === undefined ? Infinity : head + 4 + Number(length);
      }
      if (received.length < end && !(end === Infinity && received.endsWith('\r\n0\r\n\r\n')))
        return;
      socket.off('data', onData);
      socket.off('error', failed);
      done();
    };
    socket.on('data', onData);
    socket.on('error', failed);
  });
}

async function load(
  server: Server,
  texts: readonly string[],
  batch: number,
  connections: number,
  milliseconds: number,
  pause = 0,
): Promise<Load> {
  const requests = requestsOf(texts, batch);
  let sent = 0;
  const latencies: number[] = [];
  const before = processorTime(server);
  const begun = performance.now();
  const goes = () => performance.now() - begun < milliseconds;
  const next = () => requests[sent++ % requests.length] ?? Buffer.alloc(0);
  await Promise.all(
    Array.from({ length: connections }, () =>
      client(server.port, next, goes, (latency) => latencies.push(latency), pause),
    ),
  );
  const tweets = latencies.length * batch;
  return {
    tweets,
    seconds: (performance.now() - begun) / 1000,
    microseconds: ((processorTime(server) - before) * 1000) / tweets,
    latencies: latencies.sort((one, other) => one - other),
  };
}

const at = (latencies: readonly number[], share: number) =>
  (latencies[Math.floor(share * (latencies.length - 1))] ?? NaN).toFixed(1);

/** Tweets/s of the vaderSentiment package, the sum of a process for each core. */
async function vader(
  textsFile: string,
  cores: readonly string[],
  seconds: number,
): Promise<number> {
  const rates = await Promise.all(
    cores.map(async (core) => {
      const program = ['-m', 'ml.bench.serving_speed', '256', textsFile, 'vader', String(seconds)];
      const args = ['-c', core, PYTHON, ...program];
      const child = spawn('taskset', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', (data: Buffer) => (output += data.toString()));
      await once(child, 'close');
      return z.object({ tweets_per_second: z.number() }).parse(JSON.parse(output))
        .tweets_per_second;
    }),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}

async function measure(
  program: string,
  mlRoot: string,
  texts: readonly string[],
  cores: string,
  milliseconds: number,
  vaderMicroseconds: number,
): Promise<void> {
  const server = await start(program, mlRoot, cores);
  try {
    await load(server, texts, 64, 4, milliseconds);
    const memory = [megabytes(server, 'VmRSS')];
    for (const [name, connections, pause] of [
      ['idle', 1, 3],
      ['32 clients', 32, 0],
    ] as const) {
      const limit = pause > 0 ? IDLE_REQUESTS * pause : 2 * milliseconds;
      const { latencies } = await load(server, texts, 1, connections, limit, pause);
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => at(latencies, share));
      print(`one tweet, ${name}: p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms`);
    }
    print('| batch | connections | tweets/s | CPU µs a tweet | of VADER | p50 ms | p99 ms |');
    print('| ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
    for (const batch of BATCHES) {
      for (const connections of CONNECTIONS) {
        const found = await load(server, texts, batch, connections, milliseconds);
        const cells = [
          batch,
          connections,
          Math.round(found.tweets / found.seconds),
          found.microseconds === 0 ? '–' : found.microseconds.toFixed(1),
          found.microseconds === 0 ? '–' : (vaderMicroseconds / found.microseconds).toFixed(2),
          at(found.latencies, 0.5),
          at(found.latencies, 0.99),
        ];
        print(`| ${cells.join(' | ')} |`);
      }
      memory.push(megabytes(server, 'VmRSS'));
    }
    print(
      `memory: ${memory.join(', ')} MB before and after each batch size; ${megabytes(server, 'VmHWM')} MB at most\n`,
    );
  } finally {
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
  }
}

const print = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: join(ROOT, 'dist/bench-model/seed-1/model') },
      texts: {
        type: 'string',
        default: join(ROOT, '.venv/share/sentiment-lake/tweets_GroundTruth.txt'),
      },
      cores: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '2' },
      program: { type: 'string', default: join(ROOT, 'dist/serving/server.cjs') },
    },
  });
  if (!existsSync(join(values.model, 'model.json')))
    throw new Error(
      `${values.model} has no model.json. Train a model (npm run bench:model), or name the folder of an unpacked archive with --model`,
    );
  const texts = readFileSync(values.texts, 'utf8')
    .trimEnd()
    .split('\n')
    // The corpus has an id and a score before each text.
    .map((line) => line.split('\t').at(-1) ?? '');
  const cores = values.cores === '2' ? '0,1' : '1';
  const temporary = mkdtempSync(join(tmpdir(), 'serving-load-'));
  try {
    execFileSync('taskset', [
      '-acp',
      values.cores === '2' ? '0,1' : CLIENT_CORE,
      String(process.pid),
    ]);
    const textsFile = join(temporary, 'texts.json');
    writeFileSync(textsFile, JSON.stringify(texts));
    print(
      values.cores === '2'
        ? 'Program, client and VADER share cores 0 and 1. "of VADER" compares processor time a tweet.'
        : 'The program has core 1 alone, the client core 0; VADER runs on core 1. "of VADER" compares processor time a tweet.',
    );
    const count = cores.split(',').length;
    const rate = await vader(textsFile, cores.split(','), VADER_SECONDS * Number(values.seconds));
    print(`VADER (package vaderSentiment), ${count} process(es): ${Math.round(rate)} tweets/s\n`);
    for (const network of NETWORKS) {
      cpSync(values.model, join(temporary, 'model'), { recursive: true });
      const file = join(temporary, 'model/model.json');
      const description = z.looseObject({}).parse(JSON.parse(readFileSync(file, 'utf8')));
      writeFileSync(file, JSON.stringify({ ...description, network }));
      print(network);
      await measure(
        values.program,
        temporary,
        texts,
        cores,
        1000 * Number(values.seconds),
        (1e6 * count) / rate,
      );
    }
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(`bench:serving: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
