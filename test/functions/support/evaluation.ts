import { createHash } from 'node:crypto';
import { goldenTweets } from '../../../functions/model/golden-tweets';
import { heldOutOf } from '../../../functions/model/held-out';
import type { LabelRow } from '../../../functions/lake/labels';
import { labels } from '../../../workflows/evaluation';
import type { Difference, Evaluation, Label } from '../../../workflows/evaluation';
import { TRAINED } from './state';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

export type Recalls = Record<Label, number>;
export const even = (share: number): Recalls => ({
  negative: share,
  neutral: share,
  positive: share,
});

/** As it lies in the lake. */
type LabelLine = LabelRow & { text: string; source: string };

/** Labels of which these many fall on the test side, a third of each class. */
export function labelRows(heldOut: number): LabelLine[] {
  const rows: LabelLine[] = [];
  for (let at = 0, tests = 0; tests < heldOut; at += 1) {
    const text_hash = sha256(`text ${at}`);
    const isTest = parseInt(text_hash.slice(0, 8), 16) % 100 < 20;
    const label = labels[tests % 3] ?? 'neutral';
    if (isTest) tests += 1;
    rows.push({
      text_hash,
      stored_hash: text_hash,
      text: `text ${at}`,
      label,
      source: 'test',
      imported_at: '2026-11-20T00:00:00.000Z',
    });
  }
  return rows;
}

export const ndjson = (rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** A system's figures, all counted from one confusion matrix. */
export function measured(recalls: Recalls, perClass: Record<Label, number>) {
  const confusion = labels.map((label, row) => {
    const right = Math.round(recalls[label] * perClass[label]);
    const counts: [number, number, number] = [0, 0, 0];
    counts[row] = right;
    counts[(row + 1) % 3] = perClass[label] - right;
    return counts;
  });
  const [a = [0, 0, 0], b = [0, 0, 0], c = [0, 0, 0]] = confusion;
  const right = [a[0], b[1], c[2]] as const;
  const answered = [0, 1, 2].map(
    (column) => (a[column] ?? 0) + (b[column] ?? 0) + (c[column] ?? 0),
  );
  const rows = perClass.negative + perClass.neutral + perClass.positive;
  const recall = {
    negative: right[0] / Math.max(perClass.negative, 1),
    neutral: right[1] / Math.max(perClass.neutral, 1),
    positive: right[2] / Math.max(perClass.positive, 1),
  };
  const f1 = labels.map(
    (label, at) => (2 * (right[at] ?? 0)) / ((answered[at] ?? 0) + perClass[label] || 1),
  );
  const macro_recall = (recall.negative + recall.neutral + recall.positive) / 3;
  return {
    macro_recall,
    accuracy: (right[0] + right[1] + right[2]) / rows,
    macro_f1: ((f1[0] ?? 0) + (f1[1] ?? 0) + (f1[2] ?? 0)) / 3,
    recall,
    interval: { low: Math.max(0, macro_recall - 0.03), high: Math.min(1, macro_recall + 0.03) },
    confusion: [a, b, c] satisfies [
      [number, number, number],
      [number, number, number],
      [number, number, number],
    ],
  };
}

const model = (recalls: Recalls, perClass: Record<Label, number>, version: string) => ({
  ...measured(recalls, perClass),
  version,
  digest: sha256(version),
  answers_sha256: sha256(`${version} ${JSON.stringify(recalls)}`),
  calibration: {
    expected_error: 0.05,
    bins: [{ from: 0.7, to: 0.8, rows: 10, confidence: 0.75, accuracy: 0.8 }],
  },
});

export const difference = (value: number, spread = 0.02): Difference => ({
  value,
  low: Math.max(-1, value - spread),
  high: Math.min(1, value + spread),
  level: 0.95,
  resamples: 2000,
});

/** Sentences passed, and the templates by which candidate and champion differ. */
export interface Passed {
  candidate: number;
  champion?: number;
  lexicon: number;
  better?: number;
  worse?: number;
}

const groups = ['negation', 'names', 'intensifiers', 'emoji', 'irony', 'noise', 'questions'];

/** Behavioural tests of which every system passes 50 of 60, but for the groups that say otherwise. */
export const behaviourOf = (hasChampion: boolean, passed: Record<string, Passed> = {}) => ({
  sha256: sha256('tests'),
  groups: groups.map((name) => {
    const {
      candidate,
      champion = 50,
      lexicon,
      better = 0,
      worse = 0,
    } = passed[name] ?? {
      candidate: 50,
      lexicon: 50,
    };
    return {
      name,
      sentences: 60,
      templates: 20,
      passed: { candidate, champion: hasChampion ? champion : null, lexicon },
      against_champion: hasChampion ? { better, worse } : null,
    };
  }),
});

interface Night {
  candidate?: Recalls;
  champion?: Recalls | null;
  /** Of `sl-best`; not compared with unless given. */
  best?: Recalls | null;
  behaviour?: Record<string, Passed>;
  lexicon?: Recalls;
  spread?: number;
  rows?: readonly LabelRow[];
}

/** What the training job would write: a candidate at 77 against a lexicon at 70, and no champion. */
export function evaluationOf(night: Night = {}): Evaluation {
  const {
    candidate = even(0.77),
    champion = null,
    best = null,
    lexicon = even(0.7),
    spread,
    rows = labelRows(600),
  } = night;
  const held = heldOutOf(rows);
  const tests = rows.filter(({ text_hash }) => parseInt(text_hash.slice(0, 8), 16) % 100 < 20);
  const of = (label: Label) => tests.filter((row) => row.label === label).length;
  const perClass = { negative: of('negative'), neutral: of('neutral'), positive: of('positive') };
  const ours = model(candidate, perClass, TRAINED.jobName);
  const theirs = champion && model(champion, perClass, 'sl-champion');
  const record = best && model(best, perClass, 'sl-best');
  const words = measured(lexicon, perClass);
  const linear = measured(even(0.65), perClass);
  const golden = goldenTweets.map(({ text, expected }) => ({
    text,
    label: expected,
    probability: 0.9,
  }));
  return {
    schema_version: 2,
    metric: 'macro_recall',
    held_out: {
      rows: held.rows,
      per_class: perClass,
      sha256: held.sha256,
      labels: ['negative', 'neutral', 'positive'],
    },
    level: 0.95,
    candidate: ours,
    champion: theirs,
    champion_problem: null,
    best: record,
    best_problem: null,
    lexicon: { ...words, name: 'vader' },
    linear: { ...linear, name: 'tfidf-linear' },
    majority: { ...measured({ negative: 0, neutral: 0, positive: 1 }, perClass), name: 'positive' },
    candidate_minus_champion: theirs && difference(ours.macro_recall - theirs.macro_recall, spread),
    candidate_minus_best: record && difference(ours.macro_recall - record.macro_recall, spread),
    candidate_minus_lexicon: difference(ours.macro_recall - words.macro_recall),
    candidate_minus_linear: difference(ours.macro_recall - linear.macro_recall),
    golden,
    behaviour: behaviourOf(theirs !== null, night.behaviour),
    slices: [],
    learning_curve: null,
    worst_mistakes: [],
    training: {
      epochs: 6,
      seconds: 20,
      seed: 1,
      rows: { train: 1, validation: 1, test: held.rows, weak: 0 },
    },
  };
}
