import { seconds, type Screen } from '../screen';
import type { Workspace } from '../../session/workspace';
import { account, region } from '../../session/workspace';
import type { AccountEnvironment } from '../account/session';
import { administratorArn } from './administrator';
import { rowsOf } from './calls';
import { checked, simulatedCalls } from './coverage';
import { describeLeft } from './left';
import { Rehearsal } from './rehearsal';
import { readLines } from './recorded';
import { FirstHour } from './steps';
import type { Step } from './step';
import { StepFailed } from './step-failed';
import { callTable, describeCoverage } from './table';

/** Describes a failed step: what happened, where, what to do, and the last lines of the output. */
export function describeFailedStep(error: unknown): string[] {
  if (!(error instanceof StepFailed)) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return [message];
  }
  return [
    error.message,
    `    where: ${error.where}`,
    `    do:    ${error.todo}`,
    ...(error.tail.length > 0 ? ['    its last lines:'] : []),
    ...error.tail.map((line) => `      ${line}`),
  ];
}

async function take(rehearsal: Rehearsal, screen: Screen, step: Step): Promise<boolean> {
  const started = Date.now();
  screen.live(step.title, started);
  try {
    const saw = await step.act(rehearsal);
    screen.rest();
    screen.say(`✓ ${seconds(Date.now() - started).padStart(8)}  ${step.title}: ${saw}`);
    return true;
  } catch (error) {
    rehearsal.signal.throwIfAborted();
    screen.rest();
    screen.say(`✗ ${seconds(Date.now() - started).padStart(8)}  ${step.title}`);
    for (const line of describeFailedStep(error)) screen.say(`  ${line}`);
    return false;
  }
}

const stepsFor = ([one, other]: readonly AccountEnvironment[]): Step[] => {
  if (one === undefined) return [];
  const first = new FirstHour(one);
  return other === undefined ? first.steps : FirstHour.sideBySide(first, new FirstHour(other));
};

/** `npm run rehearse`: plays an account's first hour on an embedded cloud. Returns 0 only if every step passed. */
export async function rehearse(
  workspace: Workspace,
  screen: Screen,
  { environments }: { environments: readonly AccountEnvironment[] },
): Promise<number> {
  screen.live('starting an embedded cloud');
  const rehearsal = await Rehearsal.start(workspace);
  let held = false;
  try {
    screen.rest();
    screen.say(
      `Rehearsal of ${environments.join(' beside ')}: account ${account}, ${region}, at ${rehearsal.cloud.url}, as ${administratorArn}.`,
    );
    screen.say('This is not AWS: every call stays on this machine.');
    for (const step of stepsFor(environments)) {
      held = await take(rehearsal, screen, step);
      if (!held) break;
    }
    if (held) await sayWhatWasCalled(rehearsal, screen);
  } finally {
    screen.rest();
    await rehearsal.stop();
    if (held) rehearsal.clear();
    else screen.say(`The files are kept: ${rehearsal.home}. Delete the folder when you are done.`);
  }
  return held ? 0 : 1;
}

async function sayWhatWasCalled(rehearsal: Rehearsal, screen: Screen): Promise<void> {
  screen.say();
  const rows = checked(rowsOf(readLines(rehearsal.recorded)), simulatedCalls());
  for (const line of callTable(rows)) screen.say(line);
  screen.say();
  screen.say(describeCoverage(rows));
  screen.say();
  for (const line of await describeLeft(rehearsal)) screen.say(line);
}
