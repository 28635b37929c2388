/** X's epoch, 2010-11-04T01:42:54.657Z, in Unix milliseconds. */
const epoch = 1_288_834_974_657n;
/** Bits below the time: machine and sequence number. */
const lowBits = 22n;

/** A post id that says when the post was made, as X's do; `sequence` sets apart posts of one millisecond. */
export function idAt(millis: number, sequence = 0): string {
  return (((BigInt(Math.trunc(millis)) - epoch) << lowBits) + BigInt(sequence)).toString();
}

/** Unix milliseconds at which the post with this id was made. */
export function timeOf(id: string): number {
  return Number((BigInt(id) >> lowBits) + epoch);
}

/** Sorts ids; they have outgrown the numbers of JavaScript. */
export function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}
