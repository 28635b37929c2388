import { newsOf } from '../../cli/run/stages';
import { INGESTED, PLAN } from '../functions/support/state';

const {
  pages,
  received,
  written,
  duplicates,
  quarantined,
  days,
  queries,
  gaps,
  open,
  queued,
  resent,
  unanswered,
  spendUsd,
  month,
} = INGESTED;
const figures = {
  pages,
  received,
  written,
  duplicates,
  quarantined,
  days,
  queries,
  gaps,
  open,
  queued,
  resent,
  unanswered,
  spendUsd,
  month,
};
const ingest = (more: Record<string, unknown>) =>
  newsOf('Ingest tweets', { ingest: { ...figures, ...more } });

test('the plan says what X may charge at most', () => {
  expect(
    newsOf('Plan the run', { plan: { ...PLAN, maxTweets: 5000, maxSpendUsd: 25 } })?.text,
  ).toBe("nightly for 2026-11-24, 1 query, at most 5,000 tweets ($25.00 at X's price)");
});

test('an ingest that waits for another says for whom', () => {
  const busy = {
    status: 'BUSY',
    resumeAt: '2026-11-24T02:30:00Z',
    holder: 'arn:aws:states:x:1:execution:m:other',
    since: '2026-11-24T02:20:00Z',
  };

  expect(ingest(busy)).toEqual({ done: false, text: 'other is ingesting; waiting for it' });
});

test('ingest sums up', () => {
  expect(ingest({ status: 'DONE', complete: true, note: null })).toEqual({
    done: true,
    text: '4,000 received = 3,980 written + 12 duplicates + 8 quarantined, on 40 pages',
  });
});

test('a night without news says so', () => {
  const nothing = { received: 0, written: 0, duplicates: 0, quarantined: 0, pages: 1 };

  expect(ingest({ status: 'DONE', complete: true, note: null, ...nothing })?.text).toBe(
    'no new tweets',
  );
});

test('a rate limit says when it goes on', () => {
  expect(ingest({ status: 'RATE_LIMITED', resumeAt: '2026-11-24T02:30:00Z' })).toEqual({
    done: false,
    text: "4,000 received = 3,980 written + 12 duplicates + 8 quarantined; X's rate window is used up, continues at 02:30:00 UTC",
  });
});

const scores = {
  macro_recall: 0.774,
  accuracy: 0.799,
  macro_f1: 0.77,
  recall: { negative: 0.8, neutral: 0.7, positive: 0.8 },
};
const difference = (value: number) => ({
  value,
  low: value - 0.015,
  high: value + 0.015,
  level: 0.95,
  resamples: 1000,
});

test('the gate gives its verdict with both intervals', () => {
  const evaluation = {
    promote: false,
    forced: false,
    inService: null,
    reasons: ['worse than the champion'],
    heldOutRows: 880,
    candidate: scores,
    champion: { ...scores, macro_recall: 0.79, version: 'sl-1' },
    lexicon: { ...scores, macro_recall: 0.708, name: 'vader' },
    minusChampion: difference(-0.016),
    minusLexicon: difference(0.066),
  };

  expect(newsOf('Evaluate the candidate', { evaluation })?.text).toBe(
    'no: macro recall 77.4 on 880 rows against champion 79.0 (−1.6 [−3.1, −0.1]), lexicon 70.8 (+6.6 [+5.1, +8.1])',
  );
});

test.each([
  ['Clean tweets', { clean: { status: 'NOTHING_NEW' } }, 'no day has new raw data'],
  [
    'Train the model',
    { train: { status: 'SKIPPED', reason: 'nothing new to learn from' } },
    'skipped: nothing new to learn from',
  ],
  [
    'Refresh analytics',
    { refresh: { status: 'DONE', scored: 1, modelVersion: null } },
    'no model in service yet',
  ],
] as const)('%s can end without work', (stage, output, text) => {
  expect(newsOf(stage, output)).toEqual({ done: true, text });
});

test('what breaks the contract is not told', () => {
  expect(newsOf('Ingest tweets', { ingest: { status: 'DONE' } })).toBeUndefined();
  expect(newsOf('Ingest tweets', 'nothing')).toBeUndefined();
});
