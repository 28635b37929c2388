import { RedriveExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { Session } from '../../session/session';
import { checkInput, findExecution, startNamed } from '../run/launch';
import { Refused } from './door';

/** Starts a run; returns its name. Throws UserError for an input that the state machine would refuse. */
export async function startRunNamed(
  session: Session,
  input: unknown,
  beforeNightly: () => Promise<void> = async () => undefined,
): Promise<string> {
  const { mode } = checkInput(input);
  if (mode === 'nightly') await beforeNightly();
  const arn = await startNamed(session, mode, input, 'console');
  return arn.split(':').at(-1) ?? arn;
}

/** Resumes a failed run where it failed. */
export async function redrive(session: Session, name: string): Promise<void> {
  const { executionArn, status } = await findExecution(session, name);
  if (status === 'RUNNING' || status === 'SUCCEEDED')
    throw new Refused(409, `${name} is ${status}: only a failed run can be redriven.`);
  await session.clients.sfn.send(new RedriveExecutionCommand({ executionArn }));
}

export async function stop(session: Session, name: string): Promise<void> {
  const { executionArn, status } = await findExecution(session, name);
  if (status !== 'RUNNING') throw new Refused(409, `${name} is ${status}: it no longer runs.`);
  await session.clients.sfn.send(
    new StopExecutionCommand({
      executionArn,
      error: 'StoppedByHand',
      cause: 'Somebody stopped this run in the console.',
    }),
  );
}
