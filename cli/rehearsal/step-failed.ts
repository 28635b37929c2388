/** A step of the rehearsal failed. */
export class StepFailed extends Error {
  constructor(
    /** What happened. */
    message: string,
    /** The command or service. */
    readonly where: string,
    readonly todo: string,
    /** The last lines of the output. */
    readonly tail: readonly string[] = [],
  ) {
    super(message);
  }
}

/** Throws StepFailed unless `fact` is true. */
export function holds(fact: boolean, message: string, where: string, todo: string): void {
  if (!fact) throw new StepFailed(message, where, todo);
}
