import { textsOf, type Network } from './network';
import { MAX_TEXTS, RequestError } from './requests';

/** Texts of one call of a network: enough to keep it busy, few enough to share a request among networks. */
export const BATCH_SIZE = 64;

/**
 * Texts that wait at most: some seconds' work, and with 60 ids each some 30 MB. More are rejected, so that memory stays
 * bounded.
 */
export const MAX_WAITING = 64 * MAX_TEXTS;

type Rows = readonly (readonly number[])[];

/** Rows that wait for a run, longest first. */
interface Waiting {
  readonly rows: Rows;
  resolve(probabilities: Float32Array): void;
  reject(error: unknown): void;
}

/**
 * Hands the rows that wait to the networks that are free, first come, first served. Rows that arrive while all networks
 * are busy are gathered into one run, if `gathers` says that an answer does not depend on its neighbours.
 */
export class RunQueue {
  private readonly free: Network[];
  private readonly waiting: Waiting[] = [];
  private texts = 0;
  private isScheduled = false;

  constructor(
    networks: readonly Network[],
    private readonly gathers: boolean,
  ) {
    this.free = [...networks];
  }

  /** Throws RequestError 503 if so many more texts cannot wait. */
  admit(texts: number): void {
    if (this.texts + texts > MAX_WAITING)
      throw new RequestError(
        503,
        `the model is busy: ${this.texts} texts are waiting, at most ${MAX_WAITING} can; send the request again later`,
      );
  }

  /** Three probabilities for each row. Rows must be sorted, longest first, and at most BATCH_SIZE. */
  run(rows: Rows): Promise<Float32Array> {
    this.texts += rows.length;
    return new Promise((resolve, reject) => {
      this.waiting.push({ rows, resolve, reject });
      if (this.isScheduled) return;
      this.isScheduled = true;
      // After all requests that have already arrived.
      setImmediate(() => {
        this.isScheduled = false;
        this.start();
      });
    });
  }

  private start(): void {
    while (this.waiting.length > 0) {
      const network = this.free.pop();
      if (!network) return;
      void this.runOn(network, this.take()).then(() => {
        this.free.push(network);
        this.start();
      });
    }
  }

  /** The rows of the next run. */
  private take(): Waiting[] {
    let count = 0;
    let taken = 0;
    for (const { rows } of this.waiting) {
      if (taken > 0 && (!this.gathers || count + rows.length > BATCH_SIZE)) break;
      count += rows.length;
      taken += 1;
    }
    return this.waiting.splice(0, taken);
  }

  private async runOn(network: Network, taken: readonly Waiting[]): Promise<void> {
    const places = taken.flatMap(({ rows }, source) => rows.map((row) => ({ row, source })));
    if (taken.length > 1) places.sort((one, other) => other.row.length - one.row.length);
    try {
      const found = await network.run(textsOf(places.map(({ row }) => row)));
      // Sorting keeps the order of each source's rows: they were sorted, and the sort is stable.
      const answers = taken.map(({ rows }) => new Float32Array(3 * rows.length));
      const filled = taken.map(() => 0);
      places.forEach(({ source }, place) => {
        answers[source]?.set(found.subarray(3 * place, 3 * place + 3), filled[source]);
        filled[source] = (filled[source] ?? 0) + 3;
      });
      taken.forEach(({ resolve }, source) => resolve(answers[source] ?? found));
    } catch (error) {
      for (const { reject } of taken) reject(error);
    } finally {
      this.texts -= places.length;
    }
  }
}
