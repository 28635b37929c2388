import { cleanTweets } from '../../functions/clean-tweets';
import { crawlRawData } from '../../functions/crawl-raw-data';
import { compactClosedDays } from '../../functions/ingest/compaction';
import { addPartitions, listPartitions, setPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import { removeObject } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { keepDayList, readDayList } from '../../functions/lake/day-lists';
import { LOOKBACK_DAYS, dayFingerprint, rawObjects } from '../../functions/lake/fingerprints';
import { parametersOf, publishedDays } from '../../functions/lake/published';
import { packRows, rawPageKey } from '../../functions/lake/raw-pages';
import { lastDays } from '../../functions/shared/clock';
import { publishData } from '../../functions/publish-data';
import { MAX_DAYS_A_RUN } from '../../workflows/payloads';
import type { RunState } from '../../workflows/payloads';
import { eachWithLake } from './support/each-with-lake';
import { TestClock } from './support/clock';
import { JobRuns, awsError } from './support/job-runs';
import { put, putJsonObject } from './support/launcher';
import { CLEANED, CLEANED_DAYS, INGESTED, PLAN, RUN_ID, stepInput } from './support/state';

const VERSION = `${RUN_ID}-0`;
const COUNTS = {
  read: 9,
  written: 7,
  duplicates: 1,
  quarantined: 1,
  human_labels: 3,
  lexicon_labels: 4,
  seconds: 11.5,
};
const SUMMARY = { version: VERSION, days: [{ date: '2026-11-23', rows: 7 }], ...COUNTS };

let lake: LakeBucket;
let catalog: Catalog;
let jobs: JobRuns;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  catalog = await launcher.catalog(lake);
  jobs = new JobRuns(catalog);
});

const NOW = '2026-11-24T03:00:00.000Z';
const publisher = (tweets = 365) =>
  publishData({
    lake,
    catalog,
    clock: new TestClock(NOW),
    keepDays: { tweets, replacedSnapshots: 30 },
  });

describe('Crawl raw data', () => {
  let clock: TestClock;
  const crawl = (state: Partial<RunState> = {}, attempt = 0) =>
    crawlRawData({ catalog, crawler: 'raw', clock })(stepInput(state, attempt));
  const running = {
    status: 'RUNNING',
    attempt: 0,
    requestedAt: '2026-11-24T02:20:00.000Z',
  } as const;

  beforeEach(() => {
    clock = new TestClock('2026-11-24T02:20:00.700Z');
  });

  test('starts the crawler and says since when', async () => {
    expect(await crawl()).toEqual(running);
    expect(jobs.crawlsStarted).toBe(1);
  });

  test('a redrive starts another crawl', async () => {
    expect(await crawl({ crawl: running }, 1)).toEqual({ ...running, attempt: 1 });
    expect(jobs.crawlsStarted).toBe(1);
  });

  test.each(['RUNNING', 'STOPPING'])('looks again while the crawler is %s', async (State) => {
    jobs.crawler = { State };

    expect(await crawl({ crawl: running })).toEqual(running);
    expect(jobs.crawlsStarted).toBe(0);
  });

  test('is not fooled by READY while the last crawl is an older one', async () => {
    jobs.crawler = {
      State: 'READY',
      LastCrawl: { Status: 'SUCCEEDED', StartTime: new Date('2026-11-24T02:19:59Z') },
    };

    expect(await crawl({ crawl: running })).toEqual(running);
  });

  test('is done when a crawl that began since has succeeded, and counts the days', async () => {
    await addPartitions(catalog, 'raw_tweets', [
      { values: ['2026-11-22'], location: 's3://b/1/' },
      { values: ['2026-11-23'], location: 's3://b/2/' },
    ]);
    clock.advance(9300);
    jobs.crawler = {
      State: 'READY',
      LastCrawl: { Status: 'SUCCEEDED', StartTime: new Date('2026-11-24T02:20:00Z') },
    };

    expect(await crawl({ crawl: running })).toEqual({ status: 'DONE', seconds: 10, partitions: 2 });
  });

  test.each(['FAILED', 'CANCELLED', undefined])(
    'fails when that crawl ended as %s, with its message',
    async (Status) => {
      jobs.crawler = {
        State: 'READY',
        LastCrawl: {
          Status,
          StartTime: new Date('2026-11-24T02:20:03Z'),
          ErrorMessage: 'no access',
          LogGroup: '/aws-glue/crawlers',
        },
      };

      await expect(crawl({ crawl: running })).rejects.toMatchObject({
        name: 'CrawlFailed',
        message: expect.stringContaining('no access'),
      });
    },
  );

  test('fails when the crawl never begins', async () => {
    jobs.crawler = { State: 'READY' };
    clock.advance(11 * 60 * 1000);

    await expect(crawl({ crawl: running })).rejects.toMatchObject({ name: 'CrawlFailed' });
  });

  test('a crawler busy with another crawl is an error that is retried, never a success', async () => {
    jobs.startCrawler = () => {
      throw awsError('CrawlerRunningException');
    };

    await expect(crawl()).rejects.toMatchObject({ name: 'CrawlerBusy' });
  });
});

describe('Clean tweets', () => {
  const clean = (state: Partial<RunState> = {}, attempt = 0, now = NOW) =>
    cleanTweets({
      lake,
      catalog,
      job: 'clean',
      clock: new TestClock(now),
      keepDays: { tweets: 365 },
    })(stepInput(state, attempt));

  async function start() {
    const answer = await clean();
    if (answer.status !== 'RUNNING') {
      throw new Error(`cleaning answers ${answer.status}`);
    }
    return answer;
  }

  const dueDays = async (answer: Awaited<ReturnType<typeof clean>>) => {
    if (answer.status !== 'RUNNING') throw new Error(`cleaning answers ${answer.status}`);
    return readDayList(lake, 'due', answer.days);
  };
  const datesDue = async (answer: Awaited<ReturnType<typeof clean>>) =>
    (await dueDays(answer)).map(({ date }) => date);

  beforeEach(() => put(lake, 'raw-data/tweets/dt=2026-11-23/a.ndjson.gz', 'a'));

  test('starts the job on the days that have raw data, with every address it needs', async () => {
    await put(lake, 'raw-data/tweets/dt=2026-11-17/b.ndjson.gz', 'b');

    const answer = await start();

    expect(answer).toEqual({
      status: 'RUNNING',
      attempt: 0,
      version: VERSION,
      jobRunId: 'jr_new',
      days: { count: 2, uri: `s3://${lake.bucket}/cleaned-data/summaries/${VERSION}-due.json` },
    });
    expect(await dueDays(answer)).toEqual([
      { date: '2026-11-17', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { date: '2026-11-23', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(jobs.started).toEqual([
      {
        '--days': '2026-11-17,2026-11-23',
        '--version': VERSION,
        '--run_id': RUN_ID,
        '--raw_uri': `s3://${lake.bucket}/raw-data/tweets/`,
        '--labels_uri': `s3://${lake.bucket}/raw-data/labels/`,
        '--quarantine_uri': `s3://${lake.bucket}/raw-data/quarantine/`,
        '--cleaned_uri': `s3://${lake.bucket}/cleaned-data/tweets/`,
        '--summary_uri': `s3://${lake.bucket}/cleaned-data/summaries/${VERSION}.json`,
      },
    ]);
  });

  test('cleans an older day that no run has published, and no folder of something else', async () => {
    for (const folder of ['dt=2026-11-16', 'dt=0000-01-01', 'dt=oops', 'dt=%zz', 'other']) {
      await put(lake, `raw-data/tweets/${folder}/b.ndjson.gz`, 'b');
    }

    expect(await datesDue(await start())).toEqual(['2026-11-16', '2026-11-23']);
  });

  test('a day that has been kept long enough is not made again from pages that are still there', async () => {
    await put(lake, 'raw-data/tweets/dt=2026-11-16/b.ndjson.gz', 'b');

    // The bucket dates its objects by the real clock.
    const later = new Date(Date.now() + 366 * 86_400_000).toISOString();
    expect(await datesDue(await clean({}, 0, later))).toEqual(['2026-11-23']);
  });

  test('a folder marker is no raw data', async () => {
    await put(lake, 'raw-data/tweets/dt=2026-11-22/', '');

    expect(await datesDue(await start())).toEqual(['2026-11-23']);
  });

  test('cleans an older day when the ingest touched it', async () => {
    await put(lake, 'raw-data/tweets/dt=2026-10-01/b.ndjson.gz', 'b');
    const ingest = { ...INGESTED, days: ['2026-10-01'] };

    expect(await datesDue(await clean({ ingest }))).toEqual(['2026-10-01', '2026-11-23']);
  });

  test('a published day is not cleaned again when its pages are merged', async () => {
    const days = lastDays('2026-11-24', 14).slice(LOOKBACK_DAYS - 1);
    for (const day of days) {
      for (const id of ['1', '2', '3', '4', '5'])
        await put(lake, rawPageKey(day, [id], 'q'), packRows([{ id }]));
      const fingerprint = dayFingerprint(await rawObjects(lake, day), []);
      const parameters = parametersOf({ version: 'v', rows: 5, fingerprint, replaced: null });
      await setPartitions(catalog, 'tweets', [{ values: [day], location: 's3://b/', parameters }]);
    }
    const now = new Date(NOW);

    const { sources } = await compactClosedDays({
      lake,
      now,
      storageTime: new Date(),
      isLate: () => false,
    });

    // Ages 7 to 13; those from 10 on are closed.
    expect(sources).toBe(4 * 5);
    expect(await datesDue(await start())).toEqual(['2026-11-23']);
  });

  test('finds the run that a call whose answer was lost has started', async () => {
    jobs.runs = [
      { Id: 'jr_older', Arguments: { '--version': 'another' } },
      { Id: 'jr_ours', Arguments: { '--version': VERSION } },
    ];

    expect((await start()).jobRunId).toBe('jr_ours');
    expect(jobs.started).toEqual([]);
  });

  test('a redrive writes a version of its own', async () => {
    const first = await start();

    expect(await clean({ clean: first }, 1)).toMatchObject({ attempt: 1, version: `${RUN_ID}-1` });
    expect(jobs.started.map((args) => args['--version'])).toEqual([VERSION, `${RUN_ID}-1`]);
  });

  test('another run of the job that is under way is waited for', async () => {
    jobs.start = () => {
      throw awsError('ConcurrentRunsExceededException');
    };

    await expect(clean()).rejects.toMatchObject({ name: 'CleaningBusy' });
  });

  test.each(['STARTING', 'RUNNING', 'STOPPING', 'WAITING'])(
    'looks again while the run is %s',
    async (JobRunState) => {
      const running = await start();
      jobs.run = { JobRunState };

      expect(await clean({ clean: running })).toEqual(running);
      expect(jobs.started).toHaveLength(1);
    },
  );

  test.each(['FAILED', 'ERROR', 'TIMEOUT', 'STOPPED', undefined])(
    'fails when the run ended as %s',
    async (JobRunState) => {
      const running = await start();
      jobs.run = { JobRunState, ErrorMessage: 'out of memory' };

      await expect(clean({ clean: running })).rejects.toMatchObject({
        name: 'CleaningFailed',
        message: expect.stringContaining('out of memory'),
      });
    },
  );

  test('is done when the run has succeeded, with its rows and where they lie', async () => {
    const running = await start();
    jobs.run = { JobRunState: 'SUCCEEDED' };
    await putJsonObject(lake, `cleaned-data/summaries/${VERSION}.json`, SUMMARY);

    const uri = `s3://${lake.bucket}/cleaned-data/summaries/${VERSION}-cleaned.json`;
    expect(await clean({ clean: running })).toEqual({
      status: 'DONE',
      jobRunId: 'jr_new',
      days: { count: 1, uri },
      summary: COUNTS,
    });
    const [due] = await dueDays(running);
    expect(await readDayList(lake, 'cleaned', { count: 1, uri })).toEqual([
      {
        date: '2026-11-23',
        version: VERSION,
        rows: 7,
        fingerprint: due?.fingerprint,
        location: `s3://${lake.bucket}/cleaned-data/tweets/dt=2026-11-23/run=${VERSION}/`,
      },
    ]);
  });

  test.each([
    ['no summary', null],
    ['a summary that lacks a day', { ...SUMMARY, days: [] }],
    ['the summary of another version', { ...SUMMARY, version: 'another' }],
  ])('fails when the run succeeded and left %s', async (_, summary) => {
    const running = await start();
    jobs.run = { JobRunState: 'SUCCEEDED' };
    if (summary) {
      await putJsonObject(lake, `cleaned-data/summaries/${VERSION}.json`, summary);
    }

    await expect(clean({ clean: running })).rejects.toMatchObject({ name: 'CleaningFailed' });
  });

  describe('once the day is published', () => {
    beforeEach(async () => {
      const [due] = await dueDays(await start());
      const fingerprint = due?.fingerprint ?? '';
      const cleaned = { ...CLEANED, days: CLEANED_DAYS.map((day) => ({ ...day, fingerprint })) };
      await publisher()(stepInput({ clean: cleaned, check: CHECKED }));
    });

    test('there is nothing new', async () => {
      expect(await clean()).toEqual({ status: 'NOTHING_NEW' });
    });

    test('a forced day is cleaned all the same', async () => {
      const forced = await clean({ plan: { ...PLAN, reprocess: ['2026-11-23'] } });

      expect(await datesDue(forced)).toEqual(['2026-11-23']);
    });

    test('a forced day without raw data is published anew if readers see rows of it, and passed over else', async () => {
      await removeObject(lake, 'raw-data/tweets/dt=2026-11-23/a.ndjson.gz');

      const forced = await clean({ plan: { ...PLAN, reprocess: ['2026-11-22', '2026-11-23'] } });
      expect(await datesDue(forced)).toEqual(['2026-11-23']);
      // The lookback does not take it up.
      expect(await clean()).toEqual({ status: 'NOTHING_NEW' });
    });

    test('a new raw object of the day makes it new', async () => {
      await put(lake, 'raw-data/tweets/dt=2026-11-23/b.ndjson.gz', 'b');

      expect(await start()).toMatchObject({ days: { count: 1 } });
    });

    test('a new label makes it new', async () => {
      await put(lake, 'raw-data/labels/more.ndjson', '{}');

      expect(await start()).toMatchObject({ days: { count: 1 } });
    });
  });
});

const CHECKED: RunState['check'] = {
  status: 'DONE',
  checks: [{ name: 'missing_keys', offending: 0, sample: [], queryExecutionId: 'q' }],
};

describe('Publish the data', () => {
  const publish = (clean: RunState['clean'] = CLEANED, keepDays?: number) =>
    publisher(keepDays)(stepInput({ clean, check: CHECKED }));
  const next = {
    ...CLEANED,
    days: CLEANED_DAYS.map((day) => ({
      ...day,
      version: 'next-0',
      rows: 9,
      location: 's3://lake/next/',
    })),
  };

  test('points the day at its new version and keeps what it was made from', async () => {
    const answer = await publish();

    expect(answer).toEqual({
      status: 'DONE',
      published: { days: 1, rows: 3, replaced: 0 },
      ended: { days: [], snapshots: 0, candidates: 0 },
    });
    expect(await publishedDays(catalog)).toEqual([
      {
        date: '2026-11-23',
        version: VERSION,
        rows: 3,
        fingerprint: 'f1',
        replaced: null,
        publishedAt: NOW,
        forgotten: 0,
        location: CLEANED_DAYS[0]?.location,
      },
    ]);
  });

  test('replaces the version before and names it', async () => {
    await publish();

    const answer = await publish(next);

    expect(answer.published).toEqual({ days: 1, rows: 9, replaced: 1 });
    expect(await listPartitions(catalog, 'tweets')).toMatchObject([
      {
        values: ['2026-11-23'],
        location: 's3://lake/next/',
        parameters: { version: 'next-0', replaced: VERSION },
      },
    ]);
  });

  test('a call repeated after its answer was lost answers the same', async () => {
    await publish();
    const first = await publish(next);

    expect(await publish(next)).toEqual(first);
  });

  test('a list of days that is gone fails the run with the name of the list', async () => {
    const uri = `s3://${lake.bucket}/cleaned-data/summaries/${VERSION}-cleaned.json`;

    await expect(publish({ ...CLEANED, days: { count: 400, uri } })).rejects.toMatchObject({
      name: 'ContractBroken',
      message: expect.stringContaining(`${uri} is missing: it names the 400 days of this run`),
    });
  });

  // 1,000 days are the most that a run takes, and its Lambda has two minutes.
  test('1,000 days are published from a list, and again in place of their old snapshots', async () => {
    const list = (version: string) =>
      keepDayList(
        lake,
        version,
        'cleaned',
        Array.from({ length: MAX_DAYS_A_RUN }, (_, index) => {
          const date = new Date(Date.UTC(2024, 0, 1 + index)).toISOString().slice(0, 10);
          const location = `s3://${lake.bucket}/cleaned-data/tweets/dt=${date}/run=${version}/`;
          return { date, version, rows: 1, location, fingerprint: version };
        }),
      );

    const first = await publish({ ...CLEANED, days: await list('one-0') }, 2000);
    const second = await publish({ ...CLEANED, days: await list('two-0') }, 2000);

    expect(first.published).toEqual({ days: 1000, rows: 1000, replaced: 0 });
    expect(second.published).toEqual({ days: 1000, rows: 1000, replaced: 1000 });
    const days = await publishedDays(catalog);
    expect(days).toHaveLength(1000);
    expect(new Set(days.map(({ version, replaced }) => `${version} ${replaced}`))).toEqual(
      new Set(['two-0 one-0']),
    );
  });

  test('publishes nothing that was not checked', async () => {
    await expect(publisher()(stepInput({ clean: CLEANED }))).rejects.toMatchObject({
      name: 'PublishFailed',
    });
    expect(await publishedDays(catalog)).toEqual([]);
  });
});
