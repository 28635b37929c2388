import { labels } from '../../workflows/evaluation';
import type { Difference, Evaluation, MeasuredModel } from '../../workflows/evaluation';
import { behaviourRules } from './behaviour-rules';
import { goldenTweets, isMisread } from './golden-tweets';
import { rule } from './rule';
import type { Rule } from './rule';
import type { FunctionSettings } from '../settings/settings';

type Limits = FunctionSettings['evaluation'];

const METRIC = 'macro recall';

/** The versions that the training was to compare the candidate with; null if there is none. */
export interface Compared {
  champion: string | null;
  best: string | null;
}

/**
 * A candidate takes over if every one of these holds, on the held-out, human-labelled rows. What is said of champion
 * and best is worth something because all were scored there and then, as they serve.
 */
export const rulesFor = (evaluation: Evaluation, limits: Limits, compared: Compared): Rule[] => [
  enoughRows(evaluation, limits),
  configuredLevel(evaluation, limits),
  beatsLexicon(evaluation),
  notWorseThanChampion(evaluation, limits, compared.champion),
  ...notWorseThanBest(evaluation, limits, compared.best),
  ...noClassLost(evaluation, limits),
  ...differsFromChampion(evaluation),
  goldenTweetsUnderstood(evaluation),
  ...behaviourRules(evaluation, limits),
];

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
    `Held-out rows: ${held_out.rows}, ${fewest} of them ${scarcest}${enough ? '' : '. A fifth of all labels is held out: label more (npm run lake -- label)'}`,
    {
      needed: `at least ${minHeldOutRows}, ${minHeldOutPerClass} of each class`,
      seen: `${held_out.rows}, ${fewest}`,
    },
  );
}

function configuredLevel({ level }: Evaluation, limits: Limits): Rule {
  return rule(level === limits.level, `Level of the intervals: ${percent(level)}`, {
    needed: `${percent(limits.level)}, as configured`,
    seen: percent(level),
  });
}

/** A model that a word list equals is not worth serving. */
function beatsLexicon({ candidate, lexicon, candidate_minus_lexicon }: Evaluation): Rule {
  return rule(
    candidate.macro_recall > lexicon.macro_recall,
    `Lexicon (${lexicon.name}): ${METRIC} ${percent(candidate.macro_recall)} against ${percent(lexicon.macro_recall)}, ` +
      `difference ${interval(candidate_minus_lexicon)}`,
    { needed: `more than ${percent(lexicon.macro_recall)}`, seen: percent(candidate.macro_recall) },
  );
}

function notWorseThanChampion(
  evaluation: Evaluation,
  limits: Limits,
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
  return notWorse('Champion', candidate, champion, difference, limits);
}

/**
 * Each champion may be a little worse than the one before. Without this rule many such steps would add up; with it
 * they end at the tolerance below the best model of the last days.
 */
function notWorseThanBest(evaluation: Evaluation, limits: Limits, named: string | null): Rule[] {
  const { candidate, best, best_problem, candidate_minus_best: difference } = evaluation;
  const { bestOfDays } = limits;
  if (bestOfDays === 0) {
    return [];
  }
  const name = `Best of ${bestOfDays} days`;
  if (!best || !difference) {
    return [
      named === null
        ? rule(true, `${name}: no archived model ranks above the champion`)
        : rule(
            false,
            `${name} (${named}): could not be scored: ${best_problem ?? 'the evaluation does not say why'}. ` +
              'Restore the archive, or delete it: then the next best is compared',
          ),
    ];
  }
  return [notWorse(name, candidate, best, difference, limits)];
}

/**
 * Worse is either certain (the whole paired interval of the difference lies below 0) or too much (the difference
 * itself is below minus the tolerance). Between the two, more recent data is preferred over a difference that
 * may be chance.
 */
function notWorse(
  name: string,
  candidate: MeasuredModel,
  other: MeasuredModel,
  difference: Difference,
  { tolerance }: Limits,
): Rule {
  const certainlyWorse = difference.high < 0;
  const tooMuchWorse = difference.value < -tolerance;
  const why = certainlyWorse
    ? ', certainly worse'
    : tooMuchWorse
      ? `, worse by more than ${points(tolerance)}`
      : '';
  // An interval of the same width reaches 0 as far below the other's macro recall as it extends above its own value.
  const allowed = Math.min(tolerance, difference.high - difference.value);
  return rule(
    !certainlyWorse && !tooMuchWorse,
    `${name} (${other.version}): ${METRIC} ${percent(candidate.macro_recall)} against ` +
      `${percent(other.macro_recall)}, difference ${interval(difference)}${why}`,
    {
      needed: `at least ${percent(other.macro_recall - allowed)}`,
      seen: percent(candidate.macro_recall),
    },
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
  const least = Math.min(...changes.map(({ change }) => change));
  const figures = changes.map(({ label, change }) => `${label} ${signed(change)}`).join(', ');
  return [
    rule(least >= -maxRecallDrop, `Recall by class, against the champion: ${figures} points`, {
      needed: `at least ${signed(-maxRecallDrop)} in each class`,
      seen: signed(least),
    }),
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
      { needed: 'another prediction on at least one row', seen: isSame ? 'none' : 'that' },
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
    return rule(false, `Golden tweets: ${missing} of ${goldenTweets.length} were not answered`, {
      needed: '0',
      seen: String(missing),
    });
  }
  const misread = answers.filter(isMisread);
  const list = misread.map(({ text, label }) => `; "${text}" as ${label}`).join('');
  return rule(
    misread.length === 0,
    `Golden tweets: ${misread.length} of ${goldenTweets.length} misread${list}`,
    { needed: '0', seen: String(misread.length) },
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
