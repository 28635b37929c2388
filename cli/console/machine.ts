import { DescribeStateMachineCommand } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import type { Machine } from '../../console/contract';
import type { Session } from '../../session/session';

const Reference = z.object({ Next: z.string().optional() });
const Asl = z.object({
  StartAt: z.string(),
  States: z.record(
    z.string(),
    Reference.extend({
      Type: z.string(),
      Default: z.string().optional(),
      Choices: z.array(Reference).default([]),
      Catch: z.array(Reference).default([]),
    }),
  ),
});

/** The deployed state machine, as its definition says. */
export async function readMachine({ clients, outputs }: Session): Promise<Machine> {
  const { definition = '{}' } = await clients.sfn.send(
    new DescribeStateMachineCommand({ stateMachineArn: outputs.StateMachineArn }),
  );
  const { StartAt, States } = Asl.parse(JSON.parse(definition));
  const names = Object.keys(States);
  return {
    states: names.map((name) => ({
      name,
      type: States[name]?.Type ?? '',
      isStart: name === StartAt,
    })),
    moves: Object.entries(States).flatMap(([from, state]) => {
      const to = (targets: readonly (string | undefined)[], label: string) =>
        [...new Set(targets)].flatMap((one) =>
          one === undefined ? [] : [{ from, to: one, label }],
        );
      return [
        ...to([state.Next], ''),
        ...to([state.Default, ...state.Choices.map(({ Next }) => Next)], ''),
        ...to(
          state.Catch.map(({ Next }) => Next),
          'error',
        ),
      ];
    }),
  };
}
