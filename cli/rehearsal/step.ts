import type { Rehearsal } from './rehearsal';

export interface Step {
  /** What is shown, as a fact. */
  readonly title: string;
  /** Answers in one line what was seen. Throws StepFailed. */
  readonly act: (rehearsal: Rehearsal) => Promise<string>;
}
