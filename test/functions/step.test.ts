import { z } from 'zod';
import { onFirstCall, step } from '../../functions/shared/step';
import { StepError } from '../../workflows/errors';

const Input = z.strictObject({
  execution: z.strictObject({ name: z.string() }),
  attempt: z.number(),
  count: z.number(),
});
const Output = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('DONE'), doubled: z.number() }),
  z.strictObject({ status: z.literal('RUNNING') }),
]);
const event = { execution: { name: 'night-1' }, attempt: 0, count: 2 };

let lines: string[];

beforeEach(() => {
  lines = [];
  jest.spyOn(console, 'info').mockImplementation((line) => lines.push(line));
});

test('parses, acts and answers', async () => {
  const handler = step(Input, Output, async ({ count }) => ({
    status: 'DONE' as const,
    doubled: count * 2,
  }));

  expect(await handler(event)).toEqual({ status: 'DONE', doubled: 4 });
});

test.each([
  ['a field of another type', { ...event, count: '2' }, 'count: must be a number (got "2")'],
  ['a missing field', { execution: event.execution, attempt: 0 }, 'count: is missing'],
  ['an unknown field', { ...event, more: 1 }, 'unknown field "more"'],
])('an event with %s breaks the contract before anything is done', async (_, broken, message) => {
  const act = jest.fn();

  await expect(step(Input, Output, act)(broken)).rejects.toMatchObject({
    name: 'ContractBroken',
    message: expect.stringContaining(message),
  });
  expect(act).not.toHaveBeenCalled();
});

test('an answer that breaks the contract ends the execution where it was made', async () => {
  const handler = step(Input, Output, async () => ({ status: 'DONE' as const, doubled: NaN }));

  await expect(handler(event)).rejects.toMatchObject({
    name: 'ContractBroken',
    message: expect.stringContaining("step's output"),
  });
});

test('an error of the step keeps its name', async () => {
  const handler = step(Input, Output, async () => {
    throw new StepError('CrawlFailed', 'no');
  });

  await expect(handler(event)).rejects.toMatchObject({ name: 'CrawlFailed', message: 'no' });
});

test('logs one JSON line a call: who called, how it ended, how long it took', async () => {
  const handler = step(Input, Output, async () => ({ status: 'RUNNING' as const }));

  await handler(event);

  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      step: 'local',
      execution: 'night-1',
      attempt: 0,
      outcome: 'RUNNING',
      milliseconds: expect.any(Number),
    },
  ]);
});

test('logs a failure with its name and cause', async () => {
  const handler = step(Input, Output, async () => {
    throw new StepError('CrawlFailed', 'no');
  });

  await handler(event).catch(() => undefined);

  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    outcome: 'failed',
    error: 'CrawlFailed',
    cause: 'no',
  });
});

test('a handler is made on the first call, and once', async () => {
  const make = jest.fn(() => async () => 'made');
  const handler = onFirstCall(make);

  expect(make).not.toHaveBeenCalled();
  expect([await handler({}), await handler({})]).toEqual(['made', 'made']);
  expect(make).toHaveBeenCalledTimes(1);
});
