import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import type { Run } from '../../cli/run/follow';
import { startRun } from '../../cli/run/launch';
import type { Screen } from '../../cli/screen';
import { openSession } from '../../embedded/cloud/session';
import type { Session } from '../../session/session';
import type { Workspace } from '../../session/workspace';
import { RunReport } from '../../workflows/payloads';

/*
 * A lake that a drill drives by the functions of the command line, without its processes and their output.
 */

/** Shows nothing. */
export const silentScreen: Screen = {
  isTerminal: false,
  columns: 80,
  hasColours: false,
  say: () => undefined,
  live: () => undefined,
  rest: () => undefined,
};

/** Boots the workspace's lake and deploys to it. */
export const openLake = (workspace: Workspace): Promise<Session> =>
  openSession(workspace, {
    command: 'start',
    mayShareRun: false,
    asItIs: false,
    say: () => undefined,
    progress: () => undefined,
  });

/** Runs the state machine to its end, which has to be a success. */
export async function runToEnd(
  workspace: Workspace,
  session: Session,
  input: Parameters<typeof startRun>[3],
): Promise<Run> {
  const run = await startRun(workspace, session, silentScreen, input);
  expect({ status: run.status, failure: run.timeline.failure }).toMatchObject({
    status: 'SUCCEEDED',
  });
  return run;
}

/** What a run that has ended reported. */
export async function reportOf({ clients }: Session, run: Run): Promise<RunReport> {
  const { output } = await clients.sfn.send(
    new DescribeExecutionCommand({ executionArn: run.arn }),
  );
  return RunReport.parse(JSON.parse(output ?? ''));
}
