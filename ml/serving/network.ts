import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Texts as ids, longest first: the ids of all of them, one after the other, and how many each has. */
export interface Texts {
  readonly ids: Int32Array<ArrayBuffer>;
  readonly lengths: Int32Array<ArrayBuffer>;
}

/** A network that does one call at a time. It returns three probabilities for each text. */
export interface Network {
  run(texts: Texts): Promise<Float32Array<ArrayBuffer>>;
}

export interface NetworkOptions {
  readonly padId: number;
  /** Whether a text's answer does not depend on its batch, so that batches may be cut. */
  readonly cuts: boolean;
}

/** Rows of ids; they must be sorted, longest first. */
export function textsOf(rows: readonly (readonly number[])[]): Texts {
  const lengths = Int32Array.from(rows, (row) => row.length);
  const ids = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
  let end = 0;
  for (const row of rows) {
    ids.set(row, end);
    end += row.length;
  }
  return { ids, lengths };
}

/** Padding that costs as much as the fixed part of a run, in tokens: some 100 µs. */
const MAX_PADDING = 50;

/**
 * Where to cut texts into runs, as the numbers of texts in them. Each text of a run is padded to the run's longest, so
 * texts of different lengths are cheaper in several runs.
 */
export function runsOf(lengths: ArrayLike<number>): number[] {
  const runs: number[] = [];
  let [count, longest, padding] = [0, 0, 0];
  for (let at = 0; at < lengths.length; at += 1) {
    const length = lengths[at] ?? 0;
    padding += longest - length;
    if (count === 0 || padding > MAX_PADDING) {
      if (count > 0) runs.push(count);
      [count, longest, padding] = [0, length, 0];
    }
    count += 1;
  }
  return count > 0 ? [...runs, count] : runs;
}

/**
 * The network in this thread, which a run blocks. It uses one thread, because a run is too short to share: two threads
 * with a run each do more than two threads with half a run each.
 */
export async function loadNetwork(
  content: Uint8Array,
  { padId, cuts }: NetworkOptions,
): Promise<Network> {
  const session = await InferenceSession.create(content, {
    // 3 is "errors only": the runtime warns about initializers it folds away.
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
    // The runtime would keep a plan of its memory for each of thousands of shapes.
    enableMemPattern: false,
  });

  async function runOnce(ids: Int32Array, lengths: Int32Array): Promise<Float32Array> {
    const { probabilities } = await session.run(inputsOf(ids, lengths, padId));
    if (
      !(probabilities?.data instanceof Float32Array) ||
      probabilities.data.length !== lengths.length * 3
    ) {
      throw new Error('the network did not return three probabilities per text');
    }
    return probabilities.data;
  }

  return {
    async run({ ids, lengths }) {
      const found = new Float32Array(3 * lengths.length);
      let [text, id] = [0, 0];
      for (const count of cuts ? runsOf(lengths) : [lengths.length]) {
        const some = lengths.subarray(text, text + count);
        const idCount = some.reduce((sum, length) => sum + length, 0);
        found.set(await runOnce(ids.subarray(id, id + idCount), some), 3 * text);
        text += count;
        id += idCount;
      }
      return found;
    },
  };
}

/** `ids` (B, T), padded to the first and longest text, and `lengths` (B,), int64. */
function inputsOf(ids: Int32Array, lengths: Int32Array, padId: number): Record<string, Tensor> {
  const width = lengths[0] ?? 0;
  // A BigInt for each id would take longer than the copy. Ids are small and positive, and every processor that the
  // runtime supports stores the low half of an int64 first.
  const halves = new Int32Array(2 * lengths.length * width);
  const lengthHalves = new Int32Array(2 * lengths.length);
  let id = 0;
  lengths.forEach((length, row) => {
    lengthHalves[2 * row] = length;
    for (let column = 0; column < width; column += 1)
      halves[2 * (row * width + column)] = column < length ? (ids[id + column] ?? padId) : padId;
    id += length;
  });
  return {
    ids: new Tensor('int64', new BigInt64Array(halves.buffer), [lengths.length, width]),
    lengths: new Tensor('int64', new BigInt64Array(lengthHalves.buffer), [lengths.length]),
  };
}
