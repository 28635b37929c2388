import type { z } from 'zod';
import { StepError } from '../../workflows/errors';
import { serviceBusy } from './aws';
import { withinDeadline } from './deadline';
import type { CallContext } from './deadline';
import { explain } from './explain';
import { checkStateSize } from './state-size';

/** A Lambda handler of one step. */
export type Handler<Output> = (event: unknown, context?: CallContext) => Promise<Output>;

/**
 * Wraps a step: validates the event, runs the step, validates its output. An invalid event or output is a bug and fails
 * the execution with `ContractBroken` at the step that caused it. A transient error of an AWS service becomes
 * `ServiceBusy`, a call that runs out of its Lambda's time `OutOfTime`; the state machine retries both. An output too
 * large for the state becomes `StateTooLarge`. Logs one JSON line per call, without event and output: they may hold
 * secrets.
 */
export function step<Input, Output, Answer>(
  Input: z.ZodType<Input>,
  Output: z.ZodType<Output, Answer>,
  act: (input: NoInfer<Input>) => Promise<NoInfer<Answer>>,
): Handler<Output> {
  return async (event, context) => {
    const startedAt = Date.now();
    try {
      const input = parse(Input, event, 'input');
      const output = parse(Output, await withinDeadline(context, () => act(input)), 'output');
      if (typeof event === 'object' && event !== null) checkStateSize(event, Output, output);
      log({ ...whoCalls(event), outcome: outcomeOf(output), milliseconds: Date.now() - startedAt });
      return output;
    } catch (thrown) {
      const error = serviceBusy(thrown) ?? thrown;
      log({
        ...whoCalls(event),
        outcome: 'failed',
        ...describe(error),
        milliseconds: Date.now() - startedAt,
      });
      throw error;
    }
  };
}

/** Creates the handler on the first call, so that importing the module does not read the environment. */
export function onFirstCall<Output, Event = unknown>(
  make: () => (event: Event, context?: CallContext) => Promise<Output>,
): (event: Event, context?: CallContext) => Promise<Output> {
  let handler: ReturnType<typeof make> | undefined;
  return (event, context) => (handler ??= make())(event, context);
}

function parse<Value>(schema: z.ZodType<Value>, value: unknown, side: 'input' | 'output'): Value {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new StepError(
      'ContractBroken',
      `The step's ${side} breaks its contract: ${explain(result.error, value)}`,
      {
        cause: result.error,
      },
    );
  }
  return result.data;
}

function whoCalls(event: unknown): Record<string, unknown> {
  const execution = get(event, 'execution');
  return {
    step: process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'local',
    execution: get(execution, 'name'),
    attempt: get(event, 'attempt'),
  };
}

const outcomeOf = (output: unknown): unknown => get(output, 'status') ?? 'done';

const get = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

const describe = (error: unknown): Record<string, string> =>
  error instanceof Error
    ? { error: error.name, cause: error.message }
    : { error: 'Error', cause: String(error) };

/** Writes one JSON line. Not Powertools' Logger: its levels, context and sampling have no use with one line per call. */
export function log(line: Record<string, unknown>): void {
  // eslint-disable-next-line no-console -- a Lambda's log is its console
  console.info(JSON.stringify(line));
}
