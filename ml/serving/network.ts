import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Ids of texts, longest first, each padded to the longest: `ids` (B, T) and `lengths` (B,), int64. */
export interface Batch {
  readonly ids: BigInt64Array<ArrayBuffer>;
  readonly lengths: BigInt64Array<ArrayBuffer>;
}

/** A network that does one batch at a time. It returns three probabilities for each text. */
export interface Network {
  run(batch: Batch): Promise<Float32Array>;
}

/** Rows of ids as a batch; rows must be sorted, longest first. */
export function batchOf(rows: readonly (readonly number[])[], padId: number): Batch {
  const width = rows[0]?.length ?? 0;
  const ids = new BigInt64Array(rows.length * width);
  const lengths = new BigInt64Array(rows.length);
  // A BigInt for each id would take longer than the message. Ids are small, and all processors that the runtime
  // supports store the low half first.
  const lows = new Int32Array(ids.buffer);
  if (padId !== 0) ids.fill(BigInt(padId));
  rows.forEach((row, at) => {
    lengths[at] = BigInt(row.length);
    for (let column = 0, low = 2 * at * width; column < row.length; column += 1, low += 2)
      lows[low] = row[column] ?? padId;
  });
  return { ids, lengths };
}

/**
 * The network in this thread, which a run blocks. It uses one thread, because a run is too short to share: two threads
 * with a run each do more than two threads with half a run each.
 */
export async function loadNetwork(content: Uint8Array): Promise<Network> {
  const session = await InferenceSession.create(content, {
    // 3 is "errors only": the runtime warns about initializers it folds away.
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
    // The runtime would keep a plan of its memory for each of thousands of shapes.
    enableMemPattern: false,
  });
  return {
    async run({ ids, lengths }) {
      const count = lengths.length;
      const { probabilities } = await session.run({
        ids: new Tensor('int64', ids, [count, ids.length / count]),
        lengths: new Tensor('int64', lengths, [count]),
      });
      if (
        !(probabilities?.data instanceof Float32Array) ||
        probabilities.data.length !== count * 3
      ) {
        throw new Error('the network did not return three probabilities per text');
      }
      return probabilities.data;
    },
  };
}
