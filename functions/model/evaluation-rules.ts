import { labels } from '../../workflows/evaluation';
import type { Difference, Evaluation } from '../../workflows/evaluation';
import { goldenTweets, isMisread } from './golden-tweets';
import type { FunctionSettings } from '../settings/settings';

/** A rule of the gate, passed or failed, as a sentence with its numbers. */
export interface Rule {
  passed: boolean;
  sentence: string;
}

type Limits = FunctionSettings['evaluation'];

const METRIC = 'macro recall';

/**
 * A candidate takes over if every one of these holds, on the held-out, human-labelled rows. What is said of the
 * champion is worth something because both were scored there and then, as they serve.
 */
export const rulesFor = (
  evaluation: Evaluation,
  limits: Limits,
  inService: string | null,
): Rule[] => [
  enoughRows(evaluation, limits),
  configuredLevel(evaluation, limits),
  beatsLexicon(evaluation),
  notWorseThanChampion(evaluation, limits, inService),
  ...noClassLost(evaluation, limits),
  ...differsFromChampion(evaluation),
  goldenTweetsUnderstood(evaluation),
];

export const rule = (passed: boolean, sentence: string): Rule => ({
  passed,
  sentence: `${passed ? 'passed' : 'failed'}: ${sentence}`,
});

/** Fewer, in all or of one class, would leave the figures to chance. */
function enoughRows({ held_out }: Evaluation, limits: Limits): Rule {
  const { minHeldOutRows, minHeldOutPerClass } = limits;
  const [scarcest = 'neutral'] = [...labels].sort(
    (a, b) => held_out.per_class[a] - held_out.per_class[b],
  );
  const fewest = held_out.per_class[scarcest];
  const enough = held_out.rows >= minHeldOutRows && fewest >= minHeldOutPerClass;
  return rule(
    enough,
    `Held-out rows: ${held_out.rows}, ${fewest} of them ${scarcest} (at least ${minHeldOutRows} are needed, ` +
      `${minHeldOutPerClass} of each class)${enough ? '' : '. A fifth of all labels is held out: label more (npm run lake -- label)'}`,
  );
}

function configuredLevel({ level }: Evaluation, limits: Limits): Rule {
  return rule(
    level === limits.level,
    `Level of the intervals: ${percent(level)} (${percent(limits.level)} is configured)`,
  );
}

/** A model that a word list equals is not worth serving. */
function beatsLexicon({ candidate, lexicon, candidate_minus_lexicon }: Evaluation): Rule {
  return rule(
    candidate.macro_recall > lexicon.macro_recall,
    `Lexicon (${lexicon.name}): ${METRIC} ${percent(candidate.macro_recall)} against ${percent(lexicon.macro_recall)}, ` +
      `difference ${interval(candidate_minus_lexicon)}`,
  );
}

/**
 * Worse is either certain (the whole paired interval of the difference lies below 0) or too much (the difference
 * itself is below minus the tolerance). Between the two, more recent data is preferred over a difference that
 * may be chance.
 */
function notWorseThanChampion(
  evaluation: Evaluation,
  { tolerance }: Limits,
  inService: string | null,
): Rule {
  const { candidate, champion, candidate_minus_champion: difference } = evaluation;
  if (champion === null || difference === null) {
    return inService === null
      ? rule(true, 'Champion: none in service yet')
      : rule(
          false,
          `Champion (${inService}): could not be scored: ${evaluation.champion_problem ?? 'the evaluation does not say why'}`,
        );
  }
  const certainlyWorse = difference.high < 0;
  const tooMuchWorse = difference.value < -tolerance;
  const why = certainlyWorse
    ? ', certainly worse'
    : tooMuchWorse
      ? `, worse by more than ${points(tolerance)}`
      : '';
  return rule(
    !certainlyWorse && !tooMuchWorse,
    `Champion (${champion.version}): ${METRIC} ${percent(candidate.macro_recall)} against ` +
      `${percent(champion.macro_recall)}, difference ${interval(difference)}${why}`,
  );
}

/** A mean can hide that one class was given up for the others. */
function noClassLost({ candidate, champion }: Evaluation, { maxRecallDrop }: Limits): Rule[] {
  if (champion === null) {
    return [];
  }
  const changes = labels.map((label) => ({
    label,
    change: candidate.recall[label] - champion.recall[label],
  }));
  const lost = changes.filter(({ change }) => change < -maxRecallDrop);
  const figures = changes.map(({ label, change }) => `${label} ${signed(change)}`).join(', ');
  return [
    rule(
      lost.length === 0,
      `Recall by class: ${figures} points (no class may lose more than ${points(maxRecallDrop)})`,
    ),
  ];
}

/** A model with the same predictions would change nothing but the version stored with them. */
function differsFromChampion({ candidate, champion, held_out }: Evaluation): Rule[] {
  if (champion === null) {
    return [];
  }
  const isSame =
    candidate.version === champion.version || candidate.answers_sha256 === champion.answers_sha256;
  return [
    rule(
      !isSame,
      isSame
        ? `Different from the champion: no, same predictions on all ${held_out.rows} rows`
        : 'Different from the champion: predictions differ on some rows',
    ),
  ];
}

/** Labels that were swapped before they came here cannot be seen in any figure, but here. */
function goldenTweetsUnderstood({ golden }: Evaluation): Rule {
  const answers = goldenTweets.map(({ text, expected }) => ({
    text,
    expected,
    label: golden.find((answer) => answer.text === text)?.label,
  }));
  const missing = answers.filter(({ label }) => label === undefined).length;
  if (missing > 0) {
    return rule(false, `Golden tweets: ${missing} of ${goldenTweets.length} were not answered`);
  }
  const misread = answers.filter(isMisread);
  const list = misread.map(({ text, label }) => `; "${text}" as ${label}`).join('');
  return rule(
    misread.length === 0,
    `Golden tweets: ${misread.length} of ${goldenTweets.length} misread${list}`,
  );
}

/** A share as a percentage, 0.7742 as 77.4 %. */
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const signed = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)}`;

const points = (share: number): string => `${(share * 100).toFixed(1)} points`;

/** A difference in points with its interval, as in `+6.7 points [+5.2, +8.3] at 95 %`. */
const interval = ({ value, low, high, level }: Difference): string =>
  `${signed(value)} points [${signed(low)}, ${signed(high)}] at ${Math.round(level * 100)} %`;
