import { settingsFor } from '../../infra/config';
import { dollars, total } from '../../cli/costs/money';
import { awsCosts, xCosts } from '../../cli/costs/night';
import { pickOpinions } from '../../cli/console/opinions';
import type { ReportData } from '../../cli/report/figures';
import { cellsOf, summaryLines } from '../../cli/report/summary';
import { usageOf } from '../../cli/report/usage';
import { nightEvents, timelineOf } from './recorded';

const settings = settingsFor('dev');
const timeline = timelineOf(nightEvents);
const usage = usageOf({ events: nightEvents, timeline }, settings);

const report: ReportData = {
  execution: 'nightly-20261124-032111',
  status: 'SUCCEEDED',
  startedAt: nightEvents[0]?.at ?? 0,
  endedAt: nightEvents.at(-1)?.at ?? 0,
  modelInService: 'sl-1',
  days: [
    { day: '2026-11-23', tweets: 100, negative: 25, neutral: 25, positive: 50, average: 0.25 },
    { day: '2026-11-24', tweets: 3, negative: 3, neutral: 0, positive: 0, average: -1 },
  ],
  judges: { people: 51, model: 40, lexicon: 12 },
  models: [
    {
      version: 'sl-0',
      execution: 'nightly-20261123-032111',
      macroRecall: 0.731,
      promoted: true,
      inService: false,
      because: null,
    },
    {
      version: 'sl-1',
      execution: 'nightly-20261124-032111',
      macroRecall: 0.752,
      promoted: true,
      inService: true,
      because: null,
    },
    {
      version: 'sl-2',
      execution: 'nightly-20261125-032111',
      macroRecall: 0.74,
      promoted: false,
      inService: false,
      because: 'failed: Champion (sl-1): worse',
    },
  ],
  contributors: [{ sentiment: 'positive', author: 'calm_otter', tweets: 12 }],
  opinions: [
    {
      text: 'a <b> & "c"',
      human: 'neutral',
      lexicon: 'positive',
      model: 'negative',
      confidence: 0.69,
    },
  ],
  aws: awsCosts(usage, settings),
  x: xCosts(usage, settings),
  usesXStub: true,
};

test('usage is read from the history, with looks as far apart as in an account', () => {
  expect(usage).toMatchObject({ posts: 3147, scored: 3147, crawls: 1, athenaQueries: 16 });
  expect(usage.trainingSeconds).toBeCloseTo(93, 0);
  // 202 s of Spark are 8 looks 30 s apart; locally there were 200.
  expect(usage.lambdaCalls).toBeLessThan(40);
});

test('costs follow the public prices', () => {
  const lines = Object.fromEntries(
    awsCosts(
      {
        ...usage,
        glueSeconds: 3600,
        crawls: 2,
        trainingSeconds: 1800,
        transformSeconds: 0,
        athenaQueries: 100,
        transitions: 1000,
      },
      settings,
    ).map(({ what, usd }) => [what, usd]),
  );

  // 2 workers of 1 DPU for an hour; 2 crawls of 2 DPU for 10 minutes; 100 × 10 MB of $5 a TB.
  expect(lines['Glue Spark job']).toBeCloseTo(0.88, 6);
  expect(lines['Glue crawler']).toBeCloseTo((2 * 2 * 0.44) / 6, 6);
  expect(lines['SageMaker training']).toBeCloseTo(0.115 * 0.4, 6);
  expect(lines.Athena).toBeCloseTo(0.005, 6);
  expect(lines['Step Functions']).toBeCloseTo(0.025, 6);
  expect(xCosts(usage, settings).usd).toBeCloseTo(15.735, 6);
});

test('authors are part of the price where the settings ask for names, and the posts are counted without them', () => {
  const events = nightEvents.map((event) => event);
  const named = { ...settings, x: { ...settings.x, authorNames: true } };
  const withUsers = { ...usageOf({ events, timeline }, named), users: 900 };

  expect(xCosts(withUsers, named)).toMatchObject({
    how: '3,147 posts × $0.005 each, 900 authors × $0.01 each',
    usd: 24.735,
  });
  expect(usage.users).toBe(0);
});

test('a Spark job is billed for a minute at least, and not at all when it did not run', () => {
  const glue = (glueSeconds: number) =>
    awsCosts({ ...usage, glueSeconds }, settings).find(({ what }) => what === 'Glue Spark job')
      ?.usd;

  expect(glue(10)).toBeCloseTo((60 / 3600) * 2 * 0.44, 6);
  expect(glue(0)).toBe(0);
});

test.each([
  [0, '$0.00'],
  [0.004, 'under $0.01'],
  [1.2, '$1.20'],
])('%d is written %s', (usd, text) => {
  expect(dollars(usd)).toBe(text);
});

test('bars always have the same length', () => {
  for (const parts of [
    [1, 1, 1],
    [0, 0, 7],
    [333, 333, 334],
    [1, 999, 1],
  ]) {
    expect(cellsOf(parts).reduce((a, b) => a + b)).toBe(40);
  }
  expect(cellsOf([0, 0, 0])).toEqual([0, 0, 0]);
});

test('the summary shows days, contributors, three opinions, costs and the source of the texts', () => {
  const text = summaryLines(report, { report: '/lake/report.html' }, false).join('\n');

  expect(text).toContain(
    '  2026-11-23  ----------..........++++++++++++++++++++  +0.25    100 tweets',
  );
  expect(text).toContain(
    '  2026-11-24  ----------------------------------------  −1.00      3 tweets',
  );
  expect(text).toContain('  Judged by people 50 %, model 39 %, lexicon 12 %');
  expect(text).toContain('  nightly-20261123-032111     73.1  promoted\n');
  expect(text).toContain('  nightly-20261124-032111     75.2  promoted, in service\n');
  expect(text).toContain('  nightly-20261125-032111     74.0  failed: Champion (sl-1): worse\n');
  expect(text).toContain('positive  @calm_otter 12');
  expect(text).toContain(
    'people neutral, lexicon positive, model negative (69 %): the model is wrong',
  );
  expect(text).toContain(
    `about ${dollars(total(report.aws))}; at X: $15.74 if the tweets came from X`,
  );
  expect(text).toMatch(/Texts and ratings are real.*Authors and times are invented\./);
  expect(text).toContain('/lake/report.html');
});

test('without a stand-in nothing is said to be invented', () => {
  const text = summaryLines({ ...report, usesXStub: false }, { report: 'r' }, false).join('\n');

  expect(text).not.toMatch(/invented|had the tweets/);
});

test('of many opinions three are picked: better than the lexicon, agreed by all, and wrong', () => {
  const base = {
    text: 'a text that is long enough to be shown',
    human: 'positive',
    lexicon: 'positive',
    model: 'positive',
    confidence: 0.9,
  } as const;
  const wrong = {
    ...base,
    text: 'the model takes this one for something else',
    model: 'neutral',
  } as const;
  const better = {
    ...base,
    text: 'the lexicon takes this one for something else',
    lexicon: 'neutral',
  } as const;

  expect(pickOpinions([wrong, base, base, better])).toEqual([better, base, wrong]);
  expect(pickOpinions([{ ...wrong, text: 'short' }])).toEqual([{ ...wrong, text: 'short' }]);
  expect(pickOpinions([])).toEqual([]);
});

describe('drift and the stream', () => {
  const measure = { limit: 0.2, newTweets: 500, referenceTweets: 900 };
  const drifted: ReportData = {
    ...report,
    stream: { records: 1200, isMore: true, oldestSeconds: 61.2, waitingForModel: null },
    drift: {
      status: 'COMPARED',
      modelVersion: 'sl-1',
      days: { from: '2026-11-22', to: '2026-11-24' },
      reference: { from: '2026-11-01', to: '2026-11-21' },
      measures: [
        { ...measure, name: 'length', value: 0.01, change: 'below 5 words: 1 % before' },
        { ...measure, name: 'languages', value: null, change: 'too few tweets' },
        { ...measure, name: 'a new word', value: 0.9, change: '"<rizz>": 0.0 % before, 9.0 % now' },
      ],
    },
  };

  test('the terminal names what drifted, and what the scorer has not taken', () => {
    const lines = summaryLines(drifted, { report: 'r.html' }, false);

    expect(lines).toContain(
      'Stream: more than 1,200 records that the scorer has not taken yet, the oldest 61 s old',
    );
    expect(lines).toContain('Drift: a new word, "<rizz>": 0.0 % before, 9.0 % now');
  });

  test('the terminal says how many rules of the gate passed, and names those that failed', () => {
    const gate = ['passed: Rows: 800', 'failed: Lexicon: too good', 'Digest of the model: aa'];

    expect(summaryLines({ ...drifted, gate }, { report: 'r.html' }, false).join('\n')).toContain(
      'Gate: 1 of 2 rules passed\n  failed: Lexicon: too good\n',
    );
    expect(summaryLines(drifted, { report: 'r.html' }, false).join()).not.toContain('Gate:');
  });

  test('without drift it says how many measures had no result; an older report says nothing', () => {
    const drift = drifted.drift?.status === 'COMPARED' ? drifted.drift : undefined;
    const calm = drift && { ...drift, measures: drift.measures.slice(0, 2) };

    expect(summaryLines({ ...drifted, drift: calm }, { report: 'r.html' }, false)).toContain(
      'Drift: none; 1 of 2 measures had too few tweets',
    );
    expect(summaryLines(report, { report: 'r.html' }, false).join()).not.toContain('Drift');
  });
});
