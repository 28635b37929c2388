import { runMetrics, predictionMetrics } from '../../functions/report/run-metrics';
import { metrics } from '../../workflows/metrics';
import { Champion } from '../../workflows/payloads';
import type { RunState } from '../../workflows/payloads';
import { CLEANED, EXECUTION, INGESTED, PLAN, TRAINED, stepInput } from './support/state';

const NOW = new Date(Date.parse(EXECUTION.startTime) + 90_000);

const scores = (macro_recall: number) => ({
  macro_recall,
  accuracy: 0.8,
  macro_f1: 0.77,
  recall: { negative: 0.7, neutral: 0.8, positive: 0.8 },
});
const GATE: Extract<RunState['evaluation'], { promote: boolean }> = {
  promote: false,
  forced: false,
  inService: null,
  reasons: ['passed: enough rows'],
  heldOutRows: 800,
  candidate: scores(0.72),
  champion: { ...scores(0.75), version: 'sl-older' },
  lexicon: { ...scores(0.7), name: 'VADER' },
  minusChampion: null,
  minusLexicon: { value: 0.02, low: 0, high: 0.04, level: 0.95, resamples: 1 },
};
const NIGHT: Partial<RunState> = {
  ingest: {
    ...INGESTED,
    complete: false,
    note: 'stopped early',
    open: [{ query: 'keywords', from: null, until: null, reason: 'the budget is used up' }],
  },
  clean: CLEANED,
  publish: {
    status: 'DONE',
    published: [
      { date: '2026-11-22', version: 'v-0', rows: 5, replaced: null },
      { date: '2026-11-23', version: 'v-0', rows: 7, replaced: 'u-0' },
    ],
  },
  train: TRAINED,
  evaluation: GATE,
  refresh: { status: 'DONE', scored: 1234, modelVersion: 'sl-older' },
};
const CHAMPION: Champion = Champion.parse({
  modelVersion: 'sl-older',
  modelUri: 's3://lake/model-outputs/sl-older/output/model.tar.gz',
  evaluationUri: 's3://lake/model-outputs/sl-older/evaluation.json',
  manifestUri: 's3://lake/model-outputs/sl-older/manifest.json',
  configName: 'sl-older',
  fingerprint: 'older',
  macroRecall: 0.78,
  promotedAt: '2026-11-23T03:00:00.000Z',
  promotedBy: EXECUTION.arn,
  forced: false,
  previous: null,
});

const figures = (changes: Partial<RunState>, champion: Champion | null = CHAMPION) =>
  runMetrics(stepInput({ ...NIGHT, ...changes }).state, champion, NOW);

test('a night tells what each of its stages knows', () => {
  expect(figures({})).toEqual({
    TweetsReceived: 4000,
    TweetsWritten: 3980,
    TweetsDuplicate: 12,
    IngestGaps: 0,
    RecordsQueued: 0,
    RawDataUnreadable: 0,
    TweetsQuarantined: 8,
    WindowsLeftOpen: 1,
    SpendUsd: 20,
    HumanLabels: 1,
    LexiconLabels: 2,
    RowsPublished: 12,
    TrainingSeconds: 21,
    CandidateMacroRecall: 0.72,
    ModelsPromoted: 0,
    ServingMacroRecall: 0.75,
    MacroRecallLost: expect.closeTo(0.03),
    TweetsScored: 1234,
    RunSeconds: 90,
  });
});

test('after a promotion the candidate serves, and is compared with its predecessor on the same rows', () => {
  expect(figures({ evaluation: { ...GATE, promote: true, forced: true } })).toMatchObject({
    ModelsPromoted: 1,
    ServingMacroRecall: 0.72,
    MacroRecallLost: expect.closeTo(0.03),
  });
});

test('what is not known is not told', () => {
  const { macroRecall, ...older } = CHAMPION;
  expect(macroRecall).toBeDefined();

  expect(figures({}, older)).not.toHaveProperty('MacroRecallLost');
  expect(figures({ evaluation: { ...GATE, champion: null } })).not.toHaveProperty(
    'ServingMacroRecall',
  );
  expect(figures({ ingest: { status: 'PENDING' } })).not.toHaveProperty('TweetsReceived');
});

test('a delivery that was skipped tells nothing: the run it repeats has told it', () => {
  expect(figures({ plan: { ...PLAN, skip: 'duplicate delivery' } })).toEqual({});
});

test('verdicts are counted by label', () => {
  expect(predictionMetrics([{ label: 'neutral' }, { label: 'neutral' }])).toEqual({
    PredictionsNegative: 0,
    PredictionsNeutral: 2,
    PredictionsPositive: 0,
  });
  expect(predictionMetrics([])).toEqual({});
});

test('every declared metric is emitted by some function', () => {
  const emitted = [
    ...Object.keys(figures({})),
    ...Object.keys(predictionMetrics([{ label: 'neutral' }])),
    // Asserted where they are emitted: test/functions/plan-run.test.ts and report-and-archive.test.ts.
    'ScheduledRunsStarted',
    // score-stream.test.ts and drift.test.ts.
    'StreamRecordsQuarantined',
    'StreamRecordsWithoutModel',
    'DriftOfLimit',
    'StreamBacklog',
    'RunsFailed',
    'StageSeconds',
  ];

  expect(emitted.sort()).toEqual(Object.keys(metrics).sort());
});
