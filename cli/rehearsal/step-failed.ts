/** A step that did not go as it has to. */
export class StepFailed extends Error {
  constructor(
    /** What happened. */
    message: string,
    /** Command or service. */
    readonly where: string,
    readonly todo: string,
    /** The last lines of what was printed. */
    readonly tail: readonly string[] = [],
  ) {
    super(message);
  }
}

/** Throws StepFailed unless a fact holds. */
export function holds(fact: boolean, message: string, where: string, todo: string): void {
  if (!fact) throw new StepFailed(message, where, todo);
}
