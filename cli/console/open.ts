import type { EnvironmentName } from '../../infra/config';
import type { Context } from '../command';
import { holderOf } from '../../embedded/cloud/lock';
import { bringLabels } from '../labels/bundled';
import { openLocal, withLakeAsItIs } from '../lake';
import type { Session } from '../../session/session';
import { newToken } from './door';
import { openUp } from '../start';
import { buildPage } from './page';
import { closeConsole, serveConsole } from './server';

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
  const { workspace, screen, notes } = context;
  const mayAct = env === 'local' || allowStart;
  const serve = async (session: Session) => {
    const token = newToken();
    const server = await serveConsole(workspace, session, {
      port,
      token,
      mayAct,
      place: env === 'local' ? 'this machine' : session.region,
      ...(session.environment === 'local' && {
        beforeNightly: () => bringLabels(workspace, session, screen, 'following'),
      }),
      page: buildPage(workspace.root),
      log: (line) => notes.say(line),
    });
    screen.say(`The console is at http://127.0.0.1:${port}/#token=${token}`);
    screen.say('Ctrl-C ends it. The address is for you alone: it lets in who has it.');
    try {
      await new Promise<void>((resolve) =>
        workspace.signal.addEventListener('abort', () => resolve()),
      );
    } finally {
      await closeConsole(server);
    }
  };
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
