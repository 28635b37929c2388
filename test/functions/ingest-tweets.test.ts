import { gzipSync } from 'node:zlib';
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-kinesis';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import fc from 'fast-check';
import { ingestTweets } from '../../functions/ingest-tweets';
import {
  FORGOTTEN_KEY,
  randomMarker,
  readForgotten,
  withIds,
} from '../../functions/lake/forgotten';
import { putJsonIf } from '../../functions/lake/objects';
import { packRows, rawPageKey } from '../../functions/lake/raw-pages';
import { inParallel } from '../../functions/shared/in-parallel';
import { RawTweetRow } from '../../functions/x/tweets';
import { versionsBelow } from '../../functions/lake/versions';
import { heldOutNow } from '../../functions/model/held-out';
import { chooseEncoder } from '../../functions/model/encoders';
import type { LakeBucket } from '../../functions/lake/objects';
import { recentSearch } from '../../functions/x/client';
import type { Search, SearchAnswer, SearchRequest } from '../../functions/x/client';
import { planHash } from '../../functions/ingest/plan';
import { idAt } from '../../functions/x/ids';
import { bearerToken } from '../../functions/x/token';
import { leaseKeys } from '../../workflows/datasets';
import { IngestTweetsOutput } from '../../workflows/payloads';
import type { RunState } from '../../workflows/payloads';
import { TestClock } from './support/clock';
import {
  Launcher,
  failNextWrite,
  keysBelow,
  put,
  putJsonObject,
  readJsonObject,
  readText,
} from './support/launcher';
import { PLAN, RUN_ID, stepInput } from './support/state';
import { XServer, page, tweet } from './support/x-server';

const QUERY = PLAN.queries[0]?.query ?? '';
const SECRET = 'x-token';

let launcher: Launcher;
let x: XServer;
let kinesis: KinesisClient;
let lake: LakeBucket;
let stream: string;
let clock: TestClock;
let streams = 0;
let maxTweetsPerMonth: number | null;
let authorNames: boolean;

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
  x.time = clock.now();
  maxTweetsPerMonth = null;
  authorNames = true;
  streams += 1;
  stream = `stream-${streams}`;
  await kinesis.send(new CreateStreamCommand({ StreamName: stream, ShardCount: 1 }));
});

const search = () => recentSearch(x.url, bearerToken(launcher.secrets(), SECRET, clock), clock);

const marker = randomMarker();

/** The first page of everything. */
const SEARCH: SearchRequest = {
  query: '',
  maxResults: 100,
  authorNames: true,
  sinceId: null,
  startTime: null,
  endTime: null,
  untilId: null,
  nextToken: null,
};

const ingest = ({
  pages = 3,
  running = true,
  search: asked = search(),
  now = () => clock.now(),
} = {}) =>
  ingestTweets({
    lake,
    kinesis,
    stream,
    search: asked,
    isRunning: async () => running,
    marker: async () => marker,
    settings: {
      usdPerPost: 0.005,
      usdPerUser: 0.01,
      authorNames,
      maxTweetsPerMonth,
      lateTweetSeconds: 30,
    },
    limits: { milliseconds: 60_000, pages },
    clock: { now, sleep: (milliseconds) => clock.sleep(milliseconds) },
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

/** Keys of which a version is left, be it an old one. */
async function versionsIn(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of versionsBelow(lake, prefix)) keys.push(key);
  return keys;
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

const planOf = (query = QUERY) =>
  readJsonObject(lake, `raw-data/plans/queries/${planHash(query)}.json`);

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
    duplicates: 0,
    quarantined: 0,
    pages: 2,
    days: ['2026-11-22', '2026-11-23'],
    queries: [
      {
        name: 'keywords',
        complete: true,
        received: 3,
        written: 3,
        duplicates: 0,
        quarantined: 0,
        pages: 2,
      },
    ],
    gaps: [],
    open: [],
    queued: 0,
    resent: 0,
    unanswered: 0,
    users: 2,
    spendUsd: 0.035,
    month: { month: '2026-11', posts: 3, users: 2, limit: null },
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
    'tweet.fields':
      'id,text,author_id,created_at,lang,public_metrics,note_tweet,referenced_tweets,edit_history_tweet_ids,withheld',
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
    note: 'X has no tweets for these queries since the last run',
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
      edit_history_tweet_ids: ['1'],
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

test('a nightly run merges the pages of closed days; an ingest beside the runs does not', async () => {
  for (const id of ['101', '102', '103', '104', '105'])
    await put(lake, rawPageKey('2026-11-10', [id], 'q'), packRows([{ id }]));
  x.willAnswer(page([tweet(5)]), page([]));

  await run({ mode: 'ingest' });
  expect(await keysBelow(lake, 'raw-data/tweets/dt=2026-11-10/')).toHaveLength(5);

  expect(await run()).toMatchObject({ status: 'DONE' });
  const merged = await keysBelow(lake, 'raw-data/tweets/dt=2026-11-10/');
  expect(merged).toEqual([expect.stringContaining('-merged-')]);
  expect(await idsInLake()).toEqual(['101', '102', '103', '104', '105', '5']);
});

test('a tweet that comes twice is written once and counted as a double', async () => {
  x.willAnswer(page([tweet(5), tweet(4), tweet(4)], 'next'), page([tweet(4), tweet(3)]));

  const answer = await run();

  expect(answer).toMatchObject({ received: 5, written: 3, duplicates: 2 });
  expect(await idsInLake()).toEqual(['3', '4', '5']);
});

test('a call killed between two pages loses and duplicates nothing, and the counts are complete', async () => {
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
  failNextWrite(lake, `raw-data/plans/queries/${planHash(QUERY)}.json`);
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
    watermark: null,
    pending: { newest_id: '5', next_token: 'next' },
  });
});

test('what was asked for when the process died counts as spent, and the run says so', async () => {
  x.willAnswer(page([tweet(5)], 'next'), {
    status: 400,
    body: { title: 'Invalid Request', detail: 'no such token' },
  });
  await expect(run()).rejects.toMatchObject({ name: 'XRequestRejected' });
  x.willAnswer(page([tweet(4)]));

  const answer = await run();

  expect(answer).toMatchObject({
    received: 2,
    unanswered: 100,
    // 102 posts, and an author with each: 100 may have come in the answer that was lost.
    users: 102,
    spendUsd: 1.53,
    month: { posts: 102 },
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

const TOO_OLD = {
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
};

/** Both clocks, ours and X's. */
function passDays(days: number): void {
  clock.advance(days * 24 * 60 * 60 * 1000);
  x.time = clock.now();
}

test('a checkpoint older than X reaches back falls to the oldest day X has, and the gap is recorded', async () => {
  x.willAnswer(page([tweet(5)]));
  await run();
  passDays(10);
  x.willAnswer(TOO_OLD, page([tweet(9)]));

  const answer = await run({ runId: 'the-next-run' });

  expect(x.searches[1]).toMatchObject({ start_time: '2026-11-27T02:21:00.000Z' });
  expect(x.searches[1]).not.toHaveProperty('since_id');
  expect(answer).toMatchObject({
    status: 'DONE',
    complete: true,
    received: 1,
    gaps: [
      {
        query: 'keywords',
        from: '2026-11-24T02:19:30.000Z',
        until: '2026-11-27T02:21:00.000Z',
        foundAt: '2026-12-04T02:20:00.000Z',
      },
    ],
  });
  expect(answer).toHaveProperty('note', expect.stringContaining('gap in keywords from 2026-11-24'));
  expect(await planOf()).toMatchObject({ since_id: '9' });
});

test('a checkpoint that grew old because nobody tweeted is no gap', async () => {
  x.willAnswer(page([tweet(5)]));
  await run();
  passDays(6);
  x.willAnswer(page([]));
  await run({ runId: 'a-quiet-run' });
  passDays(5);
  x.willAnswer(TOO_OLD, page([tweet(9)]));

  expect(await run({ runId: 'the-next-run' })).toMatchObject({ complete: true, gaps: [] });
});

test('a window that is taken up again when its rest has left the index leaves a gap, although X says nothing', async () => {
  x.willAnswer(page([tweet(idAt(clock.now()))], 'next'), {
    status: 429,
    body: { title: 'UsageCapExceeded' },
  });
  await run();
  passDays(9);
  x.willAnswer(page([]), page([]));

  const answer = await run({ runId: 'the-next-run' });

  expect(answer).toMatchObject({
    complete: true,
    gaps: [
      { from: '2026-11-17T02:21:00.000Z', until: '2026-11-24T02:20:00.000Z' },
      // What came in after that window was opened, and before what X still has.
      { from: '2026-11-24T02:19:30.000Z', until: '2026-11-26T02:20:00.000Z' },
    ],
  });
});

test('a window of a query that is no longer asked for is shown, and becomes a gap once it is too old', async () => {
  const queries = [{ name: 'tea', query: '(tea)' }];
  x.willAnswer(page([tweet(idAt(clock.now()))], 'next'), {
    status: 429,
    body: { title: 'UsageCapExceeded' },
  });
  await run({ queries });
  x.willAnswer(page([]));
  const soon = await run({ runId: 'the-next-run' });
  passDays(8);
  x.willAnswer(page([]));
  const late = await run({ runId: 'a-late-run', startedAt: clock.now().toISOString() });

  expect(soon).toMatchObject({ open: [{ query: 'tea' }], gaps: [] });
  expect(soon).toHaveProperty('note', expect.stringContaining('left open by earlier runs: tea'));
  expect(late).toMatchObject({ open: [], gaps: [{ query: 'keywords' }, { query: 'tea' }] });
});

test('a query that is asked for again after its window was given up has a gap from then on', async () => {
  const queries = [{ name: 'tea', query: '(tea)' }];
  const opened = clock.now();
  x.willAnswer(page([tweet(idAt(opened))], 'next'), {
    status: 429,
    body: { title: 'UsageCapExceeded' },
  });
  await run({ queries });
  passDays(8);
  x.willAnswer(page([]));
  await run({ runId: 'of-another-query', startedAt: clock.now().toISOString() });
  x.willAnswer(page([]));

  const again = await run({ runId: 'asked-again', queries });

  const from = new Date(opened.valueOf() - 30_000).toISOString();
  expect(again).toMatchObject({ gaps: [{ query: 'tea', from }] });
});

test('a gap whose finder was killed before its report is reported by the next run, once', async () => {
  x.willAnswer(page([tweet(9)]));
  await run();
  passDays(8);
  const stale = {
    status: 400,
    body: { errors: [{ message: "'since_id' is too old", parameters: { since_id: ['9'] } }] },
  };
  const failing = Array.from({ length: 5 }, () => ({ status: 503, body: {} }));
  x.willAnswer(stale, page([tweet(99)], 'next'), ...failing);
  await expect(run({ runId: 'killed' })).rejects.toMatchObject({ name: 'XUnavailable' });
  x.willAnswer(page([]), page([]));

  const next = await run({ runId: 'the-next' });
  x.willAnswer(page([]));
  const afterNext = await run({ runId: 'after-the-next' });

  expect(next).toMatchObject({ gaps: [{ query: 'keywords' }] });
  expect(afterNext).toMatchObject({ gaps: [] });
});

test('a write that meets another in flight is tried again, and stands', async () => {
  x.willAnswer(page([tweet(5)]));
  let conflicts = 0;
  lake.s3.middlewareStack.add(
    (next) => (args) => {
      const key = 'Key' in args.input ? String(args.input.Key) : '';
      if ('Body' in args.input && key.startsWith('raw-data/tweets/') && conflicts < 2) {
        conflicts += 1;
        throw Object.assign(new Error('conflict'), { $metadata: { httpStatusCode: 409 } });
      }
      return next(args);
    },
    { step: 'initialize' },
  );

  await run();

  expect(conflicts).toBe(2);
  expect(await idsInLake()).toEqual(['5']);
});

test('a tweet that a jumping clock dates otherwise the second time is still the same tweet', async () => {
  x.willAnswer(page([tweet(5, { created_at: '2026-11-23T23:59:00.000Z' })]));
  await run();
  x.willAnswer(page([tweet(5, { created_at: '2026-11-24T00:01:00.000Z' })]));

  const answer = await run({ runId: 'the-next-run' });

  expect(answer).toMatchObject({ received: 1, written: 0, duplicates: 1 });
  expect(await idsInLake()).toEqual(['5']);
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
  x.willAnswer(...Array.from({ length: 5 }, () => ({ body: { hello: 'world' } })));

  await expect(run()).rejects.toMatchObject({
    name: 'XRequestRejected',
    message: expect.stringContaining("not with a page of X's recent search"),
  });
});

test('tweets that two queries find are stored and counted once', async () => {
  const queries = [
    { name: 'tea', query: '(tea)' },
    { name: 'cocoa', query: '(cocoa)' },
  ];
  x.willAnswer(page([tweet(5), tweet(4)], 'a'), page([tweet(3)]), page([tweet(5), tweet(2)]));

  const answer = await run({ queries });

  expect(answer).toMatchObject({ received: 5, written: 4, duplicates: 1 });
  expect(await idsInLake()).toEqual(['2', '3', '4', '5']);
});

test('a tweet that an earlier run stored is a double, even when X sends it again', async () => {
  x.willAnswer(page([tweet(5), tweet(4)]));
  await run();
  x.willAnswer(page([tweet(6), tweet(5)]));

  const answer = await run({ runId: 'the-next-run' });

  expect(answer).toMatchObject({ received: 2, written: 1, duplicates: 1 });
  expect(await idsInLake()).toEqual(['4', '5', '6']);
});

test('a page decided on before a kill stands, whatever X answers afterwards', async () => {
  x.willAnswer(page([tweet(5, { public_metrics: { like_count: 1 } })]));
  failNextWrite(lake, /raw-data\/tweets/);
  await expect(run()).rejects.toThrow('killed');
  x.willAnswer();

  const answer = await run();

  expect(x.searches).toEqual([]);
  expect(answer).toMatchObject({ status: 'DONE', received: 1, written: 1 });
  expect(await rowsInLake()).toMatchObject([{ id: '5', like_count: 1 }]);
});

test('a page that another query decided on before a kill is stored first', async () => {
  const queries = [{ name: 'tea', query: '(tea)' }];
  x.willAnswer(page([tweet(5)]));
  failNextWrite(lake, /raw-data\/tweets/);
  await expect(run({ queries })).rejects.toThrow('killed');
  x.willAnswer(page([tweet(5)]));

  const answer = await run({ runId: 'the-next-run' });

  expect(answer).toMatchObject({ received: 1, written: 0, duplicates: 1 });
  expect(await idsInLake()).toEqual(['5']);
});

test('an invocation that outlives its execution stores nothing more', async () => {
  const queries = [
    { name: 'tea', query: '(tea)' },
    { name: 'cocoa', query: '(cocoa)' },
  ];
  x.willAnswer(page([tweet(9)]));
  let old: Promise<unknown> = Promise.resolve();
  const answerOld = await new Promise<(answer: SearchAnswer) => void>((isAsked) => {
    const slowly: Search = (request) =>
      request.query === '(tea)' ? search()(request) : new Promise((resolve) => isAsked(resolve));
    old = ingest({ search: slowly })(stepInput({ plan: { ...PLAN, queries } }));
  });
  x.willAnswer(page([tweet(10), tweet(5)]));
  await run({ queries: queries.slice(0, 1), runId: 'the-next-run' });

  x.willAnswer(page([tweet(5), tweet(3)]));
  answerOld(await search()({ ...SEARCH, query: '(cocoa)' }));

  await expect(old).rejects.toMatchObject({ name: 'RunInProgress' });
  expect(await idsInLake()).toEqual(['10', '5', '9']);
});

test('tweets so fresh that older ones may still be on their way are asked for once more', async () => {
  const fresh = new Date(clock.now().valueOf() - 5_000);
  x.willAnswer(page([tweet(idAt(fresh))]));
  await run();
  x.willAnswer(page([tweet(idAt(fresh)), tweet(idAt(new Date(fresh.valueOf() - 10_000)))]));

  const answer = await run({ runId: 'the-next-run' });

  expect(x.searches[0]).toMatchObject({
    since_id: idAt(new Date(clock.now().valueOf() - 30_000)),
  });
  expect(answer).toMatchObject({ received: 2, written: 1, duplicates: 1 });
});

test('no author is asked for where names are not wanted, and none is paid for', async () => {
  authorNames = false;
  x.willAnswer(
    { body: { data: [tweet(5)], meta: { result_count: 1, next_token: 'next' } } },
    { body: { data: [tweet(4)], meta: { result_count: 1 } } },
  );

  const answer = await run();

  for (const asked of x.searches) {
    expect(asked).not.toHaveProperty('expansions');
    expect(asked).not.toHaveProperty(['user.fields']);
  }
  expect(answer).toMatchObject({ received: 2, users: 0, spendUsd: 0.01, month: { users: 0 } });
  expect(await rowsInLake()).toMatchObject([
    { author_id: '77', author_username: null },
    { author_id: '77', author_username: null },
  ]);
});

test('each user that X sends is counted in what the run and the month cost, and no post for it', async () => {
  const users = ['1', '2', '3'].map((id) => ({ id, username: `user_${id}`, name: id }));
  const asked = (tweets: unknown[], next?: string) => ({
    body: {
      data: tweets,
      includes: { users },
      meta: { result_count: tweets.length, ...(next !== undefined && { next_token: next }) },
    },
  });
  x.willAnswer(asked([tweet(5), tweet(4), tweet(3)], 'next'), asked([tweet(2)]));

  const answer = await run();

  expect(answer).toMatchObject({
    received: 4,
    users: 6,
    spendUsd: 4 * 0.005 + 6 * 0.01,
    month: { posts: 4, users: 6 },
  });
  expect(await planOf()).toMatchObject({ spent: { posts: 4, users: 6 }, asked_users: 0 });
});

test('a plan from before users were counted has none', async () => {
  x.willAnswer(page([tweet(5)]));
  await run();
  const { asked_users, ...plan } = Object(await planOf());
  const { users: ofMonth, ...spent } = plan.spent;
  const { users: ofRun, ...progress } = plan.progress;
  expect([asked_users, ofMonth, ofRun]).toEqual([0, 1, 1]);
  await putJsonObject(lake, `raw-data/plans/queries/${planHash(QUERY)}.json`, {
    ...plan,
    spent,
    progress,
  });
  x.willAnswer(page([tweet(6)]));

  const answer = await run({ runId: 'the-next-run' });

  expect(answer).toMatchObject({ users: 1, month: { posts: 2, users: 1 } });
});

test("the month's budget ends a run that has posts of its own left", async () => {
  maxTweetsPerMonth = 30;
  const tweets = (newest: number, count: number) =>
    Array.from({ length: count }, (_, index) => tweet(newest - index));
  x.willAnswer(page(tweets(500, 25), 'second'));

  const answer = await run();

  expect(x.searches.map(({ max_results }) => max_results)).toEqual(['30']);
  expect(answer).toMatchObject({
    complete: false,
    received: 25,
    month: { posts: 25, limit: 30 },
    open: [{ query: 'keywords', reason: "the month's budget of 30 posts is used up" }],
  });
});

test("the month's budget begins anew with the month", async () => {
  maxTweetsPerMonth = 30;
  x.willAnswer(page(Array.from({ length: 25 }, (_, index) => tweet(500 - index))));
  await run();
  passDays(10);
  x.willAnswer(page([tweet(501)]));

  const answer = await run({ runId: 'the-next-run' });

  expect(answer).toMatchObject({ received: 1, month: { month: '2026-12', posts: 1 } });
});

test('a server that pages without end and without a tweet is left, and gone on with later', async () => {
  x.willAnswer(...Array.from({ length: 60 }, (_, index) => page([], `token-${index}`)));
  const work = ingest({ pages: 100 });

  const answer = await work(stepInput());

  expect(answer).toMatchObject({ status: 'DONE', complete: false, pages: 50, received: 0 });
});

test('a page that names itself as the next is kept, and the window goes on behind it', async () => {
  x.willAnswer(page([tweet(5)], 'same'), page([tweet(4)], 'same'), page([tweet(3)]));

  const answer = await run();

  expect(x.searches[2]).toMatchObject({ until_id: '4' });
  expect(x.searches[2]).not.toHaveProperty('next_token');
  expect(answer).toMatchObject({ status: 'DONE', complete: true, received: 3, written: 3 });
});

test('a window whose token X refuses goes on behind what it has', async () => {
  const message = 'The `next_token` query parameter value [next] is not valid';
  const errors = [{ message, parameters: { next_token: ['next'] } }];
  x.willAnswer(page([tweet(5)], 'next'), { status: 400, body: { errors } }, page([tweet(3)]));

  const answer = await run();

  expect(x.searches[2]).toMatchObject({ until_id: '5' });
  expect(answer).toMatchObject({ status: 'DONE', complete: true, received: 2 });
});

/** Of each search, the bounds it had. */
const boundsAsked = () =>
  x.searches.map((asked) =>
    ['since_id', 'until_id', 'start_time', 'end_time'].filter((bound) => bound in asked),
  );
const at = (instant: string) => idAt(new Date(instant));
const refusedToken = {
  status: 400,
  body: {
    errors: [{ message: 'The `next_token` is not valid', parameters: { next_token: ['next'] } }],
  },
};

test('a first run goes on behind a refused token with ids alone, from the same start', async () => {
  const oldest = at('2026-11-20T00:00:00Z');
  x.willAnswer(page([tweet(oldest)], 'next'), refusedToken, page([]));

  const answer = await run();

  expect(boundsAsked()).toEqual([['start_time'], ['start_time'], ['since_id', 'until_id']]);
  expect(x.searches[2]).toMatchObject({
    since_id: String(BigInt(at('2026-11-17T02:21:00Z')) - 1n),
    until_id: oldest,
  });
  expect(answer).toMatchObject({ status: 'DONE', complete: true, received: 1 });
});

test('a backfill goes on behind a page that names itself with ids alone, between the same ends', async () => {
  const span = { from: '2026-11-20T00:00:00.000Z', to: '2026-11-21T00:00:00.000Z' };
  const [newer, older] = [at('2026-11-20T20:00:00Z'), at('2026-11-20T10:00:00Z')];
  x.willAnswer(page([tweet(newer)], 'same'), page([tweet(older)], 'same'), page([]));

  const answer = await run({ mode: 'backfill', source: { kind: 'backfill', ...span } });

  expect(boundsAsked()).toEqual([
    ['start_time', 'end_time'],
    ['start_time', 'end_time'],
    ['since_id', 'until_id'],
  ]);
  expect(x.searches[2]).toMatchObject({
    since_id: String(BigInt(at(span.from)) - 1n),
    until_id: older,
  });
  expect(answer).toMatchObject({ complete: true, received: 2 });
});

test('a start told as an id that grows too old begins anew, and the gap is recorded', async () => {
  const [oldest, older] = [at('2026-11-20T00:00:00Z'), at('2026-11-19T00:00:00Z')];
  const tooOld = {
    status: 400,
    body: {
      errors: [
        {
          message: "'since_id' must be a tweet id created after [x]",
          parameters: { since_id: ['5'] },
        },
      ],
    },
  };
  x.willAnswer(page([tweet(oldest)], 'next'), refusedToken, page([tweet(older)], 'further'), {
    status: 429,
    body: { title: 'UsageCapExceeded' },
  });
  await run();
  passDays(1);
  x.willAnswer(tooOld, page([]), page([]));

  const answer = await run({ runId: 'the-next-run' });

  expect(boundsAsked()).toEqual([['since_id', 'until_id'], ['since_id', 'until_id'], ['since_id']]);
  expect(x.searches[1]).toMatchObject({
    since_id: String(BigInt(at('2026-11-18T02:21:00Z')) - 1n),
    until_id: older,
  });
  expect(answer).toMatchObject({
    complete: true,
    gaps: [{ from: '2026-11-17T02:21:00.000Z', until: '2026-11-18T02:21:00.000Z' }],
  });
});

test('a window of which X has nothing any more is closed with a gap, and the next one is asked for', async () => {
  const [oldest, older] = [at('2026-11-20T00:00:00Z'), at('2026-11-19T00:00:00Z')];
  x.willAnswer(page([tweet(oldest)], 'next'), refusedToken, page([tweet(older)], 'further'), {
    status: 429,
    body: { title: 'UsageCapExceeded' },
  });
  await run();
  passDays(8);
  const message = "'until_id' must be a tweet id created after [x]";
  const tooOld = { status: 400, body: { errors: [{ message, parameters: { until_id: ['5'] } }] } };
  x.willAnswer(tooOld, page([tweet(at('2026-12-01T00:00:00Z'))]));

  const answer = await run({ runId: 'the-next-run' });

  expect(boundsAsked()).toEqual([['since_id', 'until_id'], ['since_id']]);
  expect(answer).toMatchObject({ complete: true, received: 1 });
  expect(answer).toHaveProperty('gaps.0', {
    query: 'keywords',
    from: '2026-11-17T02:21:00.000Z',
    until: '2026-11-19T00:00:00.000Z',
    reason: expect.any(String),
    foundAt: '2026-12-02T02:20:00.000Z',
  });
});

test('a plan of an older version that holds both kinds of bounds is gone on with', async () => {
  const [newest, oldest] = [at('2026-11-23T00:00:00Z'), at('2026-11-20T00:00:00Z')];
  x.willAnswer(page([tweet(newest), tweet(oldest)], 'next'), {
    status: 429,
    body: { title: 'UsageCapExceeded' },
  });
  await run();
  const plan = Object(await planOf());
  await putJsonObject(lake, `raw-data/plans/queries/${planHash(QUERY)}.json`, {
    ...plan,
    window: { ...plan.window, until_id: oldest, next_token: null },
  });
  x.willAnswer(page([tweet(at('2026-11-19T00:00:00Z'))]), page([]));

  const answer = await run({ runId: 'the-next-run' });

  expect(boundsAsked()).toEqual([['since_id', 'until_id'], ['since_id']]);
  expect(answer).toMatchObject({ complete: true, received: 1, written: 1 });
});

test('an answer of X that the kinds of bounds are mixed ends the run with its own error, and is no gap', async () => {
  const message =
    "Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or 'end_time'.";
  x.willAnswer({
    status: 400,
    body: { errors: [{ message, parameters: { start_time: ['2026-11-17T02:21Z'] } }] },
  });

  await expect(run()).rejects.toMatchObject({
    name: 'XRequestRejected',
    message: expect.stringContaining('since_id or until_id beside start_time or end_time'),
  });

  expect(x.searches).toHaveLength(1);
  expect(await planOf()).toMatchObject({ gaps: [] });
});

const dayIsOver = (seconds: number) => ({
  'x-rate-limit-limit': '450',
  'x-rate-limit-remaining': '440',
  'x-rate-limit-reset': String(clock.now().valueOf() / 1000 + 4),
  'x-app-limit-24hour-limit': '1667',
  'x-app-limit-24hour-remaining': '0',
  'x-app-limit-24hour-reset': String(clock.now().valueOf() / 1000 + seconds),
});

test.each([
  ['a page that used it up', () => [{ ...page([tweet(5)], 'next'), headers: dayIsOver(50_000) }]],
  [
    'a refusal',
    () => [page([tweet(5)], 'next'), { status: 429, headers: dayIsOver(50_000), body: {} }],
  ],
])("the 24 hours' limit ends the pull and says until when: %s", async (_, answers) => {
  x.willAnswer(...answers());
  const asked = answers().length;

  const answer = await run();

  expect(answer).toMatchObject({ status: 'DONE', complete: false, received: 1, written: 1 });
  expect(answer).toHaveProperty(
    'note',
    expect.stringContaining('24 hours are used up; the limit ends at 2026-11-24T16:13:21.000Z'),
  );
  expect(x.searches).toHaveLength(asked);
  expect(clock.pauses).toEqual([]);
});

test('a refused record is kept byte for byte, even where its numbers outgrow JavaScript', async () => {
  const raw = '{"id":12345678901234567890123,"text":"\\u00e9 tea",  "text": "twice"}';
  x.willAnswer({ raw: Buffer.from(`{"data":[${raw}],"meta":{"result_count":1}}`) });

  await run();

  const [key = ''] = await keysBelow(lake, 'raw-data/quarantine/');
  expect(JSON.parse(await readText(lake, key))).toMatchObject({ raw });
});

test('a record whose bytes are no UTF-8 is quarantined as bytes, and its neighbours are kept', async () => {
  const [before = '', after = ''] = JSON.stringify(tweet(5, { text: 'caf#' })).split('#');
  const bad = Buffer.concat([Buffer.from(before), Buffer.from([0xe9]), Buffer.from(after)]);
  const good = Buffer.from(JSON.stringify(tweet(4, { text: 'é😀' })));
  const body = [Buffer.from('{"data":['), bad, Buffer.from(','), good, Buffer.from('],"meta":{}}')];
  x.willAnswer({ raw: Buffer.concat(body) });

  expect(await run()).toMatchObject({ received: 2, written: 1, quarantined: 1 });

  const [key = ''] = await keysBelow(lake, 'raw-data/quarantine/');
  expect(JSON.parse(await readText(lake, key))).toMatchObject({
    reason: 'record: is not UTF-8',
    raw: `base64:${bad.toString('base64')}`,
  });
  expect(await rowsInLake()).toMatchObject([{ id: '4', text: 'é😀' }]);
});

test('a body that is cut off is asked for again', async () => {
  x.willAnswer({ raw: Buffer.from('{"data":[{"id":"5"') }, page([tweet(5)]));

  expect(await run()).toMatchObject({ status: 'DONE', written: 1 });
});

test('a text without a URL stays as it was sent, to the last space', async () => {
  const text = '  \u202bשלום 👩‍👩‍👧\u202c e\u0301 \ud83d ';
  x.willAnswer(page([tweet(1, { text })]));

  await run();

  // UTF-8 has no lone surrogate: Spark would write a question mark.
  expect(await rowsInLake()).toMatchObject([{ text: text.replace('\ud83d ', '\ufffd ') }]);
});

test('each page leaves its sums in the ledger', async () => {
  x.willAnswer(page([tweet(5), tweet(4), tweet(4)], 'next'), page([tweet(3, { author_id: 7.5 })]));

  await run();

  const keys = await keysBelow(lake, `raw-data/plans/pages/${RUN_ID}/`);
  expect(await Promise.all(keys.map((key) => readJsonObject(lake, key)))).toMatchObject([
    { received: 3, written: 2, duplicates: 1, quarantined: 0 },
    { received: 1, written: 0, duplicates: 0, quarantined: 1 },
  ]);
});

describe('another execution that ingests', () => {
  const OTHER = 'arn:aws:states:us-east-1:000000000000:execution:sentiment-lake-test:other';
  const hold = () =>
    putJsonObject(lake, leaseKeys.ingest, {
      executionArn: OTHER,
      scheduledFor: null,
      takenAt: '2026-11-24T02:10:00.000Z',
      releasedAt: null,
    });

  test('is waited for by a night, and X is not asked', async () => {
    await hold();
    x.willAnswer();

    const answer = await run();

    expect(answer).toMatchObject({
      status: 'BUSY',
      holder: OTHER,
      since: '2026-11-24T02:20:00.000Z',
      resumeAt: '2026-11-24T02:20:01.000Z',
    });
  });

  test('is not waited for longer than an hour', async () => {
    await hold();
    const busy = await run();
    clock.advance(61 * 60_000);

    const later = ingest()(stepInput({ ingest: IngestTweetsOutput.parse(busy) }));

    await expect(later).rejects.toMatchObject({ name: 'RunInProgress' });
  });

  test('ends a run that only ingests, with the reason', async () => {
    await hold();

    expect(await run({ mode: 'ingest' })).toMatchObject({
      status: 'DONE',
      complete: false,
      note: expect.stringContaining(`${OTHER} has been ingesting since`),
    });
  });

  test('gives way once it no longer runs', async () => {
    await hold();
    x.willAnswer(page([tweet(1)]));

    expect(await ingest({ running: false })(stepInput())).toMatchObject({
      status: 'DONE',
      written: 1,
    });
  });
});

describe('records that the stream refuses', () => {
  const refuse = () => {
    kinesis.middlewareStack.add(
      (next, context) => async (args) =>
        isRefusing && context.commandName === 'PutRecordsCommand'
          ? {
              output: { Records: [{ ErrorCode: 'InternalFailure' }], $metadata: {} },
              response: {},
            }
          : next(args),
      { step: 'initialize', name: 'refuse', override: true },
    );
  };
  let isRefusing = true;

  test('are queued in the lake, and the next run sends them and takes them away', async () => {
    refuse();
    x.willAnswer(page([tweet(5)]));
    const refused = await run();
    const queued = await keysBelow(lake, 'raw-data/parked/');
    isRefusing = false;
    x.willAnswer(page([]));
    const sent = await run({ runId: 'the-next-run' });

    expect(refused).toMatchObject({ status: 'DONE', written: 1, queued: 1 });
    expect(queued).toHaveLength(1);
    expect(sent).toMatchObject({ resent: 1 });
    expect(await keysBelow(lake, 'raw-data/parked/')).toEqual([]);
    expect(await idsOnStream()).toEqual(['5']);
  });
});

describe('a backfill', () => {
  const span = { from: '2026-11-20T00:00:00.000Z', to: '2026-11-21T00:00:00.000Z' };

  test('asks for its span, stores what is new and leaves the checkpoint alone', async () => {
    x.willAnswer(page([tweet(5)]));
    await run();
    x.willAnswer(page([tweet(5), tweet(3)]));

    const answer = await run({
      runId: 'backfill',
      mode: 'backfill',
      source: { kind: 'backfill', ...span },
    });

    expect(x.searches[0]).toMatchObject({ start_time: span.from, end_time: span.to });
    expect(answer).toMatchObject({ received: 2, written: 1, duplicates: 1, complete: true });
    expect(await planOf()).toMatchObject({ since_id: '5' });
  });
});

describe('an import', () => {
  const source = { kind: 'import' as const, name: 'mine' };
  const bring = (page: number, lines: object[]) =>
    put(
      lake,
      `raw-data/imports/mine/0000${page}.ndjson.gz`,
      gzipSync(lines.map((line) => JSON.stringify(line)).join('\n')),
    );

  test('takes the pages that people brought through the same checks, and costs nothing', async () => {
    await bring(0, [
      { tweet: tweet(5), author_username: 'ada' },
      { tweet: { id: '4' }, author_username: null },
    ]);
    await bring(1, [{ raw: 'no json' }, { tweet: tweet(5), author_username: 'ada' }]);
    x.willAnswer();

    const answer = await run({ mode: 'import', source, queries: [], maxTweets: 0 });

    expect(answer).toMatchObject({
      status: 'DONE',
      complete: true,
      received: 4,
      written: 1,
      duplicates: 1,
      quarantined: 2,
      spendUsd: 0,
    });
    expect(await rowsInLake()).toMatchObject([{ id: '5', author_username: 'ada' }]);
    expect(await idsOnStream()).toEqual(['5']);
  });

  test('is removed once its tweets are stored, and a call that is repeated finds nothing to do', async () => {
    await bring(0, [{ tweet: tweet(5), author_username: 'ada' }]);
    await run({ mode: 'import', source, queries: [], maxTweets: 0 });

    const again = await run({ mode: 'import', source, queries: [], maxTweets: 0 });

    expect(again).toMatchObject({ status: 'DONE', complete: true, received: 1, written: 1 });
    expect(await versionsIn('raw-data/imports/')).toEqual([]);
  });

  test('leaves out what the lake was told to forget, and no version of the file tells', async () => {
    const { list, etag } = await readForgotten(lake, marker);
    await putJsonIf(lake, FORGOTTEN_KEY, withIds(list, { tweets: ['5'], authors: [] }, marker), {
      ifMatch: etag,
    });
    await bring(0, [
      { tweet: tweet(5), author_username: 'ada' },
      { tweet: tweet(6), author_username: 'ada' },
    ]);

    const answer = await run({ mode: 'import', source, queries: [], maxTweets: 0 });

    expect(answer).toMatchObject({ received: 2, written: 1, duplicates: 1 });
    expect(await rowsInLake()).toMatchObject([{ id: '6' }]);
    expect(await versionsIn('raw-data/imports/')).toEqual([]);
  });

  test('that holds nothing says where it looked', async () => {
    await expect(run({ mode: 'import', source, queries: [] })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining('raw-data/imports/mine/'),
    });
  });
});

describe('a replay', () => {
  const replay = { mode: 'replay' as const, queries: [], reprocess: ['2026-11-22', '2026-11-23'] };

  test('sends the days that are meant to the stream again, and asks X nothing', async () => {
    const of = (day: string) => ({ created_at: `${day}T10:00:00.000Z` });
    x.willAnswer(page([tweet(5), tweet(4, of('2026-11-22')), tweet(3, of('2026-11-20'))]));
    await run();
    x.willAnswer();

    const answer = await run({ ...replay, source: { kind: 'replay', stream: true } });

    expect(answer).toMatchObject({ status: 'DONE', received: 2, written: 2, spendUsd: 0 });
    expect(await idsOnStream()).toEqual(['5', '4', '3', '4', '5']);
  });

  test('that is not to stream sends nothing', async () => {
    const answer = await run({ ...replay, source: { kind: 'replay', stream: false } });

    expect(answer).toMatchObject({ status: 'DONE', received: 0, days: replay.reprocess });
    expect(await idsOnStream()).toEqual([]);
  });
});

describe('a replay of many days', () => {
  const days = Array.from({ length: 100 }, (_, index) =>
    new Date(Date.UTC(2026, 6, 1 + index)).toISOString().slice(0, 10),
  );
  const idOf = (index: number) => String(10 ** 15 + index);
  let listed: string[];

  beforeEach(async () => {
    await inParallel(16, [...days.entries()], async ([index, day]) => {
      const row = RawTweetRow.parse({
        id: idOf(index),
        author_id: '7',
        author_username: null,
        created_at: `${day}T10:00:00.000Z`,
        lang: 'en',
        text: 'tea',
        retweet_count: 0,
        reply_count: 0,
        like_count: 0,
        quote_count: 0,
        query_name: 'tea',
        run_id: 'run',
        fetched_at: `${day}T10:00:00.000Z`,
      });
      await put(lake, rawPageKey(day, [row.id], 'page'), packRows([row]));
    });
    listed = [];
    lake.s3.middlewareStack.add(
      (next, context) => (args) => {
        const { Prefix } = 'Prefix' in args.input ? args.input : {};
        if (context['commandName'] === 'ListObjectsV2Command') listed.push(String(Prefix));
        return next(args);
      },
      { step: 'initialize' },
    );
  });

  test('goes on where the call before stopped, and lists no day twice but that one', async () => {
    const plan = {
      ...PLAN,
      mode: 'replay' as const,
      source: { kind: 'replay' as const, stream: true },
      queries: [],
      reprocess: days,
    };
    // Each look at the clock takes five seconds, so a call of a minute sends a dozen objects.
    const ticking = () => {
      clock.advance(5000);
      return clock.now();
    };
    const step = ingest({ now: ticking });
    let calls = 1;
    let answer = await step(stepInput({ plan }));
    while (answer.status === 'MORE') {
      // A call whose answer was lost is repeated, and sends its rows a second time.
      if (calls === 3) await step(stepInput({ plan, ingest: answer }));
      answer = await step(stepInput({ plan, ingest: answer }));
      calls += 1;
    }

    expect(answer).toMatchObject({ status: 'DONE', received: 100, written: 100, days });
    expect(calls).toBeGreaterThan(5);
    expect(new Set(await idsOnStream())).toEqual(new Set(days.map((_, index) => idOf(index))));
    const again = listed.length - new Set(listed).size;
    expect(new Set(listed).size).toBe(100);
    // The repeated call's dozen, and in each call the day at which the one before stopped.
    expect(again).toBeLessThan(50);
  });
});

describe('broken objects in the lake', () => {
  const raw = 'raw-data/tweets/dt=2026-11-23/';

  beforeEach(async () => {
    await put(lake, raw, '');
    await put(lake, `${raw}oops.ndjson.gz`, 'not gzip');
    await put(lake, `${raw}torn.ndjson.gz`, gzipSync('{"id":"4"}\n{"id"'));
    await put(
      lake,
      `${raw}deep.ndjson.gz`,
      gzipSync(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    );
    await put(lake, 'raw-data/parked/torn.ndjson', '{"id"');
  });

  const named = [
    { key: 'raw-data/parked/torn.ndjson', problem: 'holds 1 lines of 1 that are no tweets' },
    { key: `${raw}oops.ndjson.gz`, problem: 'is not gzip' },
    { key: `${raw}torn.ndjson.gz`, problem: 'holds 1 lines of 2 that are not JSON' },
  ];

  test('are named, and the ingest goes on with what it can read', async () => {
    x.willAnswer(page([tweet(5), tweet(4)]));

    const answer = await run();

    // 4 lies in the lines of the torn object that can be read.
    expect(answer).toMatchObject({ status: 'DONE', received: 2, written: 1, duplicates: 1 });
    expect(answer.unreadable).toEqual({ count: 3, objects: named });
    expect(answer).toMatchObject({ note: expect.stringContaining('raw-data/parked/torn.ndjson') });
  });

  test('are named by the calls before, too', async () => {
    x.willAnswer(page([tweet(5)], 'next'), page([tweet(6)]));

    const first = await ingest({ pages: 1 })(stepInput());
    const second = await ingest()(stepInput({ ingest: first }));

    expect(first.status).toBe('MORE');
    expect(second.unreadable).toEqual({ count: 3, objects: named });
  });

  test('do not end a replay', async () => {
    const answer = await run({
      source: { kind: 'replay', stream: true },
      reprocess: ['2026-11-23'],
    });

    expect(answer).toMatchObject({ status: 'DONE', received: 3, quarantined: 3 });
    expect(answer.unreadable).toMatchObject({ count: 2 });
  });

  test('an import goes on without a page of its own that cannot be read', async () => {
    const folder = 'raw-data/imports/mine/';
    const line = JSON.stringify({ tweet: tweet(7), author_username: 'ada' });
    await put(lake, folder, '');
    await put(lake, `${folder}00000.ndjson.gz`, 'torn');
    await put(
      lake,
      `${folder}00001.ndjson.gz`,
      gzipSync(`${line}\n{"tweet":${'['.repeat(50_000)}${']'.repeat(50_000)}}\n5\n`),
    );

    const answer = await run({ source: { kind: 'import', name: 'mine' }, queries: [] });

    expect(answer).toMatchObject({ status: 'DONE', received: 3, written: 1, quarantined: 2 });
    expect(answer.unreadable?.objects.map(({ key }) => key)).toContain(`${folder}00000.ndjson.gz`);
    // To be fixed: it is nowhere else.
    expect(await versionsIn(folder)).toContain(`${folder}00000.ndjson.gz`);
  });
});

describe('records that no tweet can be', () => {
  test.each([
    ['of the year 0000', { created_at: '0000-01-01T00:00:00.000Z' }, "before X's first post"],
    ['older than X', { created_at: '2006-03-20T23:59:59.999Z' }, "before X's first post"],
    ['of the year 9999', { created_at: '9999-12-31T23:59:59.999Z' }, 'lies in the future'],
    ['longer than X takes', { text: '😀'.repeat(12_501) }, "X's 25000 characters"],
  ])('are quarantined: one %s', async (_, change, reason) => {
    x.willAnswer(page([tweet(5), tweet(6, change)]));

    expect(await run()).toMatchObject({ written: 1, quarantined: 1 });
    const [key = ''] = await keysBelow(lake, 'raw-data/quarantine/');
    expect(JSON.parse(await readText(lake, key)).reason).toContain(reason);
  });

  test('X had posts from its first day on, and up to its longest', async () => {
    x.willAnswer(
      page([
        tweet(5, { created_at: '2006-03-21T00:00:00.000Z' }),
        tweet(6, { text: 'a'.repeat(25_000) }),
      ]),
    );

    expect(await run()).toMatchObject({ written: 2, quarantined: 0 });
  });

  test('an author whose name is no handle has none', async () => {
    const line = (id: number, author_username: string) =>
      JSON.stringify({ tweet: tweet(id, { author_id: String(id) }), author_username });
    const names = ['\u001b[31mroot', 'a\u202eb', 'sixteen_letters_', 'Ada_99'];
    await put(
      lake,
      'raw-data/imports/mine/00000.ndjson.gz',
      gzipSync(names.map((name, index) => line(index + 1, name)).join('\n')),
    );

    await run({ source: { kind: 'import', name: 'mine' }, queries: [] });

    const rows = await rowsInLake();
    expect(rows.map(({ author_username }) => author_username)).toEqual([
      null,
      null,
      null,
      'Ada_99',
    ]);
  });
});

/** Bytes cut, doubled, changed and shuffled about, as torn uploads and bad disks leave them. */
const mutation = fc.record({
  cut: fc.double({ min: 0, max: 1, noNaN: true }),
  changes: fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { maxLength: 4 }),
  packed: fc.boolean(),
  tail: fc.uint8Array({ maxLength: 12 }),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutated(text: string, { cut, changes, packed, tail }: Mutation): Buffer {
  const bytes = packed ? gzipSync(text) : Buffer.from(text);
  for (const [at, value] of changes) bytes[at % bytes.length] = value;
  return Buffer.concat([bytes.subarray(0, Math.ceil(cut * bytes.length)), tail]);
}

test('whatever becomes of raw and label objects, an ingest and the inputs of a training go on', async () => {
  const raw = [1, 2, 3].map((id) => JSON.stringify(tweet(id))).join('\n');
  const label = JSON.stringify({
    text_hash: '0'.repeat(64),
    text: 'a text',
    label: 'neutral',
    source: 'people',
    imported_at: '2026-11-20T00:00:00.000Z',
  });
  let runs = 0;

  await fc.assert(
    fc.asyncProperty(mutation, mutation, async (ofRaw, ofLabels) => {
      runs += 1;
      await put(lake, 'raw-data/tweets/dt=2026-11-23/x.ndjson.gz', mutated(raw, ofRaw));
      await put(lake, 'raw-data/labels/x.ndjson', mutated(`${label}\n${label}`, ofLabels));
      await put(lake, 'raw-data/corpora/x.jsonl.gz', mutated(raw, ofLabels));
      x.willAnswer(page([tweet(1000 + runs)]));

      const answer = await run({ runId: `20261124-021500-${String(runs).padStart(8, '0')}` });
      const heldOut = await heldOutNow(lake);
      const encoder = await chooseEncoder(lake);

      expect(answer).toMatchObject({ status: 'DONE', received: 1, written: 1 });
      expect([0, 1]).toContain(heldOut.rows);
      expect(encoder?.corpora).toHaveLength(1);
    }),
    { numRuns: 12 },
  );
});

describe('posts as X sends them today', () => {
  const retweets = [{ name: 'keywords', query: 'coffee' }];
  const includes = {
    users: [{ id: '77', username: 'ada' }],
    tweets: [
      { id: '9', text: 'cut…', author_id: '8', note_tweet: { text: 'whole and wonderful' } },
    ],
  };
  const data = [
    tweet(5, { text: 'RT @bob: cut…', referenced_tweets: [{ type: 'retweeted', id: '9' }] }),
    tweet(4, { text: 'long…', note_tweet: { text: 'long and whole' } }),
  ];

  test('a search that can bring retweets asks for the originals, and counts them as read', async () => {
    maxTweetsPerMonth = 299;
    x.willAnswer({ body: { data, includes, meta: {} } });

    const answer = await run({ queries: retweets });

    // Three posts a result may be charged for: itself, what it quotes and what it replies to.
    expect(x.searches[0]).toMatchObject({
      expansions: 'author_id,referenced_tweets.id',
      max_results: '99',
    });
    expect(answer).toMatchObject({ received: 2, spendUsd: 0.025, month: { posts: 3, users: 1 } });
    expect((await rowsInLake()).map(({ text }) => text).sort()).toEqual([
      'RT @bob: whole and wonderful',
      'long and whole',
    ]);
  });

  test('what the lake was told to forget does not come back behind a retweet mark', async () => {
    const { list, etag } = await readForgotten(lake, marker);
    await putJsonIf(lake, FORGOTTEN_KEY, withIds(list, { tweets: [], authors: ['8'] }, marker), {
      ifMatch: etag,
    });
    x.willAnswer({ body: { data, includes, meta: {} } });

    await run({ queries: retweets });

    expect((await rowsInLake()).map(({ text }) => text).sort()).toEqual([
      'RT @bob: cut…',
      'long and whole',
    ]);
  });

  test('an edit over midnight lies under both days, is sent once, and counts once', async () => {
    const first = idAt(new Date('2026-11-22T23:50:00.000Z'));
    const edit = idAt(new Date('2026-11-23T00:10:00.000Z'));
    x.willAnswer(page([tweet(edit, { edit_history_tweet_ids: [first, edit] })]), page([]));

    const answer = await run();
    const again = await run({
      source: { kind: 'replay', stream: true },
      queries: [],
      reprocess: ['2026-11-22', '2026-11-23'],
    });

    expect(answer).toMatchObject({ received: 1, written: 1, days: ['2026-11-22', '2026-11-23'] });
    expect(await keysBelow(lake, 'raw-data/tweets/dt=2026-11-22/')).toHaveLength(1);
    expect(await keysBelow(lake, 'raw-data/tweets/dt=2026-11-23/')).toHaveLength(1);
    expect(again).toMatchObject({ received: 2, written: 1, duplicates: 1 });
    expect(await idsOnStream()).toEqual([edit, edit]);
  });

  test('an edit of a post that was forgotten does not come back', async () => {
    const { list, etag } = await readForgotten(lake, marker);
    await putJsonIf(lake, FORGOTTEN_KEY, withIds(list, { tweets: ['4'], authors: [] }, marker), {
      ifMatch: etag,
    });
    x.willAnswer(page([tweet(5, { edit_history_tweet_ids: ['4', '5'] })]));

    expect(await run()).toMatchObject({ received: 1, written: 0, duplicates: 1 });
  });

  test('an import reads ids that are numbers, and keeps what it refuses as it came', async () => {
    const number = `{"id": 2126432269890486288, "text":"a", "author_id": 900001, "created_at":"2026-11-27T21:45:35.000Z"}`;
    const refused = `{"id": 2126432269890486289,  "text":"b", "text":"b", "author_id": null}`;
    clock.advance(4 * 86_400_000);
    await put(
      lake,
      'raw-data/imports/mine/00000.ndjson.gz',
      gzipSync(
        [number, refused]
          .map((record) => JSON.stringify({ record, author_username: null, original: null }))
          .join('\n'),
      ),
    );

    await run({ source: { kind: 'import', name: 'mine' }, queries: [] });

    expect(await rowsInLake()).toMatchObject([{ id: '2126432269890486288', author_id: '900001' }]);
    const [key = ''] = await keysBelow(lake, 'raw-data/quarantine/');
    expect(JSON.parse(await readText(lake, key))).toMatchObject({ raw: refused });
  });
});
