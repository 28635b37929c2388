import { setTimeout as sleep } from 'node:timers/promises';
import {
  ListExecutionsCommand,
  RedriveExecutionCommand,
  StartExecutionCommand,
  type ExecutionListItem,
} from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { explain } from '../../functions/shared/explain';
import { RunRequest, type StartedBy } from '../../workflows/payloads';
import type { Workspace } from '../../session/workspace';
import type { Session } from '../../session/session';
import { UserError } from '../../session/user-error';
import { commandFor, firstRun } from '../hints';
import type { Screen } from '../screen';
import { eventsAfter } from './events';
import { executionName, follow, type Run } from './follow';
import { claimOf } from './starter';

/** With this error the embedded cloud ends an execution that was running when its process died. */
const stoppedError = 'EmbeddedCloud.Stopped';

const two = (value: number): string => String(value).padStart(2, '0');

/** `nightly-20261124-021500`: mode and UTC start, readable in the console and free of `_`. */
function nameFor(mode: string, now: Date): string {
  const day = `${now.getUTCFullYear()}${two(now.getUTCMonth() + 1)}${two(now.getUTCDate())}`;
  return `${mode}-${day}-${two(now.getUTCHours())}${two(now.getUTCMinutes())}${two(now.getUTCSeconds())}`;
}

/** Checks an execution's input before a lake is booted. Throws UserError that names the field. */
export function checkInput(input: unknown): z.infer<typeof RunRequest> {
  const parsed = RunRequest.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new UserError(`Input not accepted: ${explain(parsed.error, input, 'the input')}.`, 2);
}

export async function startRun(
  workspace: Workspace,
  session: Session,
  screen: Screen,
  input: unknown,
): Promise<Run> {
  const { mode } = checkInput(input);
  const executionArn = await startNamed(session, mode, input, 'command line');
  screen.say(`Execution ${executionName(executionArn)} started.`);
  return follow(workspace, session, screen, executionArn);
}

/**
 * Starts an execution with an input that also says who starts it. Names have a resolution of one second. Tries the next
 * second when another execution has the name.
 */
export async function startNamed(
  session: Session,
  mode: string,
  request: unknown,
  by: StartedBy['with'],
): Promise<string> {
  const { clients, outputs } = session;
  const startedBy = await claimOf(session, by);
  const input = JSON.stringify({ ...z.looseObject({}).parse(request), startedBy });
  for (let tries = 1; ; tries += 1) {
    try {
      const { executionArn = '' } = await clients.sfn.send(
        new StartExecutionCommand({
          stateMachineArn: outputs.StateMachineArn,
          name: nameFor(mode, new Date()),
          input,
        }),
      );
      return executionArn;
    } catch (error) {
      const isTaken = error instanceof Error && error.name === 'ExecutionAlreadyExists';
      if (!isTaken || tries === 3) throw error;
      await sleep(1000);
    }
  }
}

/** Executions, newest first. */
export async function listExecutions({ clients, outputs }: Session): Promise<ExecutionListItem[]> {
  const executions: ExecutionListItem[] = [];
  let nextToken: string | undefined;
  do {
    const page = await clients.sfn.send(
      new ListExecutionsCommand({ stateMachineArn: outputs.StateMachineArn, nextToken }),
    );
    executions.push(...(page.executions ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  return executions.sort((a, b) => Number(b.startDate) - Number(a.startDate));
}

/** The execution with this name or ARN. Throws UserError when there is none. */
export async function findExecution(
  session: Session,
  nameOrArn: string,
): Promise<ExecutionListItem> {
  const executions = await listExecutions(session);
  const found = executions.find(
    ({ name, executionArn }) => name === nameOrArn || executionArn === nameOrArn,
  );
  if (found) return found;
  const newest = executions[0]?.name;
  throw new UserError(
    `There is no execution "${nameOrArn}"${newest === undefined ? '' : `; the newest is ${newest}`}.`,
  );
}

/** The newest execution, which must have failed. Throws UserError when there is nothing to redrive. */
export async function newestFailure(session: Session): Promise<ExecutionListItem> {
  const [newest] = await listExecutions(session);
  if (!newest)
    throw new UserError(
      `There is no execution yet: ${firstRun(session.environment)} runs the first one.`,
    );
  if (newest.status === 'SUCCEEDED' || newest.status === 'RUNNING') {
    throw new UserError(
      `The newest execution, ${newest.name}, is ${newest.status}. An older one is redriven by its name; ${commandFor(session.environment, 'npm run lake -- history')} lists them.`,
    );
  }
  return newest;
}

/**
 * The newest execution if it was cut off when its cloud died, by a kill or by Ctrl-C. For a moment after
 * a kill its steps still run, and can fail on a gateway that is no longer there: that is the same.
 */
export async function findCutOff(session: Session): Promise<ExecutionListItem | undefined> {
  const [newest] = await listExecutions(session);
  if (newest?.status !== 'FAILED' || newest.executionArn === undefined) return undefined;
  const { killedAfter } = session;
  if (killedAfter && newest.stopDate && newest.stopDate >= killedAfter) return newest;
  const events = await eventsAfter(session.clients.sfn, newest.executionArn, 0);
  return events.at(-1)?.error === stoppedError ? newest : undefined;
}

export async function redriveRun(
  workspace: Workspace,
  session: Session,
  screen: Screen,
  execution: ExecutionListItem,
): Promise<Run> {
  const { executionArn = '', status } = execution;
  if (status === 'SUCCEEDED' || status === 'RUNNING') {
    throw new UserError(
      `${executionName(executionArn)} is ${status}: only a failed execution can be redriven.`,
    );
  }
  const { sfn } = session.clients;
  const known = await eventsAfter(sfn, executionArn, 0);
  await sfn.send(new RedriveExecutionCommand({ executionArn }));
  screen.say(`Execution ${executionName(executionArn)} redriven: what had succeeded is kept.`);
  return follow(workspace, session, screen, executionArn, known);
}
