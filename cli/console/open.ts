import type { EnvironmentName } from '../../infra/config';
import type { Context } from '../command';
import { holderOf } from '../../embedded/cloud/lock';
import { openLocal, withLakeAsItIs } from '../lake';
import type { Session } from '../../session/session';
import { openUp } from '../start';
import { serveUntilInterrupted } from './serve';

export interface ConsoleOptions {
  port: number;
  allowStart: boolean;
  env: EnvironmentName;
}

/** `npm run console`: serves the page until Ctrl-C. The embedded cloud runs as long, unless it already does. */
export async function openConsole(
  context: Context,
  { port, allowStart, env }: ConsoleOptions,
): Promise<number | void> {
  const { workspace } = context;
  const serve = (session: Session) =>
    serveUntilInterrupted(context, session, {
      port,
      orAnyPort: false,
      mayAct: env === 'local' || allowStart,
      announce: (address) => [
        `The console is at ${address}`,
        'Ctrl-C ends it. The address is for you alone: it lets in who has it.',
      ],
    });
  if (env !== 'local') return withLakeAsItIs(context, env, serve);
  // As npm run up does, so that other commands can join its lake; where one runs, the console joins it itself.
  const isUp = holderOf(workspace.home)?.command === 'up';
  const session = isUp ? await openLocal(context, 'lake', true) : await openUp(context);
  try {
    await serve(session);
  } finally {
    await session.close();
  }
}
