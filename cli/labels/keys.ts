import type { Readable } from 'node:stream';

/** The meaning of each key; other keys are ignored. */
export const answers = {
  1: 'negative',
  2: 'neutral',
  3: 'positive',
  s: 'skip',
  q: 'quit',
} as const;
export type Answer = (typeof answers)[keyof typeof answers];

const ENDINGS = ['\u0003', '\u0004'];
const isKey = (key: string): key is keyof typeof answers & string => Object.hasOwn(answers, key);

interface Keyboard extends Readable {
  isTTY?: boolean;
  setRawMode?: (raw: boolean) => unknown;
}

/**
 * A person's answers, key by key: without Enter on a terminal, otherwise from standard input. Ends with the input, with
 * q, Ctrl-C or Ctrl-D, and when `signal` aborts. Restores the terminal.
 */
export async function* keystrokes(
  input: Keyboard,
  signal: AbortSignal,
): AsyncGenerator<Answer | 'unknown'> {
  const stop = () => input.destroy();
  if (input.isTTY) input.setRawMode?.(true);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of input) {
      for (const key of String(chunk).toLowerCase()) {
        if (signal.aborted || ENDINGS.includes(key)) return;
        if (/\s/.test(key)) continue;
        yield isKey(key) ? answers[key] : 'unknown';
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    if (input.isTTY && !input.destroyed) input.setRawMode?.(false);
  }
}
