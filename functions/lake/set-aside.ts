import type { SetAside } from '../../workflows/payloads';
import { log } from '../shared/step';

/** A state holds 256 KiB: so many objects are named, the rest are counted. */
const MAX_NAMED = 20;
const MAX_PROBLEM_CHARACTERS = 200;
/** The log has the whole key. */
const MAX_KEY_CHARACTERS = 300;

/** Collects the objects that a step goes on without, and warns of each in the log. */
export class Unreadables {
  private readonly problems = new Map<string, string>();

  add(key: string, problem: string): void {
    const named = shortened(key, MAX_KEY_CHARACTERS);
    if (this.problems.has(named)) return;
    this.problems.set(named, problem.slice(0, MAX_PROBLEM_CHARACTERS));
    log({ warning: 'RawDataUnreadable', key, problem });
  }

  /** What is to be reported, with what earlier calls of the step have found; undefined where there is nothing. */
  report(before?: SetAside): SetAside | undefined {
    const known = new Map(before?.objects.map(({ key, problem }) => [key, problem]));
    const fresh = [...this.problems].filter(([key]) => !known.has(key));
    const count = (before?.count ?? 0) + fresh.length;
    if (count === 0) return undefined;
    const objects = [...known, ...fresh].map(([key, problem]) => ({ key, problem }));
    return { count, objects: objects.slice(0, MAX_NAMED) };
  }
}

/** A text that is too long, cut in the middle: keys differ at their ends. */
const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 101)}…${text.slice(-100)}`;
