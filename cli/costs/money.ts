export interface CostLine {
  what: string;
  /** How the figure comes about. */
  how: string;
  usd: number;
}

export const total = (lines: readonly CostLine[]): number =>
  lines.reduce((sum, { usd }) => sum + usd, 0);

/** Half a cent is a cent, also where its binary fraction lies a little below. */
export const dollars = (usd: number): string =>
  usd > 0 && usd < 0.01 ? 'under $0.01' : `$${(Math.round(usd * 100 + 1e-6) / 100).toFixed(2)}`;
