import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workspace } from '../../session/workspace';
import type { Session } from '../../session/session';
import { seconds, type Screen } from '../screen';
import { eventsAfter, type RunEvent } from './events';
import { Timeline, type Change, type Stage } from './timeline';
import { paint } from '../../session/visible';

/** A finished execution, as far as it was watched. */
export interface Run {
  arn: string;
  name: string;
  status: 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';
  events: RunEvent[];
  timeline: Timeline;
}

const pollMillis = 400;
const ends: Record<string, Run['status']> = {
  ExecutionSucceeded: 'SUCCEEDED',
  ExecutionFailed: 'FAILED',
  ExecutionAborted: 'ABORTED',
  ExecutionTimedOut: 'TIMED_OUT',
};
const nameWidth = 25;

export const executionName = (arn: string): string => arn.split(':').at(-1) ?? arn;

/** One line for a stage that has ended. */
export function stageLine(
  { name, startedAt, endedAt, status, text }: Stage,
  hasColours = false,
): string {
  const mark = status === 'failed' ? '✗' : '✓';
  const colour = status === 'failed' ? 31 : 32;
  const duration = endedAt === null ? '' : seconds(endedAt - startedAt);
  const line = `${name.padEnd(nameWidth)} ${duration.padStart(10)}  ${text}`.trimEnd();
  return `${hasColours ? paint(colour, mark) : mark} ${line}`;
}

function show(screen: Screen, change: Change): void {
  if (change.kind === 'redriven') return;
  const { stage } = change;
  if (change.kind === 'ended') {
    screen.rest();
    screen.say(stageLine(stage, screen.hasColours));
    return;
  }
  if (screen.isTerminal)
    screen.live(`${stage.name.padEnd(nameWidth)} ${stage.text}`.trimEnd(), stage.startedAt);
  else screen.say(`  ${stage.name} … ${stage.text}`.trimEnd());
}

/**
 * Watches an execution to its end and prints each stage as it starts and ends. `known` are events of an
 * earlier attempt: they are part of the story and are not printed again.
 */
export async function follow(
  workspace: Workspace,
  session: Session,
  screen: Screen,
  arn: string,
  known: RunEvent[] = [],
): Promise<Run> {
  const { sfn } = session.clients;
  const timeline = new Timeline();
  timeline.add(known);
  const events = [...known];
  for (let look = 1; ; look += 1) {
    workspace.signal.throwIfAborted();
    const news = await eventsAfter(sfn, arn, events.at(-1)?.id ?? 0);
    events.push(...news);
    for (const change of timeline.add(news)) show(screen, change);
    const end = news.map(({ type }) => ends[type]).findLast((status) => status !== undefined);
    if (end) {
      screen.rest();
      return { arn, name: executionName(arn), status: end, events, timeline };
    }
    // A history is cut off at its limit, so now and then the execution itself is asked.
    if (look % 25 === 0) {
      const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn: arn }));
      const final = Object.values(ends).find((value) => value === status);
      if (final && (await eventsAfter(sfn, arn, events.at(-1)?.id ?? 0)).length === 0) {
        screen.rest();
        return { arn, name: executionName(arn), status: final, events, timeline };
      }
    }
    await sleep(pollMillis, undefined, { signal: workspace.signal });
  }
}
