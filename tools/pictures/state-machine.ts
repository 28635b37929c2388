import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { z } from 'zod';
import { SentimentPipeline } from '../../workflows/state-machine';
import { stepNames, steps } from '../../workflows/steps';
import { horizontal, labelled, picture, text, vertical } from './svg';

/** A condition of a Choice, as far as the picture says it. */
const Condition = z.looseObject({
  StringEquals: z.string().optional(),
  BooleanEquals: z.boolean().optional(),
  And: z.array(z.looseObject({ StringEquals: z.string().optional() })).optional(),
});
const Choices = z.array(z.intersection(Condition, z.looseObject({ Next: z.string() })));
const State = z.looseObject({
  Type: z.enum(['Task', 'Choice', 'Wait']),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: Choices.optional(),
});
const Definition = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), State) });
type Definition = z.infer<typeof Definition>;

/** The machine's definition as CloudFormation would get it, around functions that are only named. */
function synthesized(): Definition {
  const stack = new Stack(new App(), 'Picture', {
    env: { account: '111122223333', region: 'us-east-1' },
  });
  const functions = z
    .record(z.enum(stepNames), z.custom<lambda.IFunction>())
    .parse(
      Object.fromEntries(
        stepNames.map((name) => [
          name,
          lambda.Function.fromFunctionArn(
            stack,
            name,
            `arn:aws:lambda:us-east-1:111122223333:function:${name}:1`,
          ),
        ]),
      ),
    );
  new SentimentPipeline(stack, 'Pipeline', {
    name: 'picture',
    functions,
    timeout: Duration.hours(6),
    logs: { destination: new logs.LogGroup(stack, 'Logs'), level: sfn.LogLevel.ALL },
  });
  const [machine] = Object.values(
    Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine'),
  );
  const { DefinitionString } = z
    .looseObject({
      DefinitionString: z.union([
        z.string(),
        z.looseObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) }),
      ]),
    })
    .parse(machine?.Properties);
  const json =
    typeof DefinitionString === 'string'
      ? DefinitionString
      : DefinitionString['Fn::Join'][1]
          .map((part) => (typeof part === 'string' ? part : 'arn'))
          .join('');
  return Definition.parse(JSON.parse(json));
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

function conditionOf({ StringEquals, BooleanEquals, And }: z.infer<typeof Condition>): string {
  if (And !== undefined) return And.flatMap(({ StringEquals: value }) => value ?? []).at(-1) ?? '';
  return StringEquals ?? (BooleanEquals === undefined ? 'skip' : BooleanEquals ? 'yes' : 'no');
}

const edgesOf = ({ States }: Definition): Edge[] =>
  Object.entries(States).flatMap(([from, { Next, Default, Choices: choices = [] }]) => [
    ...(Next === undefined ? [] : [{ from, to: Next, label: '' }]),
    ...choices.map((choice) => ({ from, to: choice.Next, label: conditionOf(choice) })),
    ...(Default === undefined ? [] : [{ from, to: Default, label: 'else' }]),
  ]);

/** Steps in running order, each Choice behind the last step that leads to it. */
function columnOf(definition: Definition): string[] {
  const column: string[] = steps.map(({ state }) => state);
  const choices = Object.keys(definition.States).filter(
    (name) => definition.States[name]?.Type === 'Choice',
  );
  for (const choice of choices) {
    const before = column
      .filter((name) => definition.States[name]?.Next === choice)
      .map((name) => column.indexOf(name));
    column.splice(Math.max(...before) + 1, 0, choice);
  }
  return column;
}

const row = 50;
const top = 66;
const boxHeight = 32;
const boxWidth = 218;
const columnX = 268;
const waitX = 592;
const waitWidth = 196;

/** Every state of the machine and every way between two of them, laid out from its definition. */
export function stateMachinePicture(): string {
  const definition = synthesized();
  const column = columnOf(definition);
  const isWait = (name: string) => definition.States[name]?.Type === 'Wait';
  const edges = edgesOf(definition);
  const waitsOf = (choice: string) => edges.filter(({ from, to }) => from === choice && isWait(to));
  // A Choice with more than one Wait makes room for them below it.
  const yOf = (name: string) =>
    column
      .slice(0, column.indexOf(name))
      .reduce(
        (y, above) => y + row + Math.max(0, waitsOf(above).length - 1) * (boxHeight + 10),
        top,
      );
  const middle = (name: string) => yOf(name) + boxHeight / 2;
  const parts = [text(24, 36, 'The state machine, drawn from its definition', 'title')];

  for (const name of column) {
    const isChoice = definition.States[name]?.Type === 'Choice';
    const box = { x: columnX, y: yOf(name), width: boxWidth, height: boxHeight };
    parts.push(labelled(box, isChoice ? 'choice' : 'step', [name], isChoice ? 16 : 5));
  }

  // To the next box of the column: straight down. Elsewhere in it: by a lane on the left, one for each target.
  const far = edges.filter(
    ({ from, to }) =>
      !isWait(from) && !isWait(to) && column.indexOf(to) !== column.indexOf(from) + 1,
  );
  const spanOf = (target: string): [number, number] => {
    const rows = far.filter(({ to }) => to === target).map(({ from }) => column.indexOf(from));
    const all = [...rows, column.indexOf(target)];
    return [Math.min(...all), Math.max(...all)];
  };
  const targets = [...new Set(far.map(({ to }) => to))].sort((a, b) => {
    const [fromA, untilA] = spanOf(a);
    const [fromB, untilB] = spanOf(b);
    return untilA - fromA - (untilB - fromB);
  });
  const lanes: string[][] = [];
  for (const target of targets) {
    const [from, until] = spanOf(target);
    const free = lanes.find((lane) =>
      lane.every((other) => {
        const [otherFrom, otherUntil] = spanOf(other);
        return until < otherFrom || otherUntil < from;
      }),
    );
    if (free === undefined) lanes.push([target]);
    else free.push(target);
  }
  const laneX = (target: string) =>
    columnX - 92 - lanes.findIndex((lane) => lane.includes(target)) * 34;

  /** Where lanes come in and go out on the left of one box, they do so beside each other. */
  const isCrossing = (name: string) =>
    far.some(({ from }) => from === name) && far.some(({ to }) => to === name);

  for (const { from, to, label } of edges) {
    if (isWait(from) || isWait(to)) continue;
    if (column.indexOf(to) === column.indexOf(from) + 1) {
      const x = columnX + boxWidth / 2;
      parts.push(vertical(x, yOf(from) + boxHeight, yOf(to)));
      parts.push(text(x + 8, yOf(from) + boxHeight + 13, label, 'small quiet'));
    } else {
      const beside = far.filter((edge) => edge.from === from);
      const index = beside.findIndex((edge) => edge.to === to);
      const y = middle(from) + (index - (beside.length - 1) / 2) * 15 + (isCrossing(from) ? 8 : 0);
      const end = middle(to) - (isCrossing(to) ? 8 : 0);
      parts.push(horizontal(columnX, y, laneX(to), end, columnX));
      parts.push(text(columnX - 6, y + (isCrossing(from) ? 12 : -4), label, 'small quiet', 'end'));
    }
  }

  // Waits stand to the right of their Choice and lead back to the step that it follows.
  for (const choice of column) {
    waitsOf(choice).forEach(({ to: wait, label }, index) => {
      const y = yOf(choice) + index * (boxHeight + 10);
      const back = definition.States[wait]?.Next ?? choice;
      const box = { x: waitX, y, width: waitWidth, height: boxHeight };
      const right = waitX + waitWidth + 14 + index * 12;
      const turn = columnX + boxWidth + 26;
      parts.push(
        labelled(box, 'wait', [wait], 5),
        index === 0
          ? horizontal(columnX + boxWidth, middle(choice), waitX)
          : horizontal(columnX + boxWidth, middle(choice) + 6, turn, y + boxHeight / 2, waitX),
        horizontal(
          waitX + waitWidth,
          y + boxHeight / 2,
          right,
          middle(back) - index * 8,
          columnX + boxWidth,
        ),
        text(waitX - 11, y + boxHeight / 2 - 5, label, 'small quiet', 'end'),
      );
    });
  }
  const height = yOf(column.at(-1) ?? '') + boxHeight + 24;
  return picture(846, height, 'The state machine of a run: states, choices and waits', parts);
}
