import { parseEncoding } from '../../cli/read-text';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pagesOf, readTweets } from '../../cli/tweets/import';
import { parseTweets } from '../../cli/tweets/parse';

const tweet = (id: string, changes: object = {}) => ({
  id,
  text: `tweet ${id}`,
  author_id: '7',
  ...changes,
});
const answer = {
  data: [tweet('1'), tweet('2', { author_id: '8' })],
  includes: { users: [{ id: '7', username: 'ada', name: 'Ada' }] },
  meta: { result_count: 2 },
};
const read = (content: string | Buffer) => parseTweets('mine.json', Buffer.from(content));
const line = (value: object, author_username: string | null = null) => ({
  record: JSON.stringify(value),
  author_username,
  original: null,
});

test('an answer of X, with the authors beside the tweets', () => {
  expect(read(JSON.stringify(answer))).toEqual([
    line(tweet('1'), 'ada'),
    line(tweet('2', { author_id: '8' })),
  ]);
});

test('a single tweet’s answer, a list of answers, a list of tweets, and a tweet alone', () => {
  const ids = (value: unknown) =>
    read(JSON.stringify(value)).map((one) => 'record' in one && JSON.parse(one.record));

  expect(ids({ data: tweet('1') })).toEqual([tweet('1')]);
  expect(ids([answer, { meta: { result_count: 0 } }, { data: [tweet('3')] }])).toHaveLength(3);
  expect(ids([tweet('1'), tweet('2')])).toEqual([tweet('1'), tweet('2')]);
  expect(ids(tweet('1'))).toEqual([tweet('1')]);
});

test('JSON Lines of tweets or answers; a broken line travels on as it is', () => {
  const lines = `${JSON.stringify(tweet('1'))}\r\n\n{"id":"2",\n${JSON.stringify(answer)}\n`;

  expect(read(lines)).toEqual([
    line(tweet('1')),
    { raw: '{"id":"2",' },
    line(tweet('1'), 'ada'),
    line(tweet('2', { author_id: '8' })),
  ]);
});

test('gzipped, and with the author laid flat into the tweet', () => {
  const flat = tweet('1', { author: { id: '7', username: 'ada' } });

  expect(read(gzipSync(JSON.stringify(flat)))).toEqual([line(flat, 'ada')]);
});

test('signs beyond JSON’s own line ends do not cut a line', () => {
  const odd = tweet('1', { text: 'a\u2028b \u{1F600}' });

  expect(read(`${JSON.stringify(odd)}\n${JSON.stringify(tweet('2'))}\n`)).toEqual([
    line(odd),
    line(tweet('2')),
  ]);
});

test.each([
  ['{"data": [\n  {"id": "1"', /neither JSON nor JSON Lines: line 1/],
  ['id,text\n1,hello\n', /neither JSON nor JSON Lines/],
  ['', /is empty/],
  ['{"name": "sentiment-lake"}', /holds no tweet as X's API v2 gives them/],
  ['[{"id_str": "1", "full_text": "old"}]', /of API v1\.1.*GET \/2\/tweets\?ids=/],
  ['{"id": 1212092628029698048, "id_str": "1212092628029698048", "text": "old"}', /of API v1\.1/],
  ['{"tweet": {"id_str": "1", "full_text": "old"}}\n', /of API v1\.1/],
  [
    'window.YTD.tweets.part0 = [{"tweet": {"id_str": "1"}}]',
    /archive of.*own account.*GET \/2\/tweets/,
  ],
  ['YTD.tweet.part1=[]', /own account/],
  [Buffer.from([0x22, 0xff, 0x22]), /UTF-8/],
  [Buffer.from([0x1f, 0x8b, 0x00]), /gzip that is cut short/],
])('a file that is something else is refused whole: %j', (content, why) => {
  expect(() => read(content)).toThrow(why);
});

test('a file in another encoding is read once that is said; tweets that lost a character are counted', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tweets-'));
  const path = join(folder, 'mine.jsonl');
  const lines = [tweet('1', { text: 'caf\u00e9' }), tweet('2'), tweet('3', { text: 'caf\uFFFD' })];
  const content = lines.map((one) => JSON.stringify(one)).join('\n');
  writeFileSync(path, Buffer.from(`\uFEFF${content}`, 'utf16le'));
  const marked = readTweets([path]);
  writeFileSync(path, Buffer.from(content, 'utf16le'));

  expect(() => readTweets([path])).toThrow('say --encoding utf-16le');
  const said = readTweets([path], parseEncoding('utf-16le'));

  const linesOf = ({ pages }: typeof said) => [...pages()].flat();
  expect(linesOf(said)).toEqual(lines.map((one) => line(one)));
  expect([linesOf(marked), marked.damaged, said.damaged]).toEqual([linesOf(said), 1, 1]);
  rmSync(folder, { recursive: true });
});

test('pages follow the ids, whatever the order of the file; what has no id comes last', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tweets-'));
  const ids = Array.from({ length: 1200 }, (_, index) => String(((index * 701) % 1200) + 90));
  const lines = ids.map((id) => JSON.stringify(tweet(id)));
  writeFileSync(
    join(folder, 'a.ndjson'),
    [...lines.slice(0, 700), 'no JSON', '{"text":"?"}'].join('\n'),
  );
  writeFileSync(join(folder, 'b.ndjson'), lines.slice(700).join('\n'));
  const paths = ['a.ndjson', 'b.ndjson'].map((name) => join(folder, name));

  const both = readTweets(paths);
  const pages = [...both.pages()];

  expect(both.records).toBe(1202);
  expect(pages.map((page) => page.length)).toEqual([500, 202, 500]);
  const idsOf = (page: (typeof pages)[number]) =>
    page.map((one) => ('record' in one ? (/"id":"(\d+)"/.exec(one.record)?.[1] ?? '') : ''));
  const inOrder = (some: string[]) => some.toSorted((a, b) => Number(a) - Number(b));
  expect(pages.slice(0, 2).flatMap(idsOf)).toEqual([...inOrder(ids.slice(0, 700)), '', '']);
  expect(pages.slice(2).flatMap(idsOf)).toEqual(inOrder(ids.slice(700)));
  expect(readTweets(paths).name).toBe(both.name);
  expect(readTweets(paths.toReversed()).name).not.toBe(both.name);
  rmSync(folder, { recursive: true });
});

test('the same file has the same name wherever it lies, and another content another', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tweets-'));
  const named = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return readTweets([join(folder, name)]).name;
  };
  const content = JSON.stringify(answer);

  const name = named('My Export (1).ndjson', content);

  expect(name).toMatch(/^my-export-1-[0-9a-f]{16}$/);
  expect(named('My Export (1).ndjson', content)).toBe(name);
  expect(named('My Export (1).ndjson', `${content}\n`)).not.toBe(name);
  expect(named('😀.json', content)).toMatch(/^tweets-[0-9a-f]{16}$/);
  rmSync(folder, { recursive: true });
});

test('a line that nests too deep is named, in JSON Lines and in one answer', () => {
  const deep = `{"id":"2","text":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;

  expect(() => read(`${JSON.stringify(tweet('1'))}\n${deep}\n`)).toThrow(
    /mine\.json, line 2: nests more than 100 deep.*Nothing was imported/,
  );
  expect(() => read(`[${JSON.stringify(tweet('1'))},\n\n${deep}]`)).toThrow(/line 3: nests/);
});

test('brackets inside a text are no nesting', () => {
  expect(read(JSON.stringify(tweet('1', { text: `\\"${'[{'.repeat(500)}` })))).toHaveLength(1);
});

test('a page is bounded by lines and by bytes, and no line is lost', () => {
  const lines = Array.from({ length: 1200 }, (_, index) => line(tweet(String(index))));
  const long = lines.slice(0, 250).map((one) => ({ ...one, author_username: 'x'.repeat(100_000) }));

  expect(pagesOf(lines).map((page) => page.length)).toEqual([500, 500, 200]);
  expect(Math.max(...pagesOf(long).map((page) => JSON.stringify(page).length))).toBeLessThan(
    8.1 * 2 ** 20,
  );
  expect(pagesOf(long).flat()).toEqual(long);
  expect(pagesOf(lines.slice(0, 2), 1)).toEqual([[lines[0]], [lines[1]]]);
});

const original = {
  id: '9',
  text: 'Three hours of slides…',
  author_id: '8',
  note_tweet: { text: 'Three hours of slides and a wonderful end' },
};
const retweet = tweet('1', {
  text: 'RT @town_watcher: Three hours…',
  referenced_tweets: [{ type: 'retweeted', id: '9' }],
});

test('a retweet travels with the whole original that stands beside it, and with nothing where none does', () => {
  const beside = { data: [retweet, tweet('2')], includes: { tweets: [original] } };
  const alone = { data: [retweet], includes: { tweets: [{ id: '7', text: 'another' }] } };
  const originals = (value: unknown) =>
    read(JSON.stringify(value)).map((one) => 'record' in one && one.original);

  expect(originals(beside)).toEqual([
    { text: 'Three hours of slides and a wonderful end', authorId: '8' },
    null,
  ]);
  expect(originals(alone)).toEqual([null]);
  expect(originals([beside, alone])).toHaveLength(3);
});

test.each([
  ['a number that outgrows JavaScript', '{"id": 2126432269890486288, "text": "a"}'],
  ['a key that is there twice', '{"id":"1","text":"a",  "text":"b"}'],
  ['spaces and escapes', '{ "id" : "1",\t"text":"\\u00e9 \\/ ] } \\" , {"}'],
])('a record keeps its own text: %s', (_, record) => {
  const records = (content: string) =>
    read(content).map((one) => ('record' in one ? one.record : one.raw));
  const good = JSON.stringify(tweet('2'));

  expect(records(`${good}\n${record}\r\n`)).toEqual([good, record]);
  expect(records(`[${record}, ${good} ]`)).toEqual([record, good]);
  expect(records(`{"meta": {}, "data":\n[ ${good},${record} ] , "includes":null}`)).toEqual([
    good,
    record,
  ]);
  expect(records(`{"data": [5], "data": [${good}, null, 7 ,${record}]}`)).toEqual([
    good,
    'null',
    '7',
    record,
  ]);
});

test('whatever lies in a list, each record is the text that stood there', () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  const spaces = fc.constantFrom('', ' ', '\n', '\t ');

  fc.assert(
    fc.property(fc.array(json, { maxLength: 5 }), spaces, (values, space) => {
      const records = [tweet('1'), ...values.filter((value) => !Array.isArray(value))].map(
        (value) => JSON.stringify(value, null, space.length),
      );
      const list = `[${space}${records.join(`${space},${space}`)}${space}]`;

      const kept = read(`{"data":${list}}`);

      expect(kept.map((one) => 'record' in one && one.record)).toEqual(records);
    }),
    { numRuns: 300 },
  );
});
