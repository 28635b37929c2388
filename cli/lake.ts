import { openSession, type LocalSession, type SessionOptions } from '../embedded/cloud/session';
import type { EnvironmentName } from '../infra/config';
import type { Session } from '../session/session';
import { describeAccount, findAccount, sessionIn } from './account/session';
import type { Context } from './command';

/** Boots or joins the embedded cloud. `onlyLooks`: a lake that another command keeps will do as it is. */
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

/** Works with the environment's lake, which is deployed first where it is the embedded one. */
export const withLake = (
  context: Context,
  env: EnvironmentName,
  work: (session: Session) => Promise<number | void>,
): Promise<number | void> => use(context, env, false, work);

/** The same for what starts no execution: a lake that is there will do as it is. */
export const withLakeAsItIs = (
  context: Context,
  env: EnvironmentName,
  work: (session: Session) => Promise<number | void>,
): Promise<number | void> => use(context, env, true, work);
