import { openSession, type LocalSession, type SessionOptions } from '../embedded/cloud/session';
import type { EnvironmentName } from '../infra/config';
import type { Session } from '../session/session';
import { describeAccount, findAccount, sessionIn } from './account/session';
import type { Context } from './command';

/**
 * Boots or joins the embedded cloud. With `onlyLooks` it joins a lake that another command runs, without deploying. Throws
 * UserError when another command holds the lake and does not share it.
 */
export async function openLocal(
  { workspace, notes }: Pick<Context, 'workspace' | 'notes'>,
  command: SessionOptions['command'],
  onlyLooks = false,
): Promise<LocalSession> {
  const started = Date.now();
  const opened = await openSession(workspace, {
    command,
    mayShareRun: onlyLooks,
    asItIs: onlyLooks,
    say: (line) => notes.say(line),
    progress: (line) => notes.live(`Embedded cloud: ${line}`, started),
  });
  notes.rest();
  return opened;
}

async function open(context: Context, env: EnvironmentName, onlyLooks: boolean): Promise<Session> {
  if (env === 'local') return openLocal(context, 'lake', onlyLooks);
  const account = await findAccount(context.workspace);
  context.notes.say(`${env}: ${describeAccount(account)}`);
  return sessionIn(account, env, (line) => context.notes.say(line));
}

async function use(
  context: Context,
  env: EnvironmentName,
  onlyLooks: boolean,
  work: (session: Session) => Promise<number | void>,
): Promise<number | void> {
  const session = await open(context, env, onlyLooks);
  try {
    return await work(session);
  } finally {
    context.screen.rest();
    await session.close();
  }
}

/** Opens the environment's lake for `work`; the embedded one is deployed first. */
export const withLake = (
  context: Context,
  env: EnvironmentName,
  work: (session: Session) => Promise<number | void>,
): Promise<number | void> => use(context, env, false, work);

/** The same for commands that start no execution: a deployed lake is used without a deployment. */
export const withLakeAsItIs = (
  context: Context,
  env: EnvironmentName,
  work: (session: Session) => Promise<number | void>,
): Promise<number | void> => use(context, env, true, work);
