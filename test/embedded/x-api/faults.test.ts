import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import {
  FaultScript,
  faultNames,
  malformations,
  readFaultScript,
  strangeTexts,
} from '../../../embedded/x-api/faults/script';
import type { ObservedSearch } from '../../../embedded/x-api/handler';
import { compareIds } from '../../../embedded/x-api/snowflake';
import { boot, startStandIn } from './world';

const Post = z.looseObject({
  id: z.string(),
  text: z.string(),
  created_at: z.string(),
  author_id: z.string(),
});
const Page = z.looseObject({
  data: z.array(z.unknown()).default([]),
  includes: z
    .object({ users: z.array(z.unknown()), tweets: z.array(z.unknown()).optional() })
    .optional(),
  meta: z
    .looseObject({
      next_token: z.string().optional(),
      newest_id: z.string().optional(),
      oldest_id: z.string().optional(),
      result_count: z.number(),
    })
    .optional(),
  errors: z.array(z.unknown()).optional(),
});
type Page = z.infer<typeof Page>;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

/** The stand-in under a script of these faults, ten posts a page. */
async function standIn(
  faults: z.input<typeof FaultScript>['faults'],
  rest: Partial<z.input<typeof FaultScript>> = {},
) {
  const observed: ObservedSearch[] = [];
  const script = FaultScript.parse({ pageSize: 10, ...rest, faults });
  const { url, server, clock } = await startStandIn({
    script,
    observe: (search) => observed.push(search),
  });
  servers.push(server);
  const fields = { 'tweet.fields': 'created_at,author_id,public_metrics', expansions: 'author_id' };
  const search = (parameters: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(
      `${url}tweets/search/recent?${new URLSearchParams({ ...fields, max_results: '100', query: 'love OR hate', ...parameters })}`,
      {
        headers: { authorization: 'Bearer t' },
        ...(signal && { signal }),
      },
    );
  const page = async (parameters: Record<string, string> = {}): Promise<Page> =>
    Page.parse(await (await search(parameters)).json());
  /** Follows every token, 40 pages at most. */
  const pages = async (): Promise<Page[]> => {
    const all: Page[] = [];
    for (let token: string | undefined; all.length < 40;) {
      const next = await page(token === undefined ? {} : { next_token: token });
      all.push(next);
      token = next.meta?.next_token;
      if (token === undefined) break;
    }
    return all;
  };
  return { search, page, pages, clock, observed };
}

const idsOf = (page: Page): string[] => page.data.map((post) => Post.parse(post).id);
const everyId = async (): Promise<string[]> => (await (await standIn([])).pages()).flatMap(idsOf);

test('without faults, pages of the size that the script gives hold everything once, newest first', async () => {
  const { pages } = await standIn([]);

  const all = await pages();

  expect(all).toHaveLength(12);
  expect(all.map((page) => page.data.length)).toEqual(all.map(() => 10));
  expect(new Set(all.flatMap(idsOf)).size).toBe(120);
});

test.each([
  [{ request: 2 }, [200, 503, 200, 200]],
  [{ request: [1, 3], times: 'always' as const }, [503, 200, 503, 200]],
  [{ times: 3 }, [503, 503, 503, 200]],
  [{ query: 'hate', times: 'always' as const }, [503, 503, 503, 503]],
  [{ query: 'tea', times: 'always' as const }, [200, 200, 200, 200]],
  [{ page: 2 }, [200, 200, 200, 200]],
])('a fault under the rule %j meets just these requests', async (rule, statuses) => {
  const { search } = await standIn([{ ...rule, fault: 'status', status: 503 }]);

  const seen: number[] = [];
  while (seen.length < statuses.length) seen.push((await search()).status);

  expect(seen).toEqual(statuses);
});

test('a fault of the second page waits for the second page', async () => {
  const { page, search } = await standIn([{ page: 2, fault: 'status', status: 500 }]);

  const first = await page();
  const second = await search({ next_token: first.meta?.next_token ?? '' });

  expect(second.status).toBe(500);
});

test.each([
  [true, '0', String(boot / 1000 + 900)],
  [false, null, null],
])('rate-limit with headers %s', async (headers, remaining, reset) => {
  const { search } = await standIn([{ fault: 'rate-limit', headers }]);

  const answer = await search();

  expect(answer.status).toBe(429);
  expect(answer.headers.get('x-rate-limit-remaining')).toBe(remaining);
  expect(answer.headers.get('x-rate-limit-reset')).toBe(reset);
  expect(await answer.json()).toMatchObject({ title: 'Too Many Requests' });
});

test('the requests of a window can be made few', async () => {
  const { search } = await standIn([], { requestsPerWindow: 1 });

  expect([(await search()).status, (await search()).status]).toEqual([200, 429]);
});

test.each([
  [true, '449'],
  [false, null],
])('monthly-cap with headers %s', async (headers, remaining) => {
  const { search } = await standIn([{ fault: 'monthly-cap', headers }]);

  const answer = await search();

  expect(answer.status).toBe(429);
  expect(answer.headers.get('x-rate-limit-remaining')).toBe(remaining);
  expect(await answer.json()).toMatchObject({ title: 'UsageCapExceeded', period: 'Monthly' });
});

test.each([
  ['problem' as const, 502, /"status":502/],
  ['html' as const, 503, /^<html>/],
  ['empty' as const, 500, /^$/],
])('status with a body that is %s', async (body, status, text) => {
  const { search } = await standIn([{ fault: 'status', status, body }]);

  const answer = await search();

  expect(answer.status).toBe(status);
  expect(await answer.text()).toMatch(text);
});

test('timeout takes the request and never answers', async () => {
  const { search, observed } = await standIn([{ fault: 'timeout' }]);

  await expect(search({}, AbortSignal.timeout(300))).rejects.toMatchObject({
    name: 'TimeoutError',
  });

  expect(observed).toMatchObject([{ request: 1, isComplete: false }]);
});

test('reset before the answer is a broken connection', async () => {
  const { search } = await standIn([{ fault: 'reset' }]);

  await expect(search()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
});

test('reset in the middle of the body comes after the status', async () => {
  const { search, observed } = await standIn([{ fault: 'reset', when: 'mid-body' }]);

  const answer = await search();

  expect(answer.status).toBe(200);
  await expect(answer.text()).rejects.toThrow('terminated');
  expect(observed).toMatchObject([{ isComplete: false, sent: { length: 10 } }]);
});

test('truncated-json is a whole answer of half a text', async () => {
  const { search } = await standIn([{ fault: 'truncated-json' }]);

  const text = await (await search()).text();

  expect(text).toMatch(/^\{"data":\[/);
  expect(() => void JSON.parse(text)).toThrow(SyntaxError);
});

test.each([
  [{ since_id: '5' }, 'since_id'],
  [{}, 'start_time'],
])('stale-start complains about the start that %j names', async (parameters, name) => {
  const { search } = await standIn([{ fault: 'stale-start' }]);

  const answer = await search(parameters);

  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    errors: [{ parameters: { [name]: expect.anything() } }],
  });
});

test('token-refused spares the first page and refuses the token of the second', async () => {
  const { page, search } = await standIn([{ fault: 'token-refused' }]);

  const token = (await page()).meta?.next_token ?? '';
  const refused = await search({ next_token: token });

  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ errors: [{ parameters: { next_token: [token] } }] });
  expect((await search({ next_token: token })).status).toBe(200);
});

test('duplicates brings tweets of the page before again, and leaves out none', async () => {
  const { pages } = await standIn([{ page: 2, fault: 'duplicates', tweets: 2 }]);

  const [first, second, ...rest] = await pages();

  expect(second?.data.slice(0, 2)).toEqual(first?.data.slice(-2));
  expect(second?.data).toHaveLength(12);
  expect(new Set([first, second, ...rest].flatMap((page) => (page ? idsOf(page) : []))).size).toBe(
    120,
  );
});

test('empty-page has a next_token and no data, and nothing is lost by it', async () => {
  const { pages } = await standIn([
    { page: 1, fault: 'empty-page' },
    { page: 4, fault: 'empty-page' },
  ]);

  const all = await pages();

  expect(all[0]).toMatchObject({
    data: [],
    meta: { result_count: 0, next_token: expect.any(String) },
  });
  expect(all[3]?.data).toEqual([]);
  expect(all.flatMap(idsOf)).toEqual(await everyId());
});

test('partial-errors stand beside the data', async () => {
  const { page } = await standIn([{ fault: 'partial-errors' }]);

  expect(await page()).toMatchObject({
    data: { length: 10 },
    errors: [{ title: 'Not Found Error' }],
  });
});

test('unknown-fields are in the answer, its meta and its tweets', async () => {
  const { page } = await standIn([{ fault: 'unknown-fields' }]);

  const { data, meta, ...rest } = await page();

  expect(rest).toHaveProperty('experiments');
  expect(meta).toHaveProperty('sampled');
  expect(data[0]).toMatchObject({ mood: 'fine' });
});

test('no-author leaves out the users, or the first tweet’s author_id', async () => {
  const { page } = await standIn([
    { request: 1, fault: 'no-author' },
    { request: 2, fault: 'no-author', what: 'author_id' },
  ]);

  expect(await page()).toMatchObject({ includes: { users: [] } });
  const { data } = await page();
  expect(data[0]).not.toHaveProperty('author_id');
  expect(data[1]).toHaveProperty('author_id');
});

test.each(malformations)(
  'a tweet malformed as %s is no tweet, and its neighbours are',
  async (how) => {
    const { page } = await standIn([{ fault: 'malformed', how }]);
    const Sound = Post.extend({
      id: z.string().regex(/^\d+$/),
      created_at: z.iso.datetime().refine((at) => Date.parse(at) <= boot),
      public_metrics: z.looseObject({ like_count: z.number().nonnegative() }),
    });

    const { data } = await page();

    expect(data.map((post) => Sound.safeParse(post).success)).toEqual([
      false,
      ...Array.from({ length: 9 }, () => true),
    ]);
  },
);

test.each(strangeTexts)('a text of %s arrives as it was meant', async (text) => {
  const { page } = await standIn([{ fault: 'text', text, tweets: 2 }]);

  const { data } = await page();

  const texts = data.map((post) => Post.parse(post).text);
  expect(texts[0]).toBe(texts[1]);
  expect(texts[0]).not.toMatch(/^I (love|hate) number/);
  expect(texts[2]).toMatch(/^I (love|hate) number/);
  const marks = {
    emoji: '👩‍👩‍👧‍👦',
    'right-to-left': '\u202E',
    'lone-surrogate': '\uD83D ',
    'control-characters': '\u0000',
    'line-separators': '\u2028',
    'only-a-url': 'https://',
  };
  expect(texts[0]).toContain(marks[text]);
});

const today = {
  'tweet.fields': 'created_at,author_id,lang,public_metrics,note_tweet,referenced_tweets,withheld',
  expansions: 'author_id,referenced_tweets.id',
};

test('a retweet comes cut, and the post that it retweets whole, where it is asked for', async () => {
  const { page } = await standIn([
    { request: 1, fault: 'long', characters: 200 + 100 },
    { request: 1, fault: 'references', tweets: 2 },
    { request: 2, fault: 'references' },
  ]);

  const { data, includes } = await page(today);
  const unasked = await page();

  const [retweet] = data.map((post) => Post.parse(post));
  const [whole] = (includes?.tweets ?? []).map((post) => Post.parse(post));
  expect(retweet).toMatchObject({
    text: expect.stringMatching(/^RT @[a-z]+_[a-z]+: I (love|hate) number .*…$/),
    referenced_tweets: [{ type: 'retweeted', id: whole?.id }],
  });
  expect([...(retweet?.text ?? '').replaceAll('&amp;', '&')]).toHaveLength(140);
  expect(whole).toHaveProperty('note_tweet.text', expect.stringMatching(/the-end$/));
  expect(data[1]).toHaveProperty('text', expect.stringMatching(/^RT @.*&amp; more$/));
  expect(includes?.tweets).toHaveLength(2);
  expect(unasked.includes).not.toHaveProperty('tweets');
  expect(unasked.data[0]).not.toHaveProperty('referenced_tweets');
});

test.each([
  ['quote', 'quoted'],
  ['reply', 'replied_to'],
] as const)('a %s keeps its own text', async (how, type) => {
  const { page } = await standIn([{ fault: 'references', how }]);

  const { data } = await page(today);

  expect(data[0]).toMatchObject({
    text: expect.stringMatching(/^I (love|hate) number/),
    referenced_tweets: [{ type }],
  });
});

test('a long post comes cut, with a link behind it, and whole as a note where that is asked for', async () => {
  const { page } = await standIn([
    { request: 1, fault: 'long', characters: 5000 },
    { request: 2, fault: 'long', characters: 5000 },
  ]);

  const [long, short] = (await page(today)).data;
  const [unasked] = (await page()).data;

  expect(long).toMatchObject({
    text: expect.stringMatching(/^I (love|hate) .{200,}… https:\/\/t\.co\/[a-z0-9]{10}$/),
    note_tweet: { text: expect.stringMatching(/^I (love|hate) .{4900,} the-end$/) },
  });
  expect(short).not.toHaveProperty('note_tweet');
  expect(unasked).not.toHaveProperty('note_tweet');
  expect(Post.parse(unasked).text).toMatch(/… https:/);
});

test('what is withheld says so, and is marked where that is asked for', async () => {
  const { page } = await standIn([{ fault: 'withheld' }]);

  expect((await page(today)).data[0]).toMatchObject({
    text: expect.stringContaining('has been withheld in'),
    withheld: { copyright: false, country_codes: ['DE'] },
  });
});

test('an edited post names its versions, and the older one may stand beside it', async () => {
  const { page } = await standIn([
    { request: 1, fault: 'edited' },
    { request: 2, fault: 'edited', versions: 'newest' },
  ]);
  const versions = (answer: Page) =>
    answer.data.flatMap((post) =>
      z.looseObject({ edit_history_tweet_ids: z.array(z.string()) }).parse(post),
    );

  const both = versions(await page());
  const newest = versions(await page());

  const [edited] = both;
  const [first = '', last] = edited?.edit_history_tweet_ids ?? [];
  expect(both).toHaveLength(11);
  expect(last).toBe(edited?.['id']);
  expect(both.find(({ id }) => id === first)).toMatchObject({ edit_history_tweet_ids: [first] });
  expect(newest).toHaveLength(10);
  expect(newest[0]?.edit_history_tweet_ids).toEqual([first, last]);
});

test.each([
  ['metrics', { public_metrics: null }],
  ['each-metric', { public_metrics: { like_count: null, quote_count: null } }],
  ['digits', { public_metrics: { like_count: expect.stringMatching(/^\d+$/) } }],
  ['lang', { lang: null }],
] as const)('a field may have no value: %s', async (how, expected) => {
  const { page } = await standIn([{ fault: 'nulls', how }]);

  const { data } = await page(today);

  expect(data[0]).toMatchObject(expected);
  expect(data[1]).toMatchObject({ lang: 'en', public_metrics: { like_count: expect.any(Number) } });
});

test.each(['app', 'user'] as const)('the 24 hours of the %s can be used up', async (of) => {
  const { search } = await standIn([
    { request: 1, fault: 'day-used-up', of, resetSeconds: 5000 },
    { request: 2, fault: 'day-limit', of, resetSeconds: 5000 },
  ]);
  const headersOf = ({ headers, status }: Response) => ({
    status,
    left: headers.get(`x-${of}-limit-24hour-remaining`),
    reset: headers.get(`x-${of}-limit-24hour-reset`),
    inWindow: Number(headers.get('x-rate-limit-remaining')) > 0,
  });

  const [page, refusal] = [await search(), await search()];

  const day = { left: '0', reset: String(boot / 1000 + 5000), inWindow: true };
  expect(headersOf(page)).toEqual({ status: 200, ...day });
  expect(headersOf(refusal)).toEqual({ status: 429, ...day });
});

test('clock-skew moves Date, reset and created_at', async () => {
  const { search } = await standIn([{ request: 1, fault: 'clock-skew', seconds: 120 }]);

  const skewed = await search();
  const straight = await search();

  expect(skewed.headers.get('date')).toBe(new Date(boot + 120_000).toUTCString());
  expect(
    Number(skewed.headers.get('x-rate-limit-reset')) -
      Number(straight.headers.get('x-rate-limit-reset')),
  ).toBe(120);
  const [a] = Page.parse(await skewed.json()).data;
  const [b] = Page.parse(await straight.json()).data;
  expect(Date.parse(Post.parse(a).created_at) - Date.parse(Post.parse(b).created_at)).toBe(120_000);
});

test('a late tweet cannot be found at first, then can, and stays', async () => {
  const { page } = await standIn([{ request: 1, fault: 'late', tweets: 2, requests: 2 }]);
  const [first, second] = await everyId();

  const seen = [idsOf(await page()), idsOf(await page()), idsOf(await page()), idsOf(await page())];

  expect(seen.map((ids) => ids.includes(first ?? '') && ids.includes(second ?? ''))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

test('a repeated token leads to the same page once more', async () => {
  const { pages } = await standIn([{ page: 2, fault: 'repeated-token' }]);

  const all = await pages();

  expect(all[2]?.data).toEqual(all[1]?.data);
  expect(all).toHaveLength(13);
  expect([...new Set(all.flatMap(idsOf))]).toEqual(await everyId());
});

test('tweets of a page can come oldest first', async () => {
  const { page } = await standIn([{ fault: 'order', how: 'oldest-first' }]);

  const ids = idsOf(await page());

  expect(ids).toEqual([...ids].sort(compareIds));
});

test('tweets of a page can come in any order, the same each time', async () => {
  const { page } = await standIn([{ times: 'always', fault: 'order', how: 'shuffled' }]);

  const ids = idsOf(await page());

  expect(ids).not.toEqual([...ids].sort(compareIds).reverse());
  expect(idsOf(await page())).toEqual(ids);
});

test('swapped pages come one after the other, and nothing is lost by it', async () => {
  const straight = await everyId();
  const { pages } = await standIn([
    { page: 2, fault: 'order', how: 'pages-swapped' },
    { page: 11, fault: 'order', how: 'pages-swapped' },
  ]);

  const all = await pages();

  expect(all[1] && idsOf(all[1])).toEqual(straight.slice(20, 30));
  expect(all[2] && idsOf(all[2])).toEqual(straight.slice(10, 20));
  expect(all.flatMap(idsOf).sort()).toEqual([...straight].sort());
});

test.each([
  [
    'no-ids',
    (meta: Page['meta']) => meta?.newest_id === undefined && meta?.oldest_id === undefined,
  ],
  [
    'ids-swapped',
    (meta: Page['meta'], ids: string[]) =>
      meta?.newest_id === ids.at(-1) && meta?.oldest_id === ids[0],
  ],
  [
    'ids-ahead',
    (meta: Page['meta'], ids: string[]) => compareIds(meta?.oldest_id ?? '', ids[0] ?? '') > 0,
  ],
  [
    'ids-behind',
    (meta: Page['meta'], ids: string[]) => compareIds(meta?.newest_id ?? '', ids[9] ?? '') < 0,
  ],
  ['wrong-count', (meta: Page['meta']) => meta?.result_count === 17],
  ['none', (meta: Page['meta']) => meta === undefined],
] as const)('meta that is wrong: %s', async (how, isWrong) => {
  const { page } = await standIn([{ fault: 'meta', how }]);

  const answer = await page();

  expect(isWrong(answer.meta, idsOf(answer))).toBe(true);
});

test('every fault is described, and every name of the description is a fault', () => {
  const docs = readFileSync(resolve(__dirname, '../../../docs/embedded-cloud.md'), 'utf8');
  const [, section = ''] = docs.split('## When X fails');
  const described = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);

  expect(described.sort()).toEqual([...faultNames].sort());
});

test.each([
  ['{"faults": [', /is not JSON/],
  ['{"faults": [{"fault": "sloth"}]}', /is invalid at faults\.0\.fault/],
  ['{"faults": [{"fault": "status", "status": 200}]}', /is invalid at faults\.0\.status/],
  ['{"faults": [], "fault": 1}', /Unrecognized key/],
])('a script like %s is refused with the place that is wrong', (content, message) => {
  const path = join(mkdtempSync(join(tmpdir(), 'faults-')), 'faults.json');
  writeFileSync(path, content);

  expect(() => readFaultScript(path)).toThrow(message);
});

test('a script that is not there is named', () => {
  expect(() => readFaultScript('/nowhere/faults.json')).toThrow(
    /\/nowhere\/faults\.json \(X_FAULTS\) cannot be read/,
  );
});
