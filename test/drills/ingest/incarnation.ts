/** The one that is killed sees nothing any more: no error, no answer. */
const silence = (): Promise<never> => new Promise(() => undefined);

export interface KillPoint {
  /** The n-th call that leaves the process (S3, Kinesis, X), from 1. */
  call: number;
  /** Whether the call is still done, and only its answer lost. */
  when: 'before' | 'after';
}

export class Killed extends Error {
  override name = 'Killed';
}

/**
 * One invocation of the Lambda, as the world outside sees it: a number of calls, and perhaps an end in the
 * middle of one. After its end nothing it does reaches anybody.
 */
export class Incarnation {
  calls = 0;
  private alive = true;
  private die: (error: Killed) => void = () => undefined;
  private readonly death = new Promise<never>((_, reject) => (this.die = reject));

  constructor(private readonly kill: KillPoint | null) {
    this.death.catch(() => undefined);
  }

  /** Does what the process would do outside itself, unless it is dead by then. */
  async call<Answer>(perform: () => Promise<Answer>): Promise<Answer> {
    if (!this.alive) return silence();
    this.calls += 1;
    const isLast = this.kill !== null && this.calls >= this.kill.call;
    if (isLast && this.kill?.when === 'before') return this.end();
    if (isLast) {
      // Nothing that runs beside this call gets any further, whatever its answer does.
      this.alive = false;
      await perform().catch(() => undefined);
      return this.end();
    }
    const answer = await perform();
    return this.alive ? answer : silence();
  }

  /** The work's own end, or the kill. */
  run<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return Promise.race([work(), this.death]);
  }

  private end(): Promise<never> {
    this.alive = false;
    this.die(new Killed(`killed at call ${this.calls}`));
    return silence();
  }
}
