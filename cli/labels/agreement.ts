import { labels } from '../../workflows/evaluation';
import type { Label } from '../../workflows/evaluation';

export interface Agreement {
  agreed: number;
  of: number;
  /** Cohen's kappa (1960): 1 is full agreement, 0 what chance would give; null where chance alone always agrees. */
  kappa: number | null;
}

/** The agreement of two raters on the same texts. */
export function agreement(pairs: readonly (readonly [Label, Label])[]): Agreement {
  const of = pairs.length;
  const agreed = pairs.filter(([one, other]) => one === other).length;
  const share = (judge: 0 | 1, label: Label) =>
    pairs.filter((pair) => pair[judge] === label).length / of;
  const byChance = labels.reduce((sum, label) => sum + share(0, label) * share(1, label), 0);
  const kappa = of === 0 || byChance === 1 ? null : (agreed / of - byChance) / (1 - byChance);
  return { agreed, of, kappa };
}

/** `17 of 20 (kappa 0.75)` */
export const describeAgreement = ({ agreed, of, kappa }: Agreement): string =>
  `${agreed} of ${of}${kappa === null ? '' : ` (kappa ${kappa.toFixed(2)})`}`;
