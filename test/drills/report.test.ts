import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { z } from 'zod';
import { frozenRun, questionKey } from '../../cli/console/freeze';
import { buildPage } from '../../cli/console/page';
import type { Machine, Opinions, Overview, Result, RunView } from '../../console/contract';

/* What a run's report shows of answers that a lake seldom gives all at once: hostile texts, gaps, drift, failed rules. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const files = mkdtempSync(join(tmpdir(), 'lake-report-'));
const built = buildPage(resolve(__dirname, '..', '..'));
const RUN = 'nightly-20261124-032111';
const axe = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
const Found = z.object({ violations: z.array(z.object({ id: z.string() })) });
let browser: Browser;
let page: Page;
const said: string[] = [];

const overview: Overview = {
  environment: 'local',
  place: 'this machine',
  mayAct: false,
  usesXStub: true,
  provenance: 'Texts and ratings are real. Authors and times are invented.',
  modelInService: 'sl-1',
  isFrozen: true,
};
const machine: Machine = {
  states: [
    { name: 'Ingest tweets', type: 'Task', isStart: true },
    { name: 'Clean tweets', type: 'Task', isStart: false },
  ],
  moves: [{ from: 'Ingest tweets', to: 'Clean tweets', label: '' }],
};
const view: RunView = {
  name: RUN,
  status: 'SUCCEEDED',
  startedAt: 1_795_000_000_000,
  endedAt: 1_795_000_060_000,
  redrives: 1,
  startedBy: {
    text: 'ada@laptop, in the input',
    who: 'ada@laptop',
    source: 'input',
    with: 'command line',
    claimed: 'ada@laptop',
    redrivenBy: null,
  },
  isArchived: false,
  input: '{}',
  output: '{"done":true}',
  summary: 'all well <b>',
  stages: [
    {
      name: 'Ingest tweets',
      status: 'done',
      startedAt: 1_795_000_000_000,
      endedAt: 1_795_000_020_000,
      text: '12 received',
    },
  ],
  visits: [
    {
      state: 'Ingest tweets',
      enteredAt: 1_795_000_000_000,
      exitedAt: 1_795_000_020_000,
      input: 0,
      output: 1,
      errors: [],
    },
  ],
  payloads: ['{"first":"payload"}', '{"second":"payload"}'],
  failure: [],
  sums: [],
  queries: [
    {
      name: 'tea',
      complete: false,
      received: 12,
      written: 10,
      duplicates: 1,
      quarantined: 1,
      pages: 2,
    },
  ],
  ingest: {
    gaps: [
      {
        query: 'tea',
        from: '2026-11-10T00:00:00Z',
        until: '2026-11-17T00:00:00Z',
        reason: 'too old',
      },
    ],
    open: [
      { query: 'tea', from: null, until: '2026-11-20T00:00:00Z', reason: 'the budget is used up' },
    ],
    month: { month: '2026-11', posts: 1234, limit: 5000 },
  },
  gate: {
    promote: false,
    reasons: ['passed: Hold-out: enough rows', 'failed: Champion (sl-0): <i>worse</i>', 'a remark'],
    heldOutRows: 898,
    differences: [{ what: 'minus the champion', value: -0.011, low: -0.02, high: 0.002 }],
  },
  drift: {
    status: 'COMPARED',
    modelVersion: 'sl-1',
    days: { from: '2026-11-22', to: '2026-11-24' },
    reference: { from: '2026-11-01', to: '2026-11-21' },
    measures: [
      {
        ...{ name: 'length', value: 0.01, limit: 0.2, newTweets: 500, referenceTweets: 900 },
        change: 'below 5 words: 1 % before',
      },
      {
        ...{ name: 'languages', value: null, limit: 0.2, newTweets: 5, referenceTweets: 900 },
        change: 'too few tweets',
      },
      {
        ...{ name: 'a new word', value: 0.9, limit: 0.2, newTweets: 500, referenceTweets: 900 },
        change: '"<rizz>": 0.0 % before, 9.0 % now',
      },
    ],
  },
  stream: 'more than 1,200 records that the scorer has not taken yet, the oldest 61 s old',
  modelInService: 'sl-1',
  costs: { lines: [{ what: 'Athena', how: '3 queries', usd: 0.0001 }], isReal: false },
  records: [],
};
const asResult = (columns: string[], rows: string[][]): Result => ({
  ...{ sql: 'select 1', columns, rows, isCut: false, milliseconds: 5, whyEmpty: null },
});
const opinions: Opinions = {
  compared: 40,
  opinions: [
    {
      text: '<img src=x onerror="document.title=1"> \u202e "c"',
      ...{ human: 'neutral', lexicon: 'positive', model: 'negative', confidence: 0.69 },
    },
  ],
};
const answers = {
  '/api/overview': overview,
  '/api/machine': machine,
  '/api/opinions': opinions,
  [questionKey('daily_sentiment')]: asResult(
    ['dt', 'tweets', 'negative', 'neutral', 'positive', 'average_sentiment', 'by_people'],
    [
      ['2026-11-23', '100', '25', '25', '50', '0.25', '51'],
      ['2026-11-24', '3', '3', '0', '0', '-1', '0'],
    ],
  ),
  [questionKey('top_contributors')]: asResult(
    ['sentiment', 'author_username', 'tweets'],
    [['positive', 'calm_otter', '12']],
  ),
};

/** Opens the report of a run as a person does: the file, without a place in it. */
async function open(about: RunView): Promise<void> {
  const file = join(files, 'report.html');
  writeFileSync(file, frozenRun(built, RUN, { ...answers, [`/api/runs/${RUN}`]: about }));
  await page.goto('about:blank');
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector('.graph svg');
}

const rowOf = (table: string, text: string) =>
  page.getByRole('region', { name: table, exact: true }).locator('tr', { hasText: text });

beforeAll(async () => {
  if (!existsSync(CHROMIUM))
    throw new Error(`This drill needs a browser, and there is no ${CHROMIUM}.`);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('request', (request) => {
    if (!/^(file|about):/.test(request.url())) said.push(request.url());
  });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  rmSync(files, { recursive: true, force: true });
});

test('it opens at the run, with sentiment, opinions and contributors of the lake at its time', async () => {
  await open(view);

  expect(await page.textContent('h1')).toBe(RUN);
  // A bar for each sentiment of each of the two days.
  expect(await page.locator('.chart >> nth=0').locator('g rect').count()).toBe(6);
  expect(await page.textContent('main')).toContain('redriven 1 ×');
  expect(await rowOf('Who wrote most', 'calm_otter').textContent()).toContain('12');
  expect(await page.textContent('main')).toContain('Authors and times are invented.');
  expect(await page.title()).toBe(`${RUN} · sentiment-lake`);
});

test('a text of others stays a text, and who disagrees with people is named in words', async () => {
  await open(view);
  const row = rowOf('Tweets with the labels of people, lexicon and model', 'onerror');

  expect(await row.locator('td').allTextContents()).toEqual([
    '<img src=x onerror="document.title=1"> \\u{202e} "c"',
    'neutral',
    'positive, people disagree',
    'negative (69.0\u00a0%), people disagree',
  ]);
  expect(await page.locator('main img, main script').count()).toBe(0);
});

test('every rule of the gate has its result, those that passed too', async () => {
  await open(view);

  expect(
    await page
      .getByRole('region', { name: 'Rules of the gate' })
      .locator('tbody td')
      .allTextContents(),
  ).toEqual([
    ...['✓ passed', 'Hold-out: enough rows'],
    ...['✗ failed', 'Champion (sl-0): <i>worse</i>'],
    ...['', 'a remark'],
  ]);
  expect(await page.textContent('main')).toContain(
    'No, rejected, on 898 held-out rows; macro recall minus the champion −1.1 points [−2.0, +0.2].',
  );
});

test('gaps and open windows have their bounds and reasons; measures of drift stand beside their limits', async () => {
  await open(view);

  expect(await rowOf('Tweets by query', 'tea').textContent()).toContain('open');
  expect(
    await rowOf('Gaps: tweets that X no longer gives', 'tea').locator('td').allTextContents(),
  ).toEqual(['tea', '2026-11-10T00:00:00Z', '2026-11-17T00:00:00Z', 'too old']);
  expect(await rowOf('Still to be fetched', 'tea').locator('td').allTextContents()).toEqual([
    ...['tea', 'unknown', '2026-11-20T00:00:00Z', 'the budget is used up'],
  ]);
  expect(await page.textContent('main')).toContain(
    'In 2026-11 1,234 posts were read at X of 5,000 that the settings allow.',
  );
  const drift = 'Measures of drift beside their limits';
  expect(await rowOf(drift, 'rizz').locator('td').allTextContents()).toEqual([
    ...['a new word, beyond its limit', '0.900', '0.2', '"<rizz>": 0.0 % before, 9.0 % now'],
  ]);
  expect(await rowOf(drift, 'languages').textContent()).toContain('too few');
  expect(await page.textContent('main')).toContain('Stream: more than 1,200 records');
});

test('a state shows its own input and output', async () => {
  await open(view);

  await page.getByRole('button', { name: 'Ingest tweets: done' }).click();
  await page.click('summary:text-is("Input")');

  const panel = page.locator('.panel');
  expect(await panel.getByRole('region', { name: 'Input of the state' }).textContent()).toContain(
    'first',
  );
  expect(await panel.getByRole('region', { name: 'Output of the state' }).textContent()).toContain(
    'second',
  );
});

test('the report of a failure shows its cause, and no sentiment, which is not of this run', async () => {
  await open({
    ...view,
    status: 'FAILED',
    failure: ['ChecksFailed: id=7 <b>', 'Go on from there: npm run lake -- redrive'],
    gate: null,
  });

  expect(await page.textContent('.failure')).toContain('ChecksFailed: id=7 <b>');
  expect(await page.locator('h2:has-text("Sentiment by day")').count()).toBe(0);
  expect(await page.locator('h2:has-text("Is the candidate better?")').count()).toBe(0);
});

test('it is fit for all: axe finds nothing, light and dark', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await open(view);
    await page.evaluate(axe);
    const { violations } = Found.parse(await page.evaluate('axe.run(document)'));
    expect(violations).toEqual([]);
  }
});

test('it asked nobody, and nothing went wrong', () => {
  expect(said).toEqual([]);
});
