import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Problem } from '../../console/contract';
import type { Session } from '../../session/session';
import { UserError } from '../../session/user-error';
import type { Workspace } from '../../session/workspace';
import { describeRefused } from '../refused';
import { checkDoor, headers, jsonBody, Refused } from './door';
import { answersFor, frozenRun } from './freeze';
import { routesOf, type RoutesOptions } from './routes';
import type { Page } from './page';
import { watchRun } from './runs';

export interface Options extends RoutesOptions {
  port: number;
  token: string;
  page: Page;
  /** Errors that are no answer to a person's mistake. */
  log: (line: string) => void;
}

/** Another program listens at the console's port. */
export class PortInUse extends UserError {}

/** Status and message for an error; what is nobody's mistake is logged and named. */
function problemOf(error: unknown, log: Options['log']): { status: number; message: string } {
  if (error instanceof Refused) return { status: error.status, message: error.message };
  if (error instanceof UserError) return { status: 400, message: error.message };
  const refused = describeRefused(error);
  if (refused !== null) return { status: 403, message: refused };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  log(message);
  return { status: 500, message };
}

/** Serves the console on 127.0.0.1. Throws PortInUse if the port is taken. */
export async function serveConsole(
  lake: Pick<Workspace, 'signal' | 'root'>,
  session: Session,
  options: Options,
): Promise<Server> {
  const { port, token, page, mayAct, log } = options;
  const routes = routesOf(lake, session, options);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://console');
    const isApi = pathname.startsWith('/api/');
    checkDoor(request, port, isApi ? token : null);
    if (!isApi) {
      const file = request.method === 'GET' ? page.files.get(pathname) : undefined;
      if (file === undefined) throw new Refused(404, 'The console has no such page.');
      response.writeHead(200, { ...headers, 'content-type': file.type }).end(file.body);
      return;
    }
    const [, watched] = /^\/api\/runs\/([\w.-]+)\/live$/.exec(pathname) ?? [];
    if (watched !== undefined && request.method === 'GET') {
      await streamRun(watched, response);
      return;
    }
    const [, kept] = /^\/api\/runs\/([\w.-]+)\/file$/.exec(pathname) ?? [];
    if (kept !== undefined && request.method === 'GET') {
      const { answers, missing } = await answersFor(routes, kept);
      for (const { path, why } of missing) log(`Left out of the file: ${path}: ${why}`);
      const html = frozenRun(page, kept, answers);
      response.writeHead(200, { ...headers, 'content-type': 'text/html; charset=utf-8' }).end(html);
      return;
    }
    const known = routes.filter(({ path }) => path.test(pathname));
    const route = known.find(({ method }) => method === request.method);
    if (route === undefined)
      throw known.length > 0
        ? new Refused(405, `The console does not take ${request.method} here.`)
        : new Refused(404, `The console has no ${pathname}.`);
    if (route.acts && !mayAct)
      throw new Refused(
        403,
        'This console only shows. Start it with --allow-start to let it change something.',
      );
    const body = route.method === 'POST' ? await jsonBody(request) : undefined;
    const [, ...parameters] = route.path.exec(pathname) ?? [];
    sendJson(response, 200, await route.answer(parameters, body));
  };

  /** One JSON object a line, at each change, until the run has ended or the page has gone. */
  const streamRun = async (name: string, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const views = watchRun(session, name, AbortSignal.any([gone.signal, lake.signal]));
    const first = await views.next();
    response.writeHead(200, { ...headers, 'content-type': 'application/x-ndjson' });
    for (let next = first; next.done !== true; next = await views.next())
      response.write(`${JSON.stringify(next.value)}\n`);
    response.end();
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const { status, message } = problemOf(error, log);
      if (response.headersSent) response.destroy();
      else sendJson(response, status, { message } satisfies Problem);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new PortInUse(
              `Port ${port} is in use by another program. Choose another one: --port ${port + 1}`,
            )
          : error,
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(value));
}

/** Closes the server and what pages still listen to. */
export const closeConsole = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
