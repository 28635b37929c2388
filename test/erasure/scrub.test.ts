import { DeleteObjectCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Forgotten, emptyList, randomMarker, withIds } from '../../functions/lake/forgotten';
import { rawPageKey } from '../../functions/lake/raw-pages';
import { toParquet } from '../../functions/model/scored';
import type { LakeBucket } from '../../functions/lake/objects';
import {
  Finder,
  audit,
  failedBatch,
  imported,
  labels,
  parquetRows,
  queued,
  plan,
  quarantined,
  rawPage,
  predictions,
} from '../../erasure/rewrites';
import { scrubBelow, type Rewrite } from '../../erasure/scrub';
import { readVersion, versionsBelow } from '../../functions/lake/versions';
import { textHash } from '../../workflows/text-key';
import { Launcher, keysBelow, put, readText } from '../functions/support/launcher';

let launcher: Launcher;
let lake: LakeBucket;

beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());
beforeEach(async () => {
  lake = await launcher.lake();
  await lake.s3.send(
    new PutBucketVersioningCommand({
      Bucket: lake.bucket,
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  );
});

const DAY = '2026-11-23';
const tweet = (id: string, author_id = '1', text = `tweet ${id}`) => ({ id, author_id, text });
const ndjson = (...rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const marker = randomMarker();
const listOf = (ids: { tweets: string[]; authors: string[] }) =>
  new Forgotten(withIds(emptyList(marker), ids, marker), marker);
const forgotten = listOf({ tweets: ['13'], authors: ['777'] });
const finder = () => new Finder(forgotten);
const scrub = (prefix: string, rewrite: Rewrite) =>
  scrubBelow({ lake, mustHold: () => undefined }, prefix, rewrite);

/** The contents of every version of every object, gunzipped. */
async function everything(): Promise<string> {
  const texts = [];
  for await (const { key, versions } of versionsBelow(lake, '')) {
    for (const { id, isMarker } of versions) {
      if (isMarker) continue;
      const bytes = Buffer.from(await readVersion(lake, key, id));
      texts.push(key.endsWith('.gz') ? gunzipSync(bytes).toString() : bytes.toString());
    }
  }
  return texts.join('\n');
}

test('a page loses the rows, its old versions go, and its name no longer says the id', async () => {
  const name = 'q-w00000-p00000';
  const key = rawPageKey(DAY, ['12', '13'], name);
  const lines = [tweet('12', '1', 'stays'), tweet('13', '1', 'goes')];
  await put(lake, key, gzipSync(ndjson(...lines)));
  await put(lake, key, gzipSync(ndjson(...lines, tweet('14', '777', 'goes, too'))));

  const tally = await scrub('raw-data/tweets/', rawPage(finder()));

  expect(tally).toEqual({ objects: 1, rows: 2, versions: 1, unreadable: [] });
  expect(await keysBelow(lake, '')).toEqual([rawPageKey(DAY, ['12'], name)]);
  expect(await everything()).toBe(ndjson(tweet('12', '1', 'stays')));
});

test('an object that loses all its rows is gone, and what was before it does not come back', async () => {
  await put(lake, 'raw-data/parked/page.ndjson', ndjson(tweet('12')));
  await put(lake, 'raw-data/parked/page.ndjson', ndjson(tweet('13')));

  await scrub('raw-data/parked/', queued(finder()));

  expect(await keysBelow(lake, '')).toEqual([]);
  // The version that holds nothing forgotten stays what it was: an old one.
  expect(await everything()).toBe(ndjson(tweet('12')));
});

test('a batch that the stream scorer could not score loses the records, and one of another form is unreadable', async () => {
  const record = (text: string) => ({
    kinesis: { sequenceNumber: '1', data: Buffer.from(text).toString('base64') },
  });
  const batchOf = (...texts: string[]) =>
    JSON.stringify({ version: '1.0', payload: JSON.stringify({ Records: texts.map(record) }) });
  const stays = JSON.stringify(tweet('12'));
  await put(lake, 'aws/lambda/m/s/mixed', batchOf(JSON.stringify(tweet('13')), stays));
  await put(lake, 'aws/lambda/m/s/only', batchOf('{"id": "777", no JSON'));
  await put(lake, 'aws/lambda/m/s/other', '{"KinesisBatchInfo":{}}');

  const tally = await scrub('aws/lambda/', failedBatch(finder()));

  expect(tally).toMatchObject({ objects: 2, rows: 2, unreadable: ['aws/lambda/m/s/other'] });
  expect(await keysBelow(lake, 'aws/')).toEqual(['aws/lambda/m/s/mixed', 'aws/lambda/m/s/other']);
  const left: { version: string; payload: string } = JSON.parse(
    await readText(lake, 'aws/lambda/m/s/mixed'),
  );
  expect(left.version).toBe('1.0');
  expect(JSON.parse(left.payload)).toEqual({ Records: [record(stays)] });
});

test('a version behind a deletion is found, too', async () => {
  await put(lake, 'raw-data/parked/page.ndjson', ndjson(tweet('13')));
  await lake.s3.send(
    new DeleteObjectCommand({ Bucket: lake.bucket, Key: 'raw-data/parked/page.ndjson' }),
  );

  expect(await scrub('raw-data/parked/', queued(finder()))).toMatchObject({
    objects: 0,
    versions: 1,
  });
  expect(await everything()).toBe('');
});

test('scrubbed a second time, nothing changes any more', async () => {
  await put(lake, rawPageKey(DAY, ['12', '13'], 'q'), gzipSync(ndjson(tweet('12'), tweet('13'))));
  await scrub('raw-data/tweets/', rawPage(finder()));
  const before = await everything();

  expect(await scrub('raw-data/tweets/', rawPage(finder()))).toMatchObject({
    objects: 0,
    rows: 0,
    versions: 0,
  });
  expect(await everything()).toBe(before);
});

test('killed between the new page and the old one’s end, the next call takes the old one away', async () => {
  const old = gzipSync(ndjson(tweet('12'), tweet('13')));
  await put(lake, rawPageKey(DAY, ['12', '13'], 'q'), old);
  await put(lake, rawPageKey(DAY, ['12'], 'q'), gzipSync(ndjson(tweet('12'))));

  await scrub('raw-data/tweets/', rawPage(finder()));

  expect(await everything()).toBe(ndjson(tweet('12')));
});

test('nothing is written once the lake is no longer held', async () => {
  await put(lake, 'raw-data/parked/page.ndjson', ndjson(tweet('13')));
  const mustHold = () => {
    throw new Error('lost');
  };

  await expect(
    scrubBelow({ lake, mustHold }, 'raw-data/parked/', queued(finder())),
  ).rejects.toThrow('lost');
  expect(await everything()).toContain('"13"');
});

test('quarantine: tweets that fit, and anything else that holds a forgotten id, long or in quotation marks', async () => {
  const record = (raw: string) => ({
    run_id: 'r',
    stage: 'ingest',
    reason: 'x',
    raw,
    refused_at: 'now',
  });
  const kept = [record('{"id":"12"}'), record('13 plain numbers'), record('{"id":113}')];
  const texts = listOf({ tweets: ['13', '1234567'], authors: ['777'] });
  await put(
    lake,
    'raw-data/quarantine/a.ndjson',
    ndjson(
      ...kept,
      record('{"author_id":"777"}'),
      record('{"id":1234567,'),
      record(JSON.stringify(tweet('13'))),
    ),
  );

  expect(await scrub('raw-data/quarantine/', quarantined(new Finder(texts)))).toMatchObject({
    rows: 3,
  });
  expect(await everything()).toBe(ndjson(...kept));
});

test('a plan keeps where it stands, and loses the rows and records of its pending page', async () => {
  const pending = {
    rows: [tweet('12'), tweet('13')],
    refused: [{ reason: 'x', raw: '{"author_id":"777"}' }],
    newest_id: '13',
  };
  const page = { objects: [rawPageKey(DAY, ['12', '13'], 'q')] };
  await put(lake, 'raw-data/plans/queries/q.json', JSON.stringify({ since_id: '5', pending }));
  await put(lake, 'raw-data/plans/pages/r/q.json', JSON.stringify(page));

  await scrub('raw-data/plans/', plan(finder()));

  expect(JSON.parse(await readText(lake, 'raw-data/plans/queries/q.json'))).toEqual({
    since_id: '5',
    pending: { rows: [tweet('12')], refused: [], newest_id: '13' },
  });
  expect(await readText(lake, 'raw-data/plans/pages/r/q.json')).not.toContain('0000013');
});

test('an import’s page stays, empty, since pages are counted', async () => {
  const key = 'raw-data/imports/mine/00000.ndjson.gz';
  await put(
    lake,
    key,
    gzipSync(ndjson({ tweet: tweet('13'), author_username: null }, { raw: '{"author_id": "777"' })),
  );

  expect(await scrub('raw-data/imports/', imported(finder()))).toMatchObject({ rows: 2 });
  expect(await readText(lake, key)).toBe('');
});

test('labels go by the text’s hash, whoever wrote it, and an emptied object stays', async () => {
  const row = (text: string) => ({
    text_hash: textHash(text),
    text,
    label: 'positive',
    source: 's',
    imported_at: 'now',
  });
  const found = finder();
  found.isForgotten(tweet('13', '1', 'Such a  Day https://t.co/x'));
  await put(lake, 'raw-data/labels/a.ndjson', ndjson(row('such a day'), row('another')));
  await put(lake, 'raw-data/labels/b.ndjson', ndjson(row('such a day')));

  expect(await scrub('raw-data/labels/', labels(found.found.texts))).toMatchObject({
    objects: 2,
    rows: 2,
  });
  expect(await keysBelow(lake, '')).toHaveLength(2);
  expect(await everything()).not.toContain('such a day');
});

test('predictions go by the tweet’s id; the others are what they were', async () => {
  const prediction = (tweet_id: string) => ({
    tweet_id,
    label: 'positive' as const,
    negative: 0.1,
    neutral: 0.2,
    positive: 0.7,
    model_version: 'm',
    scored_at: new Date('2026-11-23T10:00:00Z'),
    unknown_words: 2,
  });
  await put(
    lake,
    'processed-data/scored/a.parquet',
    toParquet([prediction('12'), prediction('13')]),
  );
  await put(lake, 'processed-data/scored/b.parquet', toParquet([prediction('13')]));

  expect(await scrub('processed-data/scored/', predictions(finder()))).toMatchObject({
    objects: 2,
    rows: 2,
  });
  expect(await keysBelow(lake, '')).toEqual(['processed-data/scored/a.parquet']);
  for await (const { key, versions } of versionsBelow(lake, '')) {
    expect(await parquetRows(await readVersion(lake, key, versions[0]?.id ?? ''))).toEqual([
      // As Parquet has whole numbers.
      { ...prediction('12'), unknown_words: 2n },
    ]);
  }
});

test('histories keep their form and lose the ids, however deep they lie in quotation marks', async () => {
  const sample = [{ tweet_id: '13', author_id: '1' }];
  const history = { id: 13, output: JSON.stringify({ cause: JSON.stringify({ sample }) }) };
  await put(lake, 'processed-data/audit/a.json', JSON.stringify(history));

  await scrub('processed-data/audit/', audit(finder()));

  const text = await readText(lake, 'processed-data/audit/a.json');
  expect(JSON.parse(JSON.parse(JSON.parse(text).output).cause)).toEqual({
    sample: [{ tweet_id: 'forgotten', author_id: '1' }],
  });
  expect(JSON.parse(text).id).toBe(13);
});

test('what cannot be read is named, and the rest is done', async () => {
  await put(lake, `raw-data/tweets/dt=${DAY}/broken.ndjson.gz`, 'not gzip');
  await put(lake, rawPageKey(DAY, ['13'], 'q'), gzipSync(ndjson(tweet('13'))));

  const tally = await scrub('raw-data/tweets/', rawPage(finder()));

  expect(tally).toMatchObject({
    objects: 1,
    rows: 1,
    unreadable: [`raw-data/tweets/dt=${DAY}/broken.ndjson.gz`],
  });
});

test('imports that keep records as text: one of them, an edit of one, and a retweet of its author', async () => {
  const line = (record: object, authorId: string | null = null) => ({
    record: JSON.stringify(record),
    author_username: null,
    original: authorId === null ? null : { text: 'their words', authorId },
  });
  const kept = [line(tweet('12')), line(tweet('14'), '5')];
  await put(
    lake,
    'raw-data/imports/mine/00000.ndjson.gz',
    gzipSync(
      ndjson(
        ...kept,
        line(tweet('13')),
        line({ ...tweet('15'), edit_history_tweet_ids: ['13', '15'] }),
        line(tweet('16'), '777'),
      ),
    ),
  );

  expect(await scrub('raw-data/imports/', imported(finder()))).toMatchObject({ rows: 3 });
  expect(await everything()).toBe(ndjson(...kept));
});
