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

/** How many of those that wait a call takes. */
interface Next {
  readonly requests: number;
  readonly texts: number;
}

/**
 * Texts of a call that runs in the thread of the requests, for at most about a millisecond: a message to another thread
 * and back would cost more than the run of a single text.
 */
const FEW = 16;

export interface Networks {
  /** In the thread of the requests. */
  readonly own: Network;
  /** In threads of their own; without any, `own` does everything. */
  readonly others: readonly Network[];
}

/**
 * Hands the rows that wait to the networks that are free, first come, first served. Rows that arrive while a network
 * runs are gathered into one call, if `gathers` says that an answer does not depend on its neighbours.
 */
export class RunQueue {
  private readonly own: Network;
  private isOwnFree = true;
  /** Networks in other threads that are free. */
  private readonly free: Network[];
  private readonly few: number;
  private readonly waiting: Waiting[] = [];
  private waitingTexts = 0;
  /** Waiting and running. */
  private texts = 0;
  private isScheduled = false;

  constructor(
    { own, others }: Networks,
    private readonly gathers: boolean,
  ) {
    this.own = own;
    this.free = [...others];
    this.few = others.length === 0 ? BATCH_SIZE : FEW;
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
    this.waitingTexts += rows.length;
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
    for (let next = this.next(); next.texts > 0; next = this.next()) {
      if (next.texts <= this.few && this.isOwnFree) {
        this.isOwnFree = false;
        this.begin(this.own, next, () => (this.isOwnFree = true));
      } else {
        // A few texts do not wait long for the own network.
        const network = this.waitingTexts > this.few ? this.free.pop() : undefined;
        if (!network) return;
        this.begin(network, next, () => this.free.push(network));
      }
    }
  }

  private begin(network: Network, { requests, texts }: Next, free: () => void): void {
    this.waitingTexts -= texts;
    void this.runOn(network, this.waiting.splice(0, requests)).then(() => {
      free();
      this.start();
    });
  }

  /** The next call. */
  private next(): Next {
    let [requests, texts] = [0, 0];
    for (const { rows } of this.waiting) {
      if (requests > 0 && (!this.gathers || texts + rows.length > BATCH_SIZE)) break;
      texts += rows.length;
      requests += 1;
    }
    return { requests, texts };
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
