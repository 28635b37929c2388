import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runFolder } from '../../session/workspace';
import { fileName, writeAtomically } from '../../session/files';
import { FullDisk } from '../support/full-disk';

jest.setTimeout(60_000);

let disk: FullDisk;

beforeEach(() => {
  disk = new FullDisk();
});

afterEach(() => disk.remove());

test('a file on a full disk stays as it was, nothing half written is left, and the message names both', () => {
  const path = join(disk.folder, 'lake', 'note.json');

  const said = disk.run(`
    const { writeAtomically } = require('./session/files.ts');
    writeAtomically(${JSON.stringify(path)}, 'a'.repeat(20_000));
    try {
      writeAtomically(${JSON.stringify(path)}, 'b'.repeat(200_000));
      console.log('no error');
    } catch (error) {
      console.log(error.message);
    }`);

  const why = disk.isReal ? 'the disk is full' : 'the file would exceed the size limit';
  expect(said).toContain(`${path} could not be written: ${why}`);
  expect(readFileSync(path, 'utf8')).toBe('a'.repeat(20_000));
  expect(readdirSync(join(disk.folder, 'lake'))).toEqual(['note.json']);
});

test('the gateway’s state on a full disk is the last one that was saved', () => {
  const path = join(disk.folder, 'lake', 'jobs.json');

  const said = disk.run(`
    const { z } = require('zod');
    const { StateFile } = require('./embedded/gateway/state.ts');
    const open = () =>
      new StateFile(${JSON.stringify(path)}, z.array(z.string()), [], (line) => console.log('log: ' + line));
    const state = open();
    state.value.push('a'.repeat(20_000));
    state.save();
    state.value.push('b'.repeat(200_000));
    try {
      state.save();
      console.log('no error');
    } catch (error) {
      console.log(error.message);
    }
    console.log('read again: ' + open().value.length);`);

  expect(said).toContain(`${path} could not be written: `);
  expect(said).toContain('read again: 1');
  expect(said).not.toContain('log:');
});

test('a file is written for its owner alone, and its folder with it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lake-files-'));
  const path = join(folder, 'deep', 'er', 'file');

  writeAtomically(path, Uint8Array.of(1, 2, 3));

  expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

test('a place where nothing can be written is named', () => {
  expect(() => writeAtomically('/dev/null/file', '')).toThrow(
    /^\/dev\/null\/file could not be written: /,
  );
});

test.each([
  '..',
  '.',
  '../../etc/cron.d/x',
  '/etc/passwd',
  'a/../../b',
  'a\\b',
  '\0',
  '',
  '.ssh',
  'é',
  'n'.repeat(300),
])('an execution called %j has its folder among the runs', (name) => {
  const lake = { root: '/', home: '/lake', port: 1, env: {}, signal: new AbortController().signal };

  expect(dirname(runFolder(lake, name))).toBe('/lake/runs');
  expect(basename(runFolder(lake, name))).toMatch(/^[\w-]{1,99}$/);
});

test('ordinary names stay, and no two others meet', () => {
  expect(fileName('nightly-20261128-001607')).toBe('nightly-20261128-001607');
  expect(fileName('a/b')).not.toBe(fileName('a_b'));
  expect(fileName('a/b')).not.toBe(fileName('a:b'));
});
