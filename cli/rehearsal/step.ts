import type { Rehearsal } from './rehearsal';

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

export interface Step {
  /** What is shown, as a fact. */
  readonly title: string;
  /** Answers in one line what was seen. Throws StepFailed. */
  readonly act: (rehearsal: Rehearsal) => Promise<string>;
}

/** Throws StepFailed unless a fact holds. */
export function holds(fact: boolean, message: string, where: string, todo: string): void {
  if (!fact) throw new StepFailed(message, where, todo);
}
