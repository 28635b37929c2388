import { Agent, type Server } from 'node:http';
import { ApiResponseError, TwitterApi, TwitterApiv2, type TweetV2 } from 'twitter-api-v2';
import refused from '../../cases/x-stub-refuses.json';
import { boot, hour, startStandIn } from './world';

let url: string;
let clock: { now: number };
let server: Server;

beforeEach(async () => ({ url, clock, server } = await startStandIn({ requestsPerWindow: 20 })));
afterEach(() => new Promise((resolve) => server.close(resolve)));

/** The real client; over plain http it needs an agent of that protocol, and its address can only be set from inside. */
class LocalApi extends TwitterApiv2 {
  constructor() {
    super(new TwitterApi('any-token', { httpAgent: new Agent({ keepAlive: false }) }));
    this.setPrefix(url);
  }
}

const client = () => new LocalApi();

async function allPages(
  query: string,
  options: Record<string, string | number> = {},
): Promise<TweetV2[]> {
  const posts: TweetV2[] = [];
  let next_token: string | undefined;
  do {
    const page = await client().get('tweets/search/recent', {
      query,
      max_results: 50,
      next_token,
      ...options,
    });
    posts.push(...(page.data ?? []));
    next_token = page.meta.next_token;
  } while (next_token);
  return posts;
}

const get = (path: string, headers: Record<string, string> = { authorization: 'Bearer t' }) =>
  fetch(`${url}${path}`, { headers });

test('the real client pages through everything once, newest first, with authors and metrics', async () => {
  const paginator = await client().search('(love OR hate) lang:en -is:retweet', {
    max_results: 50,
    expansions: ['author_id'],
    'tweet.fields': ['created_at', 'lang', 'public_metrics'],
    'user.fields': ['username'],
  });
  const firstNewest = paginator.meta.newest_id;
  while (!paginator.done) await paginator.fetchNext();

  expect(paginator.tweets).toHaveLength(120);
  expect(new Set(paginator.tweets.map(({ id }) => id)).size).toBe(120);
  expect(paginator.tweets[0]?.id).toBe(firstNewest);
  const times = paginator.tweets.map(({ created_at }) => String(created_at));
  expect(times).toEqual([...times].sort().reverse());
  expect(paginator.includes.author(paginator.tweets[7]!)?.username).toMatch(/^[a-z]+_[a-z]+$/);
  expect(paginator.tweets[0]?.public_metrics?.like_count).toBeGreaterThanOrEqual(0);
  expect(paginator.rateLimit).toMatchObject({ limit: 20, remaining: 17 });
});

test('fields that were not asked for are left out', async () => {
  const page = await client().get('tweets/search/recent', { query: 'love' });

  expect(Object.keys(page.data[0]).sort()).toEqual(['edit_history_tweet_ids', 'id', 'text']);
  expect(page.includes).toBeUndefined();
  expect(page.meta).toMatchObject({
    result_count: 10,
    newest_id: page.data[0].id,
    oldest_id: page.data[9].id,
  });
});

test('until_id, start_time and end_time narrow the search', async () => {
  const posts = await allPages('love OR hate', { 'tweet.fields': 'created_at' });
  const middle = posts[60]!;

  const older = await allPages('love OR hate', { until_id: middle.id });
  const later = await allPages('love OR hate', { start_time: middle.created_at ?? '' });
  const earlier = await allPages('love OR hate', { end_time: middle.created_at ?? '' });

  expect(older.map(({ id }) => id)).toEqual(posts.slice(61).map(({ id }) => id));
  expect(later.map(({ id }) => id)).toEqual(posts.slice(0, 61).map(({ id }) => id));
  expect(earlier.map(({ id }) => id)).toEqual(older.map(({ id }) => id));
});

test('each poll for news that would find none brings some of the posts held back, until none are left', async () => {
  const counts: number[] = [];
  let known = await allPages('love OR hate');
  for (let night = 0; night < 4; night += 1) {
    clock.now += 24 * hour;
    const since_id = known[0]?.id ?? '';
    const news = await allPages('love OR hate', { since_id });
    counts.push(news.length);
    expect(news.every(({ id }) => BigInt(id) > BigInt(since_id))).toBe(true);
    known = [...news, ...known];
  }

  expect(counts).toEqual([10, 10, 0, 0]);
  expect(new Set(known.map(({ text }) => text)).size).toBe(140);
});

test('a page that fails to arrive can be asked for again', async () => {
  const first = await client().get('tweets/search/recent', { query: 'love', max_results: 10 });
  const { next_token } = first.meta;

  const second = await client().get('tweets/search/recent', {
    query: 'love',
    max_results: 10,
    next_token,
  });
  const again = await client().get('tweets/search/recent', {
    query: 'love',
    max_results: 10,
    next_token,
  });

  expect(again.data).toEqual(second.data);
  expect(BigInt(second.data[0].id)).toBeLessThan(BigInt(first.data[9].id));
});

test('posts older than seven days are not found', async () => {
  clock.now = boot + 4 * 24 * hour;

  const left = await allPages('love OR hate', { 'tweet.fields': 'created_at' });

  expect(left.length).toBeLessThan(100);
  expect(
    left.every(({ created_at }) => Date.parse(created_at ?? '') >= clock.now - 7 * 24 * hour),
  ).toBe(true);
});

test('the rate window ends in a 429 that the client understands, and opens again', async () => {
  for (let request = 0; request < 20; request += 1)
    await client().get('tweets/search/recent', { query: 'love' });

  const refused = await client()
    .get('tweets/search/recent', { query: 'love' })
    .catch((error: unknown) => error);

  expect(refused).toBeInstanceOf(ApiResponseError);
  expect(refused).toMatchObject({
    code: 429,
    rateLimitError: true,
    rateLimit: { remaining: 0, reset: boot / 1000 + 900 },
  });
  clock.now += 900_000;
  await expect(client().get('tweets/search/recent', { query: 'love' })).resolves.toHaveProperty(
    'data',
  );
});

test.each(refused)(
  '$case is answered as X does, with 400 and the parameter',
  async ({ asked, parameter, says }) => {
    const response = await get(`tweets/search/recent?${asked}`);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      title: 'Invalid Request',
      errors: [
        { parameters: { [parameter]: expect.any(Array) }, message: expect.stringContaining(says) },
      ],
    });
  },
);

test('a next_token of one query is not valid for another', async () => {
  const { meta } = await client().get('tweets/search/recent', { query: 'love' });

  const response = await get(`tweets/search/recent?query=hate&next_token=${meta.next_token}`);

  expect(response.status).toBe(400);
});

test('without a bearer token there is no answer', async () => {
  const response = await get('tweets/search/recent?query=love', {});

  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ title: 'Unauthorized', status: 401 });
});

test('other paths and methods do not exist', async () => {
  expect((await get('tweets/search/all?query=love')).status).toBe(404);
  expect((await fetch(`${url}tweets/search/recent`, { method: 'POST' })).status).toBe(405);
});

test('with a token of its own it answers nobody else', async () => {
  const own = await startStandIn({ token: 'the-token-of-this-lake' });
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${own.url}tweets/search/recent?query=love`, { headers })).status;

  const answers = [
    await status({}),
    await status({ authorization: 'Bearer no-token-needed' }),
    await status({ authorization: 'Bearer the-token-of-this-lake' }),
  ];
  await new Promise((resolve) => own.server.close(resolve));

  expect(answers).toEqual([401, 401, 200]);
});

test('ids narrow a search from both sides, as times do', async () => {
  const posts = await allPages('love OR hate', { 'tweet.fields': 'created_at' });
  const [newer, older] = [posts[40]!, posts[80]!];

  const byIds = await allPages('love OR hate', { since_id: older.id, until_id: newer.id });
  const byTimes = await allPages('love OR hate', {
    start_time: older.created_at ?? '',
    end_time: newer.created_at ?? '',
  });

  expect(byIds.map(({ id }) => id)).toEqual(posts.slice(41, 80).map(({ id }) => id));
  expect(byTimes.map(({ id }) => id)).toEqual(posts.slice(41, 81).map(({ id }) => id));
});

test('every field and expansion that the ingest may name is taken', async () => {
  const page = await client().get('tweets/search/recent', {
    query: 'love',
    'tweet.fields':
      'id,text,author_id,created_at,lang,public_metrics,note_tweet,referenced_tweets,edit_history_tweet_ids,withheld',
    expansions: 'author_id,referenced_tweets.id,referenced_tweets.id.author_id',
    'user.fields': 'id,username',
  });

  expect(page.meta.result_count).toBe(10);
});
