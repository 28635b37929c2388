import { StepError } from '../../workflows/errors';
import { Evaluation, labels } from '../../workflows/evaluation';
import type { Behaviour, Difference, Scores } from '../../workflows/evaluation';
import { explain } from '../shared/explain';

// Figures are rounded to a few digits before they are written.
const ROUNDING = 0.002;
/** Fewer draws leave the ends of an interval to chance. */
const MIN_RESAMPLES = 1000;

/** What is wrong with it, or an evaluation whose figures fit each other. */
export type Reading =
  { evaluation: Evaluation; problem: null } | { evaluation: null; problem: string };

/**
 * Reads an evaluation and distrusts it: the schema names every metric, and what can be counted again is.
 * Throws `EvaluationUnusable` where there is nothing to read.
 */
export function readEvaluation(text: string, uri: string): Reading {
  const value = parseLoosely(text, uri);
  const parsed = Evaluation.safeParse(value);
  if (!parsed.success) {
    return { evaluation: null, problem: explain(parsed.error, value) };
  }
  const problem = contradictionIn(parsed.data);
  return problem === null ? { evaluation: parsed.data, problem } : { evaluation: null, problem };
}

/** Strings, or the words for numbers that JSON does not have. */
const STRING_OR_NOT_A_NUMBER = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

/** JSON, in which Python's NaN and Infinity are read as words, so that it can be said which figure they are. */
export function parseLoosely(text: string, uri: string): unknown {
  const quoted = text.replace(STRING_OR_NOT_A_NUMBER, (found) =>
    found.startsWith('"') ? found : `"${found}"`,
  );
  let value: unknown;
  try {
    value = JSON.parse(quoted);
  } catch (error) {
    throw new StepError('EvaluationUnusable', `${uri} cannot decide on the model: it is not JSON`, {
      cause: error,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StepError(
      'EvaluationUnusable',
      `${uri} cannot decide on the model: it is no JSON object`,
    );
  }
  return value;
}

/** Figures that cannot all be true, whatever wrote them. */
function contradictionIn(evaluation: Evaluation): string | null {
  const { candidate, champion, champion_problem: problem } = evaluation;
  if ((champion === null) !== (evaluation.candidate_minus_champion === null)) {
    return 'champion and candidate_minus_champion must both be there, or neither';
  }
  if (champion !== null && problem !== null) {
    return 'champion and champion_problem must not both be there';
  }
  if (!evaluation.best !== !evaluation.candidate_minus_best) {
    return 'best and candidate_minus_best must both be there, or neither';
  }
  if (evaluation.best && evaluation.best_problem) {
    return 'best and best_problem must not both be there';
  }
  const systems = {
    candidate,
    champion,
    best: evaluation.best,
    lexicon: evaluation.lexicon,
    linear: evaluation.linear,
    majority: evaluation.majority,
  };
  for (const [name, scores] of Object.entries(systems)) {
    const found = scores && contradictionInScores(scores, evaluation.held_out);
    if (found) {
      return `${name}.${found}`;
    }
  }
  const differences = [
    { name: 'champion', other: champion, difference: evaluation.candidate_minus_champion },
    { name: 'best', other: evaluation.best, difference: evaluation.candidate_minus_best },
    { name: 'lexicon', other: evaluation.lexicon, difference: evaluation.candidate_minus_lexicon },
    { name: 'linear', other: evaluation.linear, difference: evaluation.candidate_minus_linear },
  ];
  for (const { name, other, difference } of differences) {
    const found =
      other && difference && contradictionInDifference(difference, candidate, other, evaluation);
    if (found) {
      return `candidate_minus_${name} ${found}`;
    }
  }
  return evaluation.behaviour === undefined
    ? null
    : contradictionInBehaviour(evaluation.behaviour.groups, champion !== null);
}

function contradictionInBehaviour(
  groups: Behaviour['groups'],
  hasChampion: boolean,
): string | null {
  if (new Set(groups.map(({ name }) => name)).size < groups.length) {
    return 'behaviour holds a group twice';
  }
  for (const { name, sentences, templates, passed, against_champion: counts } of groups) {
    const { candidate, champion, lexicon } = passed;
    if (templates > sentences || Math.max(candidate, champion ?? 0, lexicon) > sentences) {
      return `behaviour.${name} counts more than its ${sentences} sentences`;
    }
    if ((champion !== null) !== hasChampion || (counts !== null) !== hasChampion) {
      return `behaviour.${name} must count the champion if there is one, and only then`;
    }
    if (champion === null || counts === null) continue;
    const { better, worse } = counts;
    if (
      better + worse > templates ||
      (candidate > champion && better === 0) ||
      (candidate < champion && worse === 0)
    ) {
      return (
        `behaviour.${name} has ${candidate} sentences against ${champion}, which ${better} better and ${worse} worse of ` +
        `${templates} templates do not give`
      );
    }
  }
  return null;
}

/** The confusion matrix has it all: every other figure is counted again from it. */
function contradictionInScores(
  { confusion, ...scores }: Evaluation['lexicon' | 'linear' | 'majority'] | Evaluation['candidate'],
  { rows, per_class: perClass }: Evaluation['held_out'],
): string | null {
  const ofClass = confusion.map((counts) => sum(counts));
  if (sum(ofClass) !== rows) {
    return `confusion holds ${sum(ofClass)} rows, not ${rows}`;
  }
  const counted = labels.map((label, index) => {
    const right = confusion[index]?.[index] ?? 0;
    const trueRows = ofClass[index] ?? 0;
    const answered = sum(confusion.map((counts) => counts[index] ?? 0));
    return {
      label,
      trueRows,
      right,
      recall: right / Math.max(trueRows, 1),
      f1: (2 * right) / Math.max(trueRows + answered, 1),
    };
  });
  const wrongClass = counted.find(({ label, trueRows }) => trueRows !== perClass[label]);
  if (wrongClass) {
    return `confusion holds ${wrongClass.trueRows} ${wrongClass.label} rows, not ${perClass[wrongClass.label]}`;
  }
  const figures = [
    ...counted.map(
      ({ label, recall }) => [`recall.${label}`, scores.recall[label], recall] as const,
    ),
    ['macro_recall', scores.macro_recall, mean(counted.map(({ recall }) => recall))] as const,
    ['macro_f1', scores.macro_f1, mean(counted.map(({ f1 }) => f1))] as const,
    [
      'accuracy',
      scores.accuracy,
      sum(counted.map(({ right }) => right)) / Math.max(rows, 1),
    ] as const,
  ];
  const wrong = figures.find(([, said, is]) => Math.abs(said - is) > ROUNDING);
  return wrong ? `${wrong[0]} is ${wrong[1]}, but by its confusion ${wrong[2].toFixed(4)}` : null;
}

function contradictionInDifference(
  { value, low, high, level, resamples }: Difference,
  candidate: Scores,
  other: Scores,
  evaluation: Evaluation,
): string | null {
  const is = candidate.macro_recall - other.macro_recall;
  if (Math.abs(is - value) > ROUNDING) {
    return `is ${value}, but the macro recalls differ by ${is.toFixed(4)}`;
  }
  if (low > value + ROUNDING || high < value - ROUNDING) {
    return `is ${value}, which its interval from ${low} to ${high} does not hold`;
  }
  if (level !== evaluation.level) {
    return `is at the level ${level}, the evaluation at ${evaluation.level}`;
  }
  return resamples < MIN_RESAMPLES
    ? `comes of ${resamples} resamples, and ${MIN_RESAMPLES} are needed`
    : null;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
