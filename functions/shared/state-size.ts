import type { z } from 'zod';
import { StepError } from '../../workflows/errors';
import { MAX_STATE_BYTES, RunState, progressKeys } from '../../workflows/payloads';

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

/** The key of the execution's state for outputs of this schema; undefined for the report, which is the last step. */
const keyOf = (Output: z.ZodType): string | undefined =>
  progressKeys.find((key) => RunState.shape[key].options.some((schema) => schema === Output));

/**
 * Throws `StateTooLarge` when the state with this output would exceed Step Functions' limit. Step Functions itself would
 * fail with States.DataLimitExceeded, which names neither the key nor what to do.
 */
export function checkStateSize(event: object, Output: z.ZodType, output: unknown): void {
  const key = keyOf(Output);
  const before = 'state' in event && typeof event.state === 'object' ? event.state : {};
  const state: Record<string, unknown> =
    key === undefined ? { answer: output } : { ...before, [key]: output };
  const bytes = jsonBytes({ ...event, state });
  if (bytes <= MAX_STATE_BYTES) return;
  const largest = Object.entries(state)
    .map(([name, value]) => ({ name, bytes: jsonBytes(value) }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3)
    .map((part) => `${part.name} ${part.bytes.toLocaleString('en')}`);
  throw new StepError(
    'StateTooLarge',
    `With this step's output the execution's state has ${bytes.toLocaleString('en')} bytes; Step Functions passes on ` +
      `${MAX_STATE_BYTES.toLocaleString('en')} at most. Largest parts: ${largest.join(', ')}. ` +
      'Start runs over fewer days, or with fewer queries.',
  );
}
