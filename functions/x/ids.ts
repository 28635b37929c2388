/** X's ids hold a time: milliseconds since this instant, above 22 bits of machine and sequence. */
const EPOCH_MS = 1_288_834_974_657n;
const LOW_BITS = 22n;
// Smaller ids were given before X's ids held a time, or come from a server that numbers as it likes.
const FIRST_WITH_TIME = 10n ** 15n;
const DIGITS = 20;

/** Pads an id to the length of the longest one, so that ids sort as text. */
export const padId = (id: string): string => id.padStart(DIGITS, '0');

/** Ids exceed `Number.MAX_SAFE_INTEGER`: compare by length, then as strings. */
export const byAge = (a: string, b: string): number =>
  padId(a) < padId(b) ? -1 : padId(a) > padId(b) ? 1 : 0;

export const newestOf = (ids: readonly string[]): string | null =>
  [...ids].sort(byAge).at(-1) ?? null;
export const oldestOf = (ids: readonly string[]): string | null =>
  [...ids].sort(byAge).at(0) ?? null;

/** When the post with this id was made; null for an id that holds no time. */
export function timeOfId(id: string): Date | null {
  const value = BigInt(id);
  return value < FIRST_WITH_TIME ? null : new Date(Number((value >> LOW_BITS) + EPOCH_MS));
}

/** The first id that a post of this instant can have. */
export function idAt(instant: Date): string {
  const milliseconds = BigInt(instant.valueOf()) - EPOCH_MS;
  return (milliseconds < 0n ? 0n : milliseconds << LOW_BITS).toString();
}
