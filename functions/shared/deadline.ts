import { AsyncLocalStorage } from 'node:async_hooks';
import { StepError } from '../../workflows/errors';

/** The part of Lambda's context that tells the remaining time. */
export interface CallContext {
  getRemainingTimeInMillis(): number;
}

/** Reserved at the end of a call, to log the error and return it to Step Functions. */
const LAST_WORDS_MS = 2000;

/**
 * Ends a Lambda call shortly before Lambda would. Without it Lambda kills the call and reports `Sandbox.Timedout`,
 * which does not tell what the call was waiting for.
 */
export class Deadline {
  private readonly controller = new AbortController();
  private readonly began = performance.now();
  private readonly openCalls = new Map<symbol, { call: string; since: number }>();

  constructor(private readonly milliseconds: number) {}

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.milliseconds - (performance.now() - this.began));
  }

  /** Notes a request to a service while it is open, so that the error can name it. */
  async during<Answer>(call: string, act: () => Promise<Answer>): Promise<Answer> {
    const id = Symbol(call);
    this.openCalls.set(id, { call, since: performance.now() });
    try {
      return await act();
    } finally {
      this.openCalls.delete(id);
    }
  }

  /** Throws `OutOfTime` when `act` has not ended by then. What it still does fails at its next request. */
  async limit<Answer>(act: () => Promise<Answer>): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(this.outOfTime());
        this.controller.abort();
      }, this.remainingMs());
    });
    try {
      return await Promise.race([running.run(this, act), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private outOfTime(): StepError {
    const seconds = Math.round((performance.now() - this.began) / 1000);
    const open = [...this.openCalls.values()].map(
      ({ call, since }) => `${call} (for ${Math.round((performance.now() - since) / 1000)} s)`,
    );
    const waited = open.length > 0 ? ` It was waiting for: ${open.slice(0, 5).join(', ')}.` : '';
    return new StepError(
      'OutOfTime',
      `The call had not ended after ${seconds} s, and its Lambda's time limit was ${LAST_WORDS_MS / 1000} s away.${waited}`,
    );
  }
}

const running = new AsyncLocalStorage<Deadline>();

/** The deadline of the call that this code runs in; none outside a Lambda. */
export const currentDeadline = (): Deadline | undefined => running.getStore();

/** Does the work of one Lambda call. Throws `OutOfTime` shortly before Lambda would kill it. */
export async function withinDeadline<Answer>(
  context: CallContext | undefined,
  act: () => Promise<Answer>,
): Promise<Answer> {
  return context === undefined
    ? act()
    : new Deadline(context.getRemainingTimeInMillis() - LAST_WORDS_MS).limit(act);
}
