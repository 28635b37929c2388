import { lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { unpackOlderLake } from '../support/older-lake';
import { Person } from './person';

/*
 * A person who goes on with the lake of an older release: this one opens it, deploys over it, and nothing that the
 * older one kept is lost.
 */
let person: Person;

beforeAll(async () => {
  person = await Person.arrive('upgrade');
  unpackOlderLake(person.home);
});

afterAll(() => person.leave());

test('the first start moves the state, deploys, and ends in order', async () => {
  const up = person.run(['up']);
  while (!/The lake is up at/.test(up.output())) {
    const ended = await Promise.race([
      up.ended,
      new Promise<null>((go) => setTimeout(go, 500, null)),
    ]);
    if (ended) throw new Error(ended.output);
  }
  person.interrupt();
  await up.ended;

  expect(statSync(join(person.home, 'state')).isFile()).toBe(true);
  expect(readdirSync(join(person.home, 'cloud-state'))).toContain('manifest.json');
});

test('its runs are listed, and its tweets answered', async () => {
  const { output: runs } = await person.lake('history');
  const { output: rows } = await person.lake(
    'sql',
    'select count(distinct tweet_id) as n from tweets',
  );

  expect(runs).toContain('nightly-20261128-003303');
  expect(runs).toContain('import-20261128-004309');
  expect(rows).toMatch(/^ *23$/m);
});

const columns =
  'select count(*) as n, count(hashtags) as tags, count(mentions) as names from tweets';

test('columns that it did not have are null, and the questions about them are answered', async () => {
  const { output: counts } = await person.lake('sql', columns);
  const { code, output } = await person.lake(
    ...['query', 'top_mentions', 'from_day=2026-11-01', 'to_day=2026-11-30'],
  );

  expect(counts).toMatch(/^ *23 +0 +0$/m);
  expect(output).toMatch(/\(0 rows\)/);
  expect(code).toBe(0);
});

test('a run of this release goes on with its plans', async () => {
  const { code, output } = await person.lake('run', '--mode', 'ingest', '--max-tweets', '10');

  expect(output).toMatch(/ingest-\S+ SUCCEEDED/);
  expect(code).toBe(0);
});

test('nothing of it is open to others any more', () => {
  const open = readdirSync(person.home, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !lstatSync(path).isSymbolicLink() && (statSync(path).mode & 0o077) !== 0);

  expect(open).toEqual([]);
});

test('a lake whose folder is removed while it is up ends in order, with one line that says so', async () => {
  const up = person.run(['up']);
  while (!/The lake is up at/.test(up.output())) {
    const ended = await Promise.race([
      up.ended,
      new Promise<null>((go) => setTimeout(go, 500, null)),
    ]);
    if (ended) throw new Error(ended.output);
  }

  await removeWhileItIsWritten(person.home);
  const { code, output } = await up.ended;

  expect(code).toBe(1);
  expect(output).toMatch(
    /The lake in \S+ stops, because its folder cannot be written: \S+cloud\.json could not be used: it does not exist\.$/m,
  );
  expect(output).not.toMatch(/^ +at /m);
});

/**
 * Removes a folder whose processes still write. Node's own `maxRetries` does not help: it tries again to remove the
 * folder that a process filled meanwhile, without emptying it.
 */
async function removeWhileItIsWritten(folder: string): Promise<void> {
  for (let triesLeft = 200; ; triesLeft -= 1) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
      if (triesLeft === 0) throw error;
      await delay(50);
    }
  }
}
