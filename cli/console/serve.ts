import { freePort } from '../../embedded/gateway/free-port';
import type { Session } from '../../session/session';
import type { Context } from '../command';
import { interrupted } from '../interrupt';
import { bringLabels } from '../labels/bundled';
import { newToken } from './door';
import { buildPage } from './page';
import { placeOf } from './reading-routes';
import { closeConsole, PortInUse, serveConsole } from './server';

/** The console's port on 127.0.0.1 unless another one is named. */
export const CONSOLE_PORT = 4580;

export interface ServeOptions {
  port: number;
  /** Whether another port is taken if this one is in use. */
  orAnyPort: boolean;
  /** Whether the page may start runs and store labels. */
  mayAct: boolean;
  /** Lines that tell the address, which has the token. */
  announce: (address: string) => readonly string[];
}

/** Serves the console over an open lake until Ctrl-C. Throws PortInUse. */
export async function serveUntilInterrupted(
  { workspace, screen, notes }: Context,
  session: Session,
  { port: wanted, orAnyPort, mayAct, announce }: ServeOptions,
): Promise<void> {
  const token = newToken();
  const serve = async (port: number) => ({
    port,
    server: await serveConsole(workspace, session, {
      ...{ port, token, mayAct },
      place: placeOf(session),
      ...(session.environment === 'local' && {
        beforeNightly: () => bringLabels(workspace, session, screen, 'following'),
      }),
      page: buildPage(workspace.root),
      log: (line) => notes.say(line),
    }),
  });
  const { port, server } = await serve(wanted).catch(async (error: unknown) => {
    if (orAnyPort && error instanceof PortInUse) return serve(await freePort());
    throw error;
  });
  for (const line of announce(`http://127.0.0.1:${port}/#token=${token}`)) screen.say(line);
  try {
    await interrupted(workspace.signal);
  } finally {
    await closeConsole(server);
  }
}
