export interface CostLine {
  what: string;
  /** How the amount is calculated. */
  how: string;
  usd: number;
}

export const total = (lines: readonly CostLine[]): number =>
  lines.reduce((sum, { usd }) => sum + usd, 0);

/** Formats US dollars. Half a cent rounds up, even when its binary value is slightly less. */
export const dollars = (usd: number): string =>
  usd > 0 && usd < 0.01 ? 'under $0.01' : `$${(Math.round(usd * 100 + 1e-6) / 100).toFixed(2)}`;
