import { GetObjectCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import { parquetReadObjects } from 'hyparquet';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { clientsFor, embedded, type Clients } from '../../session/clients';
import { rootSecretOf } from '../../embedded/cloud/root-secret';
import { findOutputs, type Outputs } from '../../session/stack';
import { openKeyToRoot } from '../support/key-for-root';
import { Person, type Ended } from './person';

/*
 * An author is forgotten as a person does it: a night, the command, a kill in the middle of it, the command again. Then
 * nothing below any prefix may hold the author's id, name, tweets' ids or texts, old versions of objects included, and
 * neither the next search nor an import may bring them back.
 */
let person: Person;
let clients: Clients;
let outputs: Outputs;
let s3: S3Client;

const lake = (...args: string[]): Promise<Ended> => person.lake(...args);
const pause = (millis: number) => new Promise((done) => setTimeout(done, millis));

/** What an object says, as text: unpacked, Parquet as its rows. */
async function contentOf(key: string, bytes: Buffer): Promise<string> {
  if (key.endsWith('.gz') && !key.endsWith('.tar.gz')) return gunzipSync(bytes).toString('utf8');
  if (key.endsWith('.tar.gz')) return gunzipSync(bytes).toString('latin1');
  if (!key.endsWith('.parquet')) return bytes.toString('utf8');
  const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

/** Name and content of every version of every object in the lake's bucket. */
async function everyVersion(): Promise<{ key: string; isLatest: boolean; text: string }[]> {
  const found = [];
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectVersionsCommand({ Bucket: outputs.BucketName, KeyMarker, VersionIdMarker }),
    );
    for (const { Key = '', VersionId, IsLatest = false } of page.Versions ?? []) {
      const { Body } = await s3.send(
        new GetObjectCommand({ Bucket: outputs.BucketName, Key, VersionId }),
      );
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
      found.push({ key: Key, isLatest: IsLatest, text: await contentOf(Key, bytes) });
    }
    KeyMarker = page.IsTruncated ? page.NextKeyMarker : undefined;
    VersionIdMarker = page.IsTruncated ? page.NextVersionIdMarker : undefined;
  } while (KeyMarker !== undefined);
  return found;
}

const Raw = z.object({
  id: z.string(),
  author_id: z.string(),
  author_username: z.string().nullable(),
  text: z.string(),
});
type Raw = z.infer<typeof Raw>;
/** Tweets that an import brings: ids that hold their times, as X's do. */
const tweetOf = (created_at: string) => ({
  id: String((BigInt(Date.parse(created_at)) - 1_288_834_974_657n) << 22n),
  created_at,
});
const [YEAR_MS, WEEK_MS] = [365 * 86_400_000, 7 * 86_400_000];
const NEAR = tweetOf(new Date(Date.now() - 2 * WEEK_MS).toISOString());
const FAR_APART = tweetOf(new Date(Date.parse(NEAR.created_at) - YEAR_MS).toISOString());

let all: Raw[];
let theirs: Raw[];
let who: Raw;

/** Places whose content or name still says something of the author. */
async function traces(): Promise<string[]> {
  const texts = theirs.map(({ text }) => JSON.stringify(text).slice(1, -1));
  const others = new Set(
    all
      .filter(({ author_id }) => author_id !== who.author_id)
      .map(({ text }) => JSON.stringify(text).slice(1, -1)),
  );
  // Words that stand in another author's tweet, too, are no trace.
  const theirWords = texts.filter(
    (text) => text.length > 12 && ![...others].some((other) => other.includes(text)),
  );
  const needles = [
    who.author_id,
    String(who.author_username),
    ...theirs.map(({ id }) => id),
    ...theirWords,
  ];
  expect(theirWords.length).toBeGreaterThan(5);
  return (await everyVersion()).flatMap(({ key, text, isLatest }) => {
    const needle = needles.find((one) => text.includes(one) || key.includes(one));
    return needle === undefined ? [] : [`${key} (${isLatest ? 'current' : 'old'}): ${needle}`];
  });
}

/** Where a plan stands is an id of X's, and nothing else that is kept of it. */
const withoutCursors = (found: string[]): string[] =>
  found.filter((trace) => !/^raw-data\/plans\/queries\//.test(trace));

beforeAll(async () => {
  person = await Person.arrive('forget');
  const up = person.run(['up']);
  for (let look = 0; !up.output().includes('Ctrl-C ends it') && look < 1200; look += 1)
    await pause(250);
  const connection = embedded(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home));
  clients = clientsFor(connection);
  s3 = clients.s3;
  outputs =
    (await findOutputs(clients.cloudFormation, 'local')) ??
    (() => {
      throw new Error(up.output());
    })();
  await openKeyToRoot(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home), {
    s3,
    bucket: outputs.BucketName,
  });
}, 400_000);

afterAll(() => person.leave(), 60_000);

test('a night brings the author’s tweets into every place', async () => {
  const { code, output } = await lake('run', '--max-tweets', '200');
  expect([code, output]).toEqual([0, expect.stringMatching(/nightly-\S+ SUCCEEDED/)]);
  await lake('query', 'tweets_with_predictions', 'top=500');

  all = (await everyVersion())
    .filter(({ key }) => key.startsWith('raw-data/tweets/'))
    .flatMap(({ text }) =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => Raw.parse(JSON.parse(line))),
    );
  const [most = ['']] = [
    ...new Map(
      all.map(({ author_id }) => [
        author_id,
        all.filter((row) => row.author_id === author_id).length,
      ]),
    ),
  ].sort((a, b) => b[1] - a[1]);
  theirs = all.filter(({ author_id }) => author_id === most[0]);
  [who = Raw.parse(null)] = theirs;
  const places = new Set((await traces()).map((trace) => trace.split('/').slice(0, 2).join('/')));
  expect([...places].sort()).toEqual(
    expect.arrayContaining([
      'cleaned-data/tweets',
      'processed-data/query-results',
      'raw-data/labels',
      'raw-data/plans',
      'raw-data/tweets',
    ]),
  );
}, 400_000);

test('and an import brings two more, a year apart', async () => {
  const file = join(person.home, 'far-apart.json');
  const old = [FAR_APART, NEAR].map(({ id, created_at }) => ({
    ...who,
    id,
    created_at,
    text: `said on ${created_at} and never again`,
  }));
  writeFileSync(file, JSON.stringify(old));

  const { code, output } = await lake('import-tweets', file);

  expect([code, output]).toEqual([0, expect.stringMatching(/import-\S+ SUCCEEDED/)]);
  all.push(...old);
  theirs.push(...old);
}, 400_000);

test('killed in the middle, the same command ends what it began', async () => {
  const first = await person.run(['lake', 'forget', '--author', who.author_id], /Spark is cleaning/)
    .ended;
  expect(first.code).toBeNull();
  for (let look = 0; look < 300; look += 1) {
    const { output } = await lake('history');
    if (/replay-\S+\s+SUCCEEDED/.test(output)) break;
    await pause(2000);
  }

  const { code, output } = await lake('forget', '--author', who.author_id);

  expect([code, output]).toEqual([0, expect.stringContaining('Record of this call')]);
  expect(first.output + output).toContain('Searched the lake in');
  expect(output).toContain('Continuing the same command after its interruption.');
  // What it kept of its way names pages, and so ids.
  expect(readdirSync(join(person.home, 'forget'))).toEqual([]);
}, 600_000);

test('days between two that are a year apart are not published anew', async () => {
  const replays = (await everyVersion()).filter(
    ({ key, isLatest }) => isLatest && /^processed-data\/audit\/executions\/.*replay-/.test(key),
  );
  const [far, near] = [FAR_APART, NEAR].map(({ created_at }) => created_at.slice(0, 10));
  const days = [
    ...new Set(replays.flatMap(({ text }) => text.match(/\b20\d{2}-\d{2}-\d{2}\b/g) ?? [])),
  ].sort();

  expect(replays.length).toBeGreaterThan(0);
  expect(days.filter((day) => day >= String(far) && day <= String(near))).toEqual([far, near]);
});

test('no version of any object holds the author’s id, name, tweets or their texts', async () => {
  expect(withoutCursors(await traces())).toEqual([]);
  const plans = (await everyVersion()).filter(({ key }) =>
    key.startsWith('raw-data/plans/queries/'),
  );
  expect(
    plans.filter(
      ({ text }) => text.includes(who.author_id) || text.includes(String(who.author_username)),
    ),
  ).toEqual([]);
});

test('nothing on the laptop beside the lake says more', () => {
  const files = (folder: string): string[] =>
    readdirSync(folder)
      .map((name) => join(folder, name))
      .flatMap((path) => (statSync(path).isDirectory() ? files(path) : [path]));

  expect(
    files(join(person.home, 'runs')).filter((path) =>
      readFileSync(path, 'utf8').includes(who.author_id),
    ),
  ).toEqual([]);
});

test('readers see every other tweet, and the record says how many went, but not which', async () => {
  const { output } = await lake('sql', 'select count(*) as n from tweets');
  expect(output).toMatch(new RegExp(`^ *${all.length - theirs.length}$`, 'm'));

  const records = (await everyVersion()).filter(
    ({ key, isLatest }) => isLatest && key.startsWith('processed-data/audit/forgotten/'),
  );
  const Record = z.object({ went: z.object({ 'raw-tweets': z.object({ rows: z.number() }) }) });
  const rows = records.map(({ text }) => Record.parse(JSON.parse(text)).went['raw-tweets'].rows);
  expect(rows.reduce((sum, one) => sum + one, 0)).toBe(theirs.length);
});

test('the model that was given the tweets is marked, and the history says so', async () => {
  const marks = (await everyVersion()).filter(
    ({ key, isLatest }) => isLatest && /^model-outputs\/sl-[^/]+\/forgotten\.json$/.test(key),
  );
  expect(marks).toHaveLength(1);

  const { output } = await lake('history');
  expect(output).toMatch(/sl-\S+ was given tweets that have been forgotten since/);
});

test('neither a search of the same days nor an import brings them back', async () => {
  const sentAt = (id: string) =>
    new Date(Number((BigInt(id) >> 22n) + 1_288_834_974_657n)).toISOString();
  const days = all.map(({ id }) => sentAt(id).slice(0, 10)).sort();
  const file = join(person.home, 'theirs.json');
  writeFileSync(
    file,
    // A time that the id contradicts would go to quarantine.
    JSON.stringify(theirs.map((row) => ({ ...row, created_at: sentAt(row.id) }))),
  );

  const searched = await lake(
    'backfill',
    '--from',
    days.at(-1) ?? '',
    '--to',
    days.at(-1) ?? '',
    '--max-tweets',
    '100',
  );
  const brought = await lake('import-tweets', file);

  expect([searched.code, brought.code]).toEqual([0, 0]);
  expect(searched.output).toMatch(/received = .* [1-9]\d* duplicates/);
  expect(brought.output).toMatch(new RegExp(`= 0 written \\+ ${theirs.length} duplicates`));
  expect(withoutCursors(await traces())).toEqual([]);
}, 600_000);
