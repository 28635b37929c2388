import type { Comparison } from './contract';

/** A share in points, as in `+1.9`. */
const points = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)}`;

/** `Difference: +1.9 points [−1.3, +5.3] at 95 %, second minus first: may be chance. …`, in page and terminal. */
export function describeDifference({ difference }: Pick<Comparison, 'difference'>): string {
  const { value, low, high, level, how, isMoreThanChance } = difference;
  const figures = `${points(value)} points of macro recall [${points(low)}, ${points(high)}] at ${Math.round(level * 100)} %`;
  const source =
    how === 'paired'
      ? 'Measured on the same rows by one training.'
      : 'No training scored both, so the interval comes from both intervals and is wider than a measured one.';
  return `Second minus first: ${figures}: ${isMoreThanChance ? 'more than chance' : 'may be chance'}. ${source}`;
}
