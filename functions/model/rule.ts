/** A rule of the gate, passed or failed, as a sentence with its numbers. */
export interface Rule {
  passed: boolean;
  sentence: string;
}

/** What a rule needs in order to pass, and what it saw instead: the same quantity, in the same unit. */
interface Needs {
  needed: string;
  seen: string;
}

export const rule = (passed: boolean, text: string, needs?: Needs): Rule => ({
  passed,
  sentence: `${passed ? 'passed' : 'failed'}: ${text}${needs ? ` (needed: ${needs.needed}; seen: ${needs.seen})` : ''}`,
});
