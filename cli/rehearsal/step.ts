import type { Rehearsal } from './rehearsal';

export interface Step {
  /** What the step shows, as a statement. */
  readonly title: string;
  /** Returns one line on what was observed. Throws StepFailed. */
  readonly act: (rehearsal: Rehearsal) => Promise<string>;
}
