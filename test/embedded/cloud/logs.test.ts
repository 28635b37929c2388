import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendLog, clearOldRuns } from '../../../embedded/cloud/logs';
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
