import type { Difference, Evaluation } from '../../workflows/evaluation';
import type { Sections } from '../settings';

export interface Verdict {
  promote: boolean;
  /** Every rule, kept or broken, as a sentence with its numbers. */
  reasons: string[];
}

const METRIC = 'macro recall';

/**
 * A candidate takes over if all three hold, on the held-out, human-labelled rows:
 * 1. There are enough rows for the figures to mean something.
 * 2. It beats the lexicon: a model that a word list equals is not worth serving.
 * 3. It is not worse than the champion. Worse is either certain (the whole interval of the difference lies
 *    below 0) or too much (the difference itself is below minus the tolerance). Between the two, more recent
 *    data is preferred over a difference that may be chance.
 */
export function judge(
  evaluation: Evaluation,
  { minHeldOutRows, tolerance }: Sections['gate'],
): Verdict {
  const { held_out, candidate, champion, lexicon } = evaluation;
  const rules = [
    rule(
      held_out.rows >= minHeldOutRows,
      `Held-out rows: ${held_out.rows} (at least ${minHeldOutRows} are needed)`,
    ),
    rule(
      candidate.macro_recall > lexicon.macro_recall,
      `Lexicon (${lexicon.name}): ${METRIC} ${percent(candidate.macro_recall)} against ${percent(lexicon.macro_recall)}, ` +
        `difference ${interval(evaluation.candidate_minus_lexicon)}`,
    ),
  ];
  const versusChampion = evaluation.candidate_minus_champion;
  if (champion === null || versusChampion === null) {
    rules.push(rule(true, 'Champion: none in service yet'));
  } else {
    const certainlyWorse = versusChampion.high < 0;
    const tooMuchWorse = versusChampion.value < -tolerance;
    const why = certainlyWorse
      ? ', certainly worse'
      : tooMuchWorse
        ? `, worse by more than ${points(tolerance)}`
        : '';
    rules.push(
      rule(
        !certainlyWorse && !tooMuchWorse,
        `Champion (${champion.version}): ${METRIC} ${percent(candidate.macro_recall)} against ` +
          `${percent(champion.macro_recall)}, difference ${interval(versusChampion)}${why}`,
      ),
    );
  }
  return {
    promote: rules.every(({ kept }) => kept),
    reasons: rules.map(({ sentence }) => sentence),
  };
}

const rule = (kept: boolean, sentence: string) => ({
  kept,
  sentence: `${kept ? 'kept' : 'BROKEN'}: ${sentence}`,
});

/** A share as a percentage, 0.7742 as 77.4 %. */
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const signed = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)}`;

const points = (share: number): string => `${(share * 100).toFixed(1)} points`;

/** A difference in points with its interval, as in `+6.7 points [+5.2, +8.3] at 95 %`. */
const interval = ({ value, low, high, level }: Difference): string =>
  `${signed(value)} points [${signed(low)}, ${signed(high)}] at ${Math.round(level * 100)} %`;
