import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-kinesis';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { ingestTweets } from '../../functions/ingest-tweets';
import type { Lake } from '../../functions/lake/objects';
import { recentSearch } from '../../functions/x/client';
import { queryHash } from '../../functions/x/plan';
import { bearerToken } from '../../functions/x/token';
import type { RunState } from '../../workflows/payloads';
import { TestClock } from './support/clock';
import { Launcher, failNextWrite, keysBelow, readJsonObject, readText } from './support/launcher';
import { PLAN, RUN_ID, stepInput } from './support/state';
import { XServer, page, tweet } from './support/x-server';

const QUERY = PLAN.queries[0]?.query ?? '';
const SECRET = 'x-token';

let launcher: Launcher;
let x: XServer;
let kinesis: KinesisClient;
let lake: Lake;
let stream: string;
let clock: TestClock;
let streams = 0;

beforeAll(async () => {
  [launcher, x] = await Promise.all([Launcher.start(), XServer.start()]);
  kinesis = launcher.kinesis();
  await launcher
    .secrets()
    .send(new CreateSecretCommand({ Name: SECRET, SecretString: 'good-token' }));
});

afterAll(async () => {
  await Promise.all([launcher.stop(), x.stop()]);
});

beforeEach(async () => {
  jest.spyOn(console, 'info').mockReturnValue();
  lake = await launcher.lake();
  clock = new TestClock();
  streams += 1;
  stream = `stream-${streams}`;
  await kinesis.send(new CreateStreamCommand({ StreamName: stream, ShardCount: 1 }));
});

const ingest = () =>
  ingestTweets({
    lake,
    kinesis,
    stream,
    search: recentSearch(x.url, bearerToken(launcher.secrets(), SECRET, clock), clock),
    usdPerPost: 0.005,
    limits: { milliseconds: 60_000, pages: 3 },
    clock,
  });

const run = (plan: Partial<RunState['plan']> = {}) =>
  ingest()(stepInput({ plan: { ...PLAN, ...plan } }));

async function rowsInLake(): Promise<Record<string, unknown>[]> {
  const keys = await keysBelow(lake, 'raw-data/tweets/');
  const texts = await Promise.all(keys.map((key) => readText(lake, key)));
  return texts.flatMap((text) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

const idsInLake = async () => (await rowsInLake()).map(({ id }) => id).sort();

async function idsOnStream(): Promise<string[]> {
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({
      StreamName: stream,
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    }),
  );
  const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
  return Records.map(({ Data }) => JSON.parse(Buffer.from(Data ?? []).toString('utf8')).id);
}

const planOf = (query = QUERY) => readJsonObject(lake, `raw-data/plans/${queryHash(query)}.json`);

test('follows the pages to the last and writes each tweet to the lake and the stream', async () => {
  x.willAnswer(
    page([tweet(5), tweet(4)], 'next'),
    page([tweet(3, { created_at: '2026-11-22T23:59:59.000Z' })]),
  );

  const answer = await run();

  expect(answer).toEqual({
    status: 'DONE',
    complete: true,
    note: null,
    received: 3,
    written: 3,
    doubles: 0,
    quarantined: 0,
    pages: 2,
    days: ['2026-11-22', '2026-11-23'],
    spendUsd: 0.015,
  });
  expect(await idsInLake()).toEqual(['3', '4', '5']);
  expect((await idsOnStream()).sort()).toEqual(['3', '4', '5']);
  expect(await keysBelow(lake, 'raw-data/tweets/dt=2026-11-22/')).toHaveLength(1);
});

test('asks for the fields it needs with the token of the secret, first from the start X allows', async () => {
  x.willAnswer(page([tweet(5)], 'next'), page([]));

  await run();

  expect(x.searches[0]).toEqual({
    query: QUERY,
    max_results: '100',
    'tweet.fields': 'id,text,author_id,created_at,lang,public_metrics',
    expansions: 'author_id',
    'user.fields': 'id,username',
    start_time: '2026-11-17T02:21:00.000Z',
    authorization: 'Bearer good-token',
  });
  expect(x.searches[1]).toMatchObject({
    next_token: 'next',
    start_time: '2026-11-17T02:21:00.000Z',
  });
});

test("the next run begins behind the first page's newest tweet", async () => {
  x.willAnswer(page([tweet(9), tweet(8)], 'next'), page([tweet(7)]));
  await run();
  x.willAnswer(page([]));

  const answer = await run({ runId: 'the-next-run' });

  expect(x.searches[0]).toMatchObject({ since_id: '9' });
  expect(x.searches[0]).not.toHaveProperty('start_time');
  expect(answer).toMatchObject({
    status: 'DONE',
    complete: true,
    received: 0,
    note: 'X has no tweet on these keywords that is newer than the last run',
  });
});

test('removes URLs from the text and keeps everything else as it was sent', async () => {
  const text = 'Look https://t.co/abc at @you & #this  thing 😀 HTTP://EXAMPLE.com/x';
  x.willAnswer(page([tweet(1, { text })]));

  await run();

  expect(await rowsInLake()).toEqual([
    {
      id: '1',
      author_id: '77',
      author_username: 'ada',
      created_at: '2026-11-23T10:00:00.000Z',
      lang: 'en',
      text: 'Look at @you & #this  thing 😀',
      retweet_count: 1,
      reply_count: 0,
      like_count: 2,
      quote_count: 0,
      query_name: 'keywords',
      run_id: RUN_ID,
      fetched_at: '2026-11-24T02:20:00.000Z',
    },
  ]);
});

test('a tweet that does not fit is quarantined with its reason, as it came, and counted', async () => {
  const withoutAuthor = tweet(2, { author_id: undefined });
  x.willAnswer(page([tweet(3), withoutAuthor, tweet(1, { created_at: '2026-12-24T00:00:00Z' })]));

  const answer = await run();

  expect(answer).toMatchObject({ received: 3, written: 1, quarantined: 2 });
  const [key = ''] = await keysBelow(lake, 'raw-data/quarantine/dt=2026-11-24/');
  const records = (await readText(lake, key))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(records).toEqual([
    {
      run_id: RUN_ID,
      stage: 'ingest',
      reason: 'author_id: is missing',
      raw: JSON.stringify(withoutAuthor),
      refused_at: '2026-11-24T02:20:00.000Z',
    },
    expect.objectContaining({
      reason: 'created_at: lies in the future (got "2026-12-24T00:00:00Z")',
    }),
  ]);
});

test('a tweet that comes twice is written once and counted as a double', async () => {
  x.willAnswer(page([tweet(5), tweet(4), tweet(4)], 'next'), page([tweet(4), tweet(3)]));

  const answer = await run();

  expect(answer).toMatchObject({ received: 5, written: 3, doubles: 2 });
  expect(await idsInLake()).toEqual(['3', '4', '5']);
});

test('a call killed between two pages loses and doubles nothing, and the counts are whole', async () => {
  x.willAnswer(
    page([tweet(5), tweet(4)], 'next'),
    'hang up',
    'hang up',
    'hang up',
    'hang up',
    'hang up',
  );
  await expect(run()).rejects.toMatchObject({ name: 'XUnavailable' });
  x.willAnswer(page([tweet(3)]));

  const answer = await run();

  expect(x.searches).toEqual([expect.objectContaining({ next_token: 'next' })]);
  expect(answer).toMatchObject({
    status: 'DONE',
    complete: true,
    received: 3,
    written: 3,
    pages: 2,
  });
  expect(await idsInLake()).toEqual(['3', '4', '5']);
});

test('a call killed after the page was stored and before the plan was, keeps what came in since', async () => {
  failNextWrite(lake, `raw-data/plans/${queryHash(QUERY)}.json`);
  x.willAnswer(page([tweet(4), tweet(3)]));
  await expect(run()).rejects.toThrow('killed');
  x.willAnswer(page([tweet(5), tweet(4), tweet(3)]));

  await run();

  expect([...new Set(await idsInLake())]).toEqual(['3', '4', '5']);
  expect(await planOf()).toMatchObject({ since_id: '5' });
});

test('the checkpoint stays where it was until the last page is stored', async () => {
  x.willAnswer(page([tweet(5)], 'next'), {
    status: 400,
    body: { title: 'Invalid Request', detail: 'no such token' },
  });

  await expect(run()).rejects.toMatchObject({ name: 'XRequestRejected' });

  expect(await planOf()).toMatchObject({
    since_id: null,
    window: { newest_id: '5', next_token: 'next' },
  });
});

test('a used-up rate window is waited for outside, until just after its reset', async () => {
  const reset = Date.parse('2026-11-24T02:30:00.000Z') / 1000;
  const headers = {
    'x-rate-limit-limit': '450',
    'x-rate-limit-remaining': '0',
    'x-rate-limit-reset': String(reset),
  };
  x.willAnswer(page([tweet(5)], 'next'), {
    status: 429,
    headers,
    body: { title: 'Too Many Requests' },
  });

  const answer = await run();

  expect(answer).toMatchObject({
    status: 'RATE_LIMITED',
    resumeAt: '2026-11-24T02:30:01.000Z',
    received: 1,
  });
  x.willAnswer(page([tweet(4)]));
  expect(await run()).toMatchObject({ status: 'DONE', complete: true, received: 2 });
});

test('a page that uses up the rate window is stored before the wait', async () => {
  const reset = Date.parse('2026-11-24T02:30:00.000Z') / 1000;
  const headers = {
    'x-rate-limit-limit': '450',
    'x-rate-limit-remaining': '0',
    'x-rate-limit-reset': String(reset),
  };
  x.willAnswer({ ...page([tweet(5)], 'next'), headers });

  const answer = await run();

  expect(answer).toMatchObject({ status: 'RATE_LIMITED', written: 1 });
  expect(x.searches).toHaveLength(1);
  expect(await idsInLake()).toEqual(['5']);
});

test.each([
  [
    'the monthly cap',
    429,
    { title: 'UsageCapExceeded', detail: 'Usage cap exceeded: Monthly product cap' },
  ],
  [
    'credits that are used up',
    402,
    { title: 'CreditsDepleted', detail: 'Your credits are used up' },
  ],
])('%s ends the pull as incomplete and says so, without waiting', async (_, status, body) => {
  x.willAnswer(page([tweet(5)], 'next'), { status, body });

  const answer = await run();

  expect(answer).toMatchObject({ status: 'DONE', complete: false, received: 1 });
  expect(answer).toHaveProperty('note', expect.stringContaining(body.detail));
  expect(clock.pauses).toEqual([]);
});

test('a refused token ends the execution with the secret to mend, and never with the token', async () => {
  x.willAnswer(
    ...Array.from({ length: 2 }, () => ({
      status: 401,
      body: { title: 'Unauthorized', detail: 'Unauthorized' },
    })),
  );

  const failure = await run().catch((error: unknown) => error);

  expect(failure).toMatchObject({
    name: 'XAuthenticationFailed',
    message: expect.stringContaining(SECRET),
  });
  expect(String(failure)).not.toContain('good-token');
});

test('a token that was replaced meanwhile is read anew', async () => {
  const work = ingest();
  x.willAnswer(page([tweet(1)]));
  await work(stepInput());
  await launcher
    .secrets()
    .send(new PutSecretValueCommand({ SecretId: SECRET, SecretString: 'newer-token' }));
  x.willAnswer({ status: 401, body: { title: 'Unauthorized' } }, page([tweet(2)]));

  await work(stepInput({ plan: { ...PLAN, runId: 'the-next-run' } }));

  expect(x.searches.map(({ authorization }) => authorization)).toEqual([
    'Bearer good-token',
    'Bearer newer-token',
  ]);
  await launcher
    .secrets()
    .send(new PutSecretValueCommand({ SecretId: SECRET, SecretString: 'good-token' }));
});

test('a checkpoint older than X reaches back falls to the oldest day X has, and the gap is noted', async () => {
  x.willAnswer(page([tweet(5)]));
  await run();
  x.willAnswer(
    {
      status: 400,
      body: {
        title: 'Invalid Request',
        errors: [
          {
            message: "'since_id' must be a tweet id created after 2026-11-17",
            parameters: { since_id: ['5'] },
          },
        ],
      },
    },
    page([tweet(9)]),
  );

  const answer = await run({ runId: 'the-next-run' });

  expect(x.searches[1]).toMatchObject({ start_time: '2026-11-17T02:21:00.000Z' });
  expect(x.searches[1]).not.toHaveProperty('since_id');
  expect(answer).toMatchObject({ status: 'DONE', complete: true, received: 1 });
  expect(answer).toHaveProperty('note', expect.stringContaining('may be missing'));
  expect(await planOf()).toMatchObject({ since_id: '9' });
});

test('a window that grows too old between its pages goes on behind what it has', async () => {
  x.willAnswer(
    page([tweet(9), tweet(8)], 'next'),
    {
      status: 400,
      body: {
        title: 'Invalid Request',
        errors: [{ message: 'too old', parameters: { start_time: [''] } }],
      },
    },
    page([tweet(7)]),
  );

  const answer = await run();

  expect(x.searches[2]).toMatchObject({ until_id: '8' });
  expect(x.searches[2]).not.toHaveProperty('next_token');
  expect(answer).toMatchObject({ complete: true, written: 3 });
  expect(await planOf()).toMatchObject({ since_id: '9' });
});

test('a server that fails for a moment is asked again, with growing pauses', async () => {
  x.willAnswer({ status: 503, body: {} }, 'hang up', page([tweet(1)]));

  const answer = await run();

  expect(answer).toMatchObject({ status: 'DONE', written: 1 });
  expect(clock.pauses).toHaveLength(2);
  expect(clock.pauses[1]).toBeGreaterThan(clock.pauses[0] ?? Infinity);
});

test('the budget of tweets is never exceeded, and what is left is for the next run', async () => {
  const tweets = (newest: number, count: number) =>
    Array.from({ length: count }, (_, index) => tweet(newest - index));
  x.willAnswer(page(tweets(500, 100), 'second'), page(tweets(400, 20), 'third'));

  const answer = await run({ maxTweets: 120 });

  expect(x.searches.map(({ max_results }) => max_results)).toEqual(['100', '20']);
  expect(answer).toMatchObject({ status: 'DONE', complete: false, received: 120 });
  expect(answer).toHaveProperty('note', expect.stringContaining('budget of 120 tweets'));

  x.willAnswer(page(tweets(380, 5)), page([]));
  const next = await run({ runId: 'the-next-run' });

  expect(x.searches[0]).toMatchObject({ next_token: 'third' });
  expect(x.searches[1]).toMatchObject({ since_id: '500' });
  expect(next).toMatchObject({ complete: true, received: 5, note: null });
});

test('a call ends after so many pages and the next goes on', async () => {
  x.willAnswer(page([tweet(9)], 'a'), page([tweet(8)], 'b'), page([tweet(7)], 'c'));

  const answer = await run();

  expect(answer).toMatchObject({ status: 'MORE', pages: 3, received: 3 });
  x.willAnswer(page([tweet(6)]));
  expect(await run()).toMatchObject({ status: 'DONE', pages: 4, received: 4 });
});

test('a call ends after so much time and the next goes on', async () => {
  x.willAnswer(page([tweet(9)], 'a'), { status: 503, body: {} }, page([tweet(8)], 'b'));
  jest.spyOn(clock, 'sleep').mockImplementation(async () => clock.advance(61_000));

  const answer = await run();

  expect(answer).toMatchObject({ status: 'MORE', pages: 2 });
});

test('several queries are each followed to their end and counted together', async () => {
  const queries = [
    { name: 'keywords-1', query: '(tea)' },
    { name: 'keywords-2', query: '(cocoa)' },
  ];
  x.willAnswer(page([tweet(2)]), page([tweet(3)]));

  const answer = await run({ queries });

  expect(x.searches.map(({ query }) => query)).toEqual(['(tea)', '(cocoa)']);
  expect(answer).toMatchObject({ status: 'DONE', received: 2, pages: 2 });
  expect(await planOf('(tea)')).toMatchObject({ since_id: '2' });
  expect(await planOf('(cocoa)')).toMatchObject({ since_id: '3' });
});

test('a call repeated after its answer was lost asks X nothing more', async () => {
  x.willAnswer(page([tweet(1)]));
  const first = await run();
  x.willAnswer();

  const second = await run();

  expect(second).toEqual(first);
  expect(x.searches).toEqual([]);
});

test('a server that is no X API is named as such', async () => {
  x.willAnswer({ body: { hello: 'world' } });

  await expect(run()).rejects.toMatchObject({
    name: 'XRequestRejected',
    message: expect.stringContaining("not as X's recent search"),
  });
});
