/** X's epoch, 2010-11-04T01:42:54.657Z, in Unix milliseconds. */
const epoch = 1_288_834_974_657n;
/** Bits below the time: machine and sequence number. */
const lowBits = 22n;

/** A post id that contains the post's time, like X's ids; `sequence` distinguishes posts of one millisecond. */
export function idAt(millis: number, sequence = 0): string {
  return (((BigInt(Math.trunc(millis)) - epoch) << lowBits) + BigInt(sequence)).toString();
}

/** The time of the post with this id, in Unix milliseconds. */
export function timeOf(id: string): number {
  return Number((BigInt(id) >> lowBits) + epoch);
}

/** Compares ids for sorting; they exceed `Number.MAX_SAFE_INTEGER`. */
export function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}
