import type { SetAside } from '../../workflows/payloads';
import { log } from '../shared/step';

/** Step Functions' state is limited to 256 KiB: this many objects are named, the others counted. */
const MAX_NAMED = 20;
const MAX_PROBLEM_CHARACTERS = 200;
/** Longer keys are shortened in the state; the log has the complete key. */
const MAX_KEY_CHARACTERS = 300;

/** Collects the unreadable objects that a step skips, and logs a warning for each. */
export class Unreadables {
  private readonly problems = new Map<string, string>();

  add(key: string, problem: string): void {
    const named = shortened(key, MAX_KEY_CHARACTERS);
    if (this.problems.has(named)) return;
    this.problems.set(named, problem.slice(0, MAX_PROBLEM_CHARACTERS));
    log({ warning: 'RawDataUnreadable', key, problem });
  }

  /** The report, merged with those of earlier calls of the step; undefined if there is nothing to report. */
  report(before?: SetAside): SetAside | undefined {
    const known = new Map(before?.objects.map(({ key, problem }) => [key, problem]));
    const fresh = [...this.problems].filter(([key]) => !known.has(key));
    const count = (before?.count ?? 0) + fresh.length;
    if (count === 0) return undefined;
    const objects = [...known, ...fresh].map(([key, problem]) => ({ key, problem }));
    return { count, objects: objects.slice(0, MAX_NAMED) };
  }
}

/** Shortens a text in the middle, because keys differ at their ends. */
const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 101)}…${text.slice(-100)}`;
