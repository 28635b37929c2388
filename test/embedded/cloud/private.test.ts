import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { makePrivate } from '../../../embedded/cloud/private';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lake-private-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** A file that everybody may read, in folders that everybody may list. */
function openFile(path: string, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  chmodSync(path, mode);
  for (let at = dirname(path); at.startsWith(folder); at = dirname(at)) chmodSync(at, 0o755);
  return path;
}

test('a new lake is for its owner alone', () => {
  const home = join(folder, 'new', '.lake');

  makePrivate(home);

  expect(modeOf(home)).toBe('700');
});

test('everything in a lake of before is taken away from others', () => {
  const home = join(folder, '.lake');
  const files = [
    'state/services/iam-0.json',
    's3/bucket/key',
    'gateway/endpoints.json',
    'runs/night/report.html',
    'lock',
  ].map((name) => openFile(join(home, name)));
  const program = openFile(join(home, 'cdk.out', 'run.sh'), 0o755);

  makePrivate(home);

  expect(files.map(modeOf)).toEqual(files.map(() => '600'));
  expect(modeOf(program)).toBe('700');
  expect([home, dirname(files[0] ?? '')].map(modeOf)).toEqual(['700', '700']);
});

test('a private folder is looked into, for a program may have copied an open file there', () => {
  const home = join(folder, '.lake');
  const file = openFile(join(home, 'cdk.out', 'asset.1', 'index.js'));
  chmodSync(join(home, 'cdk.out'), 0o700);

  makePrivate(home);

  expect(modeOf(file)).toBe('600');
});

test('what is not the lake’s stays as it is', () => {
  const home = join(folder, 'home-of-a-person');
  const theirs = openFile(join(home, 'letters', 'letter.txt'));
  const outside = openFile(join(folder, 'outside.txt'));
  mkdirSync(join(home, 'logs'));
  symlinkSync(outside, join(home, 'logs', 'link'));

  makePrivate(home);

  expect([home, dirname(theirs), theirs, outside].map(modeOf)).toEqual([
    '755',
    '755',
    '644',
    '644',
  ]);
});
