import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { StateFile } from '../../../embedded/gateway/state';
import { lenient } from '../../../workflows/durable';

let folder: string;
let path: string;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lake-state-'));
  path = join(folder, 'jobs.json');
  said = [];
});

afterEach(() => rmSync(folder, { recursive: true }));

const Job = lenient(z.object({ id: z.string() }));
const open = () => new StateFile(path, z.array(Job), [], (line) => said.push(line));
const onDisk = (): unknown => JSON.parse(readFileSync(path, 'utf8'));

test('a file of 484cd63, which had no version, is read and written with one', () => {
  writeFileSync(path, JSON.stringify([{ id: 'one' }]));

  const state = open();
  state.save();

  expect(state.value).toEqual([{ id: 'one' }]);
  expect(onDisk()).toEqual({ schemaVersion: 1, value: [{ id: 'one' }] });
});

test('fields that a newer release added are kept', () => {
  writeFileSync(path, JSON.stringify({ schemaVersion: 1, value: [{ id: 'one', added: 'later' }] }));

  open().save();

  expect(onDisk()).toEqual({ schemaVersion: 1, value: [{ id: 'one', added: 'later' }] });
});

test('a file of a newer release is refused, with what to do, and stays as it is', () => {
  const content = JSON.stringify({ schemaVersion: 2, value: { jobs: [] } });
  writeFileSync(path, content);

  expect(open).toThrow(
    `${path} is of version 2, and this release of sentiment-lake reads versions up to 1. Nothing was changed. Use the release`,
  );
  expect(readdirSync(folder)).toEqual(['jobs.json']);
  expect(readFileSync(path, 'utf8')).toBe(content);
});

test('files that cannot be read are set aside, each under a name of its own', () => {
  for (const content of ['{', '[{"no":"id"}]']) {
    writeFileSync(path, content);

    expect(open().value).toEqual([]);
  }

  const kept = readdirSync(folder).filter((name) => name.endsWith('.unreadable'));
  expect(kept.map((name) => readFileSync(join(folder, name), 'utf8')).sort()).toEqual([
    '[{"no":"id"}]',
    '{',
  ]);
  expect(said).toHaveLength(2);
});
