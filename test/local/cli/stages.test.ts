import { newsOf } from '../../../local/cli/run/stages';

const ingest = (more: Record<string, unknown>) =>
  newsOf('Ingest tweets', {
    ingest: { received: 4000, written: 3980, doubles: 12, quarantined: 8, pages: 40, days: [], spendUsd: 20, ...more },
  });

test('ingest sums up', () => {
  expect(ingest({ status: 'DONE', complete: true, note: null })).toEqual({
    done: true,
    text: '4,000 received = 3,980 written + 12 double + 8 quarantined, on 40 pages',
  });
});

test('a night without news says so', () => {
  const nothing = { received: 0, written: 0, doubles: 0, quarantined: 0, pages: 1 };

  expect(ingest({ status: 'DONE', complete: true, note: null, ...nothing })?.text).toBe('no new tweets');
});

test('a rate limit says when it goes on', () => {
  expect(ingest({ status: 'RATE_LIMITED', resumeAt: '2026-11-24T02:30:00Z' })).toEqual({
    done: false,
    text: "4,000 received = 3,980 written + 12 double + 8 quarantined; X's rate window is used up, on at 02:30:00 UTC",
  });
});

const scores = { macro_recall: 0.774, accuracy: 0.799, macro_f1: 0.77, recall: { negative: 0.8, neutral: 0.7, positive: 0.8 } };
const difference = (value: number) => ({ value, low: value - 0.015, high: value + 0.015, level: 0.95, resamples: 1000 });

test('the gate gives its verdict with both intervals', () => {
  const gate = {
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

  expect(newsOf('Better than the champion?', { gate })?.text).toBe(
    'no: macro recall 77.4 on 880 rows against champion 79.0 (−1.6 [−3.1, −0.1]), lexicon 70.8 (+6.6 [+5.1, +8.1])',
  );
});

test.each([
  ['Clean tweets', { clean: { status: 'NOTHING_NEW' } }, 'no day has new raw data'],
  ['Train the model', { train: { status: 'SKIPPED', reason: 'nothing new to learn from' } }, 'skipped: nothing new to learn from'],
  ['Refresh analytics', { refresh: { status: 'DONE', scored: 1, modelVersion: null } }, 'no model in service yet'],
] as const)('%s can end without work', (stage, output, text) => {
  expect(newsOf(stage, output)).toEqual({ done: true, text });
});

test('what breaks the contract is not told', () => {
  expect(newsOf('Ingest tweets', { ingest: { status: 'DONE' } })).toBeUndefined();
  expect(newsOf('Ingest tweets', 'nothing')).toBeUndefined();
});
