import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendLog, clearOldRuns, keepLogsSmall, largestLog } from '../../../embedded/cloud/logs';
import { keepNoteFresh, writeNote } from '../../../embedded/cloud/note';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lake-logs-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A folder of a run that ended so many minutes after the first. */
function run(minute: number): void {
  const folder = join(home, 'runs', `run-${minute}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'history.json'), '{}');
  utimesSync(folder, 60 * minute, 60 * minute);
}

test('the newest fifty runs are kept', () => {
  for (let minute = 0; minute < 60; minute += 1) run(minute);

  clearOldRuns(home);

  const kept = readdirSync(join(home, 'runs'));
  expect(kept).toHaveLength(50);
  expect(kept).toContain('run-59');
  expect(kept).not.toContain('run-9');
});

test('a log that grew too large is put aside once, a small one goes on', () => {
  mkdirSync(join(home, 'logs'));
  for (const name of ['launcher.log', 'gateway.log']) writeFileSync(join(home, 'logs', name), '');
  truncateSync(join(home, 'logs', 'launcher.log'), 17 * 1024 * 1024);

  clearOldRuns(home);

  expect(readdirSync(join(home, 'logs')).sort()).toEqual(['gateway.log', 'launcher.log.1']);
});

test('the log of a program that runs is put aside, and the program goes on writing to it', () => {
  const folder = join(home, 'logs', 'endpoints');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'sentiment.log');
  const program = openSync(path, 'a');
  writeSync(program, 'early\n');
  truncateSync(path, largestLog + 1);

  clearOldRuns(home);
  writeSync(program, 'late\n');
  closeSync(program);

  expect(readFileSync(path, 'utf8')).toBe('late\n');
  expect(readFileSync(`${path}.1`, 'utf8').slice(0, 6)).toBe('early\n');
});

test('what a lake writes stays bounded while it runs', async () => {
  const log = join(home, 'logs', 'launcher.log');
  const stop = keepLogsSmall(home, 20);
  for (let round = 0; round < 3; round += 1) {
    mkdirSync(join(home, 'logs'), { recursive: true });
    appendLog(log, 'line');
    truncateSync(log, largestLog + 1);
    run(round);
    await sleep(100);
  }
  stop();
  appendLog(log, 'last');

  expect(readdirSync(join(home, 'logs')).sort()).toEqual(['launcher.log', 'launcher.log.1']);
  expect(readFileSync(log, 'utf8')).toMatch(/^\S+ last\n$/);
});

test('a new lake has nothing to clear, and a log that cannot be written ends nothing', () => {
  clearOldRuns(join(home, 'new'));

  expect(() => appendLog(join(home, 'gone', 'gateway.log'), 'line')).not.toThrow();
});

test('a lake whose folder is removed is told of once, and nothing is thrown', async () => {
  writeNote(home, { pid: process.pid, port: 1, ready: true, tweetsFrom: 'http://127.0.0.1:1/' });
  const lost: unknown[] = [];
  const stop = keepNoteFresh(home, (error) => lost.push(error));

  rmSync(home, { recursive: true });
  await sleep(3_500);
  stop();

  expect(lost).toEqual([expect.objectContaining({ code: 'ENOENT' })]);
});
