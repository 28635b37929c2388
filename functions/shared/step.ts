import type { z } from 'zod';
import { StepError } from '../../workflows/errors';
import { serviceBusy } from './aws';
import { withinDeadline } from './deadline';
import type { CallContext } from './deadline';
import { explain } from './explain';
import { checkStateSize } from './state-size';

/** A Lambda handler of one step: whatever comes in, what the step's contract promises comes out. */
export type Handler<Output> = (event: unknown, context?: CallContext) => Promise<Output>;

/**
 * Parse, act, parse. An event or an answer that breaks its contract is a bug and ends the execution as
 * `ContractBroken`, at the step where it happened rather than at the one that trips over it.
 * A passing error of an AWS service ends the call as `ServiceBusy`, and a call that would run out of its Lambda's
 * time as `OutOfTime`: the state machine repeats both. An answer that the state has no room for is `StateTooLarge`.
 * Logs one JSON line a call; neither event nor answer is logged, so nothing secret can be.
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

/** A handler that is made on the first call, so that importing the module reads no environment. */
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

export function log(line: Record<string, unknown>): void {
  // eslint-disable-next-line no-console -- a Lambda's log is its console
  console.info(JSON.stringify(line));
}
