import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holderOf, lockHome } from '../../../embedded/cloud/lock';

const newHome = () => mkdtempSync(join(tmpdir(), 'lock-'));

test('one command holds a lake; another learns who', () => {
  const home = newHome();
  const first = lockHome(home, 'start');

  const second = lockHome(home, 'up');

  expect(second).toEqual({
    holder: expect.objectContaining({ pid: process.pid, command: 'start' }),
  });
  expect(holderOf(home)?.command).toBe('start');
  if ('release' in first) first.release();
  expect(holderOf(home)).toBeUndefined();
  expect(readdirSync(home)).toEqual([]);
});

test('a lake that stays up after its run is held as that of npm run up, until it is released', () => {
  const home = newHome();
  const held = lockHome(home, 'start');
  if (!('keepUp' in held)) throw new Error('the lake is held');

  held.keepUp();

  expect(holderOf(home)).toMatchObject({ pid: process.pid, command: 'up' });
  held.release();
  held.keepUp();
  expect(holderOf(home)).toBeUndefined();
});

test('the lock of a killed process is taken over', async () => {
  const home = newHome();
  const killed = spawn('sleep', ['60']);
  const own = lockHome(home, 'start');
  const lock = join(home, 'lock');
  const holder = holderOf(home);
  writeFileSync(lock, JSON.stringify({ ...holder, pid: killed.pid }));
  expect(lockHome(home, 'lake')).toHaveProperty('holder');

  killed.kill('SIGKILL');
  await new Promise((resolve) => killed.once('close', resolve));

  expect(lockHome(home, 'lake')).toHaveProperty('release');
  // The one it was taken from must not give away what it does not hold.
  writeFileSync(lock, JSON.stringify({ ...holder, pid: 1 }));
  if ('release' in own) own.release();
  expect(existsSync(lock)).toBe(true);
});

test('process ids of before a reboot mean nothing', () => {
  const home = newHome();
  writeFileSync(
    join(home, 'lock'),
    JSON.stringify({ pid: process.pid, command: 'up', bootedAt: 'another boot' }),
  );

  expect(holderOf(home)).toBeUndefined();
  expect(lockHome(home, 'start')).toHaveProperty('release');
});

test('a lock that cannot be read is taken over', () => {
  const home = newHome();
  writeFileSync(join(home, 'lock'), '{"pid":');

  expect(lockHome(home, 'start')).toHaveProperty('release');
});
