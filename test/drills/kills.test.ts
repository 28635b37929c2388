import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectWithDescribedStep } from '../support/described-step';
import { Person, type Ended } from './person';

/*
 * What a person's power cut does: `npm start` is killed outright, again and again, each time further on.
 * Each start has to work with what the one before left behind, and in the end the lake has to hold what
 * an unbroken night would have brought.
 */
const tweets = 300;
let person: Person;
/** A copy of the project with one step more. */
let project: string;
/** By every start so far. */
let printed = '';

beforeAll(async () => {
  person = await Person.arrive('kills');
  project = mkdtempSync(join(tmpdir(), 'lake-with-a-step-'));
});

afterAll(async () => {
  await person.leave();
  rmSync(project, { recursive: true, force: true });
});

async function run(args: string[], killAt?: RegExp): Promise<Ended> {
  const ended = await person.run(args, killAt).ended;
  printed += ended.output;
  return ended;
}
const night = ['start', '--max-tweets', String(tweets)];

test('a kill while the cloud boots and deploys', async () => {
  const { code, output } = await run(night, /Embedded cloud: booting/);

  expect(code).toBeNull();
  expect(output).not.toContain('Execution');
});

test('a kill while tweets are ingested', async () => {
  const { code, output } = await run(night, /Ingest tweets …/);

  expect(code).toBeNull();
  expect(output).toMatch(/Execution nightly-\S+ started/);
});

test.each([
  ['while Spark works', /Spark is cleaning/],
  ['while the LSTM learns', /the LSTM is training/],
])('the next start goes on with the run that was cut off; a kill %s', async (_, moment) => {
  const { code, output } = await run(['start'], moment);

  expect(code).toBeNull();
  expect(output).toMatch(
    /nightly-\S+ stopped when its process ended\. It resumes where it stopped\./,
  );
});

test('the last start ends the night, and the lake holds each tweet once', async () => {
  const { code, output } = await run(['start']);

  expect(output).toMatch(/nightly-\S+ SUCCEEDED/);
  expect(code).toBe(0);
  // What had succeeded before a kill was not done again.
  expect(output).not.toContain('Ingest tweets');
  const { output: table } = await run([
    'lake',
    'sql',
    'select count(*) as n, count(distinct tweet_id) as ids from tweets',
  ]);
  const [, rows, ids] = /^ *(\d+) +(\d+)$/m.exec(table) ?? [];
  expect(ids).toBe(rows);
  // A call that was killed before its page was kept counts as spent, since X may have charged for
  // it. The ingest says how many posts that were, and it is short of its budget by no more.
  const [, unanswered = '0'] = /up to (\d+) posts may have been billed/.exec(printed) ?? [];
  expect(Number(rows) + Number(unanswered)).toBe(tweets);
  expect(readdirSync(join(person.home, 'runs'))).toHaveLength(1);
  expect(existsSync(join(person.home, 'lock'))).toBe(false);
});

test('nobody else on the machine may read a file of the lake', () => {
  const paths = readdirSync(person.home, { recursive: true, withFileTypes: true }).map((entry) =>
    join(entry.parentPath, entry.name),
  );
  const open = [person.home, ...paths].filter((path) => {
    const found = lstatSync(path);
    return !found.isSymbolicLink() && (found.mode & 0o077) !== 0;
  });

  expect(paths.length).toBeGreaterThan(100);
  expect(open).toEqual([]);
});

/*
 * Here, because this lake has a night's tweets: the copy is deployed over it, and replays a day.
 */
test('the step of docs/add-a-step.md is type-checked, deployed, and runs', async () => {
  projectWithDescribedStep(project);
  // The newest day with tweets: the budget of these runs may not reach back to yesterday.
  const stored = readdirSync(join(person.home, 's3'), { recursive: true, encoding: 'utf8' });
  const [day = 'no day has tweets'] = stored
    .flatMap((path) => /raw-data\/tweets\/dt=([\d-]{10})/.exec(path)?.[1] ?? [])
    .sort()
    .reverse();

  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit'], {
    cwd: project,
    stdio: 'inherit',
  });
  const replay = ['lake', 'replay', '--from', day, '--to', day];
  const { code, output } = await person.run(replay, undefined, project).ended;

  // All of the output where it fails.
  expect([code, output]).toEqual([0, expect.stringMatching(/^✓ Export the counts +\d/m)]);
  const exported = readdirSync(join(person.home, 's3'), { recursive: true, encoding: 'utf8' }).find(
    (path) => /processed-data\/exports\/[^/]+(?<!\.meta)\.json$/.test(path),
  );
  const counts: unknown = JSON.parse(
    readFileSync(join(person.home, 's3', exported ?? 'nothing was exported'), 'utf8'),
  );
  expect(counts).toEqual({ days: 1, rows: expect.any(Number) });
});
