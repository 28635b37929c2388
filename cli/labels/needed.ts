import type { LabelsNeeded } from '../../console/contract';
import { labels, type Difference, type Evaluation, type Label } from '../../workflows/evaluation';
import { halfWidth } from '../compare-models';

/** Half-width of the champion's interval that is aimed at: two points of macro recall. */
export const TARGET = 0.02;
/** The share of random texts whose labels are held out (functions/model/held-out.ts). */
export const HELD_OUT_SHARE = 0.2;
/** Beyond, the number says only that rows will not decide it. */
const MANY_ROWS = 1_000_000;

/**
 * Held-out rows at which a half-width becomes `target`. It falls with 1/sqrt(rows), so the rows grow with the square of
 * the ratio, if the mix of classes stays as it is.
 */
export const rowsFor = (rows: number, half: number, target: number): number =>
  Math.ceil(rows * (half / target) ** 2);

/** Labels of random texts that bring so many rows to the hold-out. */
export const labelsFor = (missingRows: number): number =>
  Math.max(0, Math.ceil(missingRows / HELD_OUT_SHARE));

interface Limits {
  minHeldOutRows: number;
  minHeldOutPerClass: number;
}

/** The gate's counts that are too small, and the comparisons of a candidate whose intervals hold 0. */
export function waitingRules(
  now: NonNullable<LabelsNeeded['heldOutNow']>,
  { minHeldOutRows, minHeldOutPerClass }: Limits,
  newest: Evaluation | null,
): LabelsNeeded['waiting'] {
  const scarce = labels.filter((label) => now.perClass[label] < minHeldOutPerClass);
  return [
    ...(now.rows < minHeldOutRows
      ? [
          {
            rule: 'Held-out rows',
            now: `${now.rows} rows`,
            needed: `${minHeldOutRows} rows: nothing is promoted with fewer`,
          },
        ]
      : []),
    ...scarce.map((label: Label) => ({
      rule: `Held-out rows that are ${label}`,
      now: `${now.perClass[label]} rows`,
      needed: `${minHeldOutPerClass} rows: nothing is promoted with fewer`,
    })),
    ...(newest === null ? [] : undecided(newest)),
  ];
}

function undecided({
  held_out,
  champion,
  best,
  candidate_minus_champion,
  candidate_minus_best,
  candidate_minus_lexicon,
}: Evaluation): LabelsNeeded['waiting'] {
  const compared = [
    { rule: `Champion (${champion?.version})`, difference: candidate_minus_champion },
    { rule: `Best of the last days (${best?.version})`, difference: candidate_minus_best },
    { rule: 'Lexicon (vader)', difference: candidate_minus_lexicon },
  ];
  return compared.flatMap(({ rule, difference }) =>
    difference && difference.low <= 0 && difference.high >= 0
      ? [
          {
            rule,
            now: `${points(difference.value)} points [${points(difference.low)}, ${points(difference.high)}] on ${held_out.rows.toLocaleString('en-US')} rows may be chance`,
            needed: rowsToDecide(held_out.rows, difference),
          },
        ]
      : [],
  );
}

function rowsToDecide(rows: number, difference: Difference): string {
  const needed =
    difference.value === 0
      ? Infinity
      : rowsFor(rows, halfWidth(difference), Math.abs(difference.value));
  return needed > MANY_ROWS
    ? 'no number of rows tells so small a difference from none'
    : `about ${needed.toLocaleString('en-US')} rows, if the difference stays`;
}

const points = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)}`;
