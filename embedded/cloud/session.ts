import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeDiskError } from '../../session/files';
import type { boot } from './boot';
import { clearOldRuns, keepLogsSmall } from './logs';
import { clientsFor, embedded, type Clients, type Connection } from '../../session/clients';
import { deploy, stubUrl, tweetSource } from './deploy';
import { region as localRegion, type Workspace } from '../../session/workspace';
import { holderOf, lockHome, type Command, type Held, type Holder } from './lock';
import { keepNoteFresh, lastSign, readNote, removeNote, writeNote } from './note';
import { rootSecretOf } from './root-secret';
import { peopleOf } from '../../session/people';
import { findOutputs, type Outputs } from '../../session/stack';
import type { Session } from '../../session/session';
import { UserError } from '../../session/user-error';

/** A session with a lake in the embedded cloud. */
export interface LocalSession extends Session {
  url: string;
  /** Lets other commands join this session's lake, as they join that of `npm run up`; nothing for a session that joined one. */
  keepUp: () => void;
}

export interface SessionOptions {
  command: Command;
  /** Whether the session may join a running `npm start`: true for commands that only read. */
  mayShareRun: boolean;
  /** Whether an existing pipeline is used without deploying: true for commands that only read, to be quick. */
  asItIs: boolean;
  say: (line: string) => void;
  /** Called with each progress line of a deployment; the terminal shows only the latest. */
  progress: (line: string) => void;
}

/** How long to wait for another process to end its lake, or to get it ready. */
const endMillis = 12_000;
const readyMillis = 8 * 60_000;

const nameOf: Record<Command, string> = {
  start: 'npm start',
  up: 'npm run up or a console',
  lake: 'npm run lake',
};

const who = ({ command, pid }: Holder): string => `${nameOf[command]} (process ${pid})`;

const localSession = (connection: Connection, clients: Clients, outputs: Outputs) => ({
  environment: 'local' as const,
  region: localRegion,
  endpoint: connection.endpoint ?? null,
  connection,
  clients,
  people: peopleOf(connection, clients.sts, outputs, 'local'),
  outputs,
});

/** Joins the lake that another process runs, once it is ready; undefined when that process ends first. */
async function attach(
  workspace: Workspace,
  holder: Holder,
  say: (line: string) => void,
): Promise<LocalSession | undefined> {
  const deadline = Date.now() + readyMillis;
  let announced = false;
  while (Date.now() < deadline && holderOf(workspace.home)?.pid === holder.pid) {
    const note = readNote(workspace.home);
    if (note?.pid === holder.pid && note.ready) {
      const url = `http://127.0.0.1:${note.port}`;
      const connection = embedded(url, rootSecretOf(workspace.home));
      const clients = clientsFor(connection);
      const outputs = await findOutputs(clients.cloudFormation, 'local');
      if (!outputs)
        throw new UserError(
          `The lake of ${who(holder)} has no complete pipeline. Stop that command and start it again.`,
        );
      const wanted = tweetSource(workspace);
      if (!wanted.standIn && wanted.url !== note.tweetsFrom) {
        throw new UserError(
          `The lake of ${who(holder)} reads its tweets from ${note.tweetsFrom}. Stop that command and start it again with X_API_BASE_URL and X_BEARER_TOKEN.`,
        );
      }
      return {
        ...localSession(connection, clients, outputs),
        url,
        usesXStub: note.tweetsFrom === stubUrl(note.port),
        keepUp: () => undefined,
        close: async () => undefined,
      };
    }
    if (!announced) say(`Waiting until ${who(holder)} has the lake ready.`);
    announced = true;
    await sleep(300, undefined, { signal: workspace.signal });
  }
  return undefined;
}

async function ended(workspace: Workspace, holder: Holder, millis: number): Promise<boolean> {
  const deadline = Date.now() + millis;
  while (Date.now() < deadline) {
    if (holderOf(workspace.home)?.pid !== holder.pid) return true;
    await sleep(200, undefined, { signal: workspace.signal });
  }
  return false;
}

/**
 * Opens a session: joins the lake that `npm run up` runs in this folder, or boots one that lasts as long as the
 * session. Throws UserError when another command uses the folder and its lake cannot be joined.
 */
export async function openSession(
  workspace: Workspace,
  options: SessionOptions,
): Promise<LocalSession> {
  const { command, mayShareRun, say } = options;
  for (;;) {
    const lock = lockHome(workspace.home, command);
    if ('release' in lock) return bootSession(workspace, options, lock);

    const { holder } = lock;
    if (
      command !== 'up' &&
      (holder.command === 'up' || (holder.command === 'start' && mayShareRun))
    ) {
      const session = await attach(workspace, holder, say);
      if (session) return session;
      continue;
    }
    // A command that was just interrupted takes a few seconds to end.
    const patience = holder.command === 'lake' ? readyMillis : endMillis;
    say(
      `${who(holder)} is using ${workspace.home}; waiting up to ${Math.round(patience / 1000)} s until it ends.`,
    );
    if (!(await ended(workspace, holder, patience))) {
      throw new UserError(
        holder.command === 'up'
          ? `The lake in ${workspace.home} is already running: ${who(holder)}. Use it with npm run lake, or stop it first.`
          : `${who(holder)} is still using ${workspace.home}. Wait until it ends, or choose another folder with LAKE_HOME.`,
      );
    }
  }
}

/**
 * Launcher and gateway take longer to load than a query takes, and who joins a lake that runs needs neither. Not by
 * import(): in a CommonJS module tsx leaves that to Node, which does not find TypeScript.
 */
function loadBoot(): typeof boot {
  const loaded: { boot: typeof boot } = createRequire(__filename)('./boot');
  return loaded.boot;
}

async function bootSession(
  workspace: Workspace,
  options: SessionOptions,
  { release, keepUp }: Held,
): Promise<LocalSession> {
  let stop = async (): Promise<void> => undefined;
  let endBeat = (): void => undefined;
  let endRotation = (): void => undefined;
  const killedAfter = lastSign(workspace.home);
  const close = async () => {
    await stop();
    endBeat();
    endRotation();
    removeNote(workspace.home);
    release();
  };
  try {
    const { url: tweetsFrom, standIn } = tweetSource(workspace);
    const note = { pid: process.pid, port: workspace.port, tweetsFrom };
    writeNote(workspace.home, { ...note, ready: false });
    endBeat = keepNoteFresh(workspace.home, (error) =>
      workspace.end?.(
        new UserError(
          `The lake in ${workspace.home} stops, because its folder cannot be written: ${describeDiskError(error) ?? String(error)}`,
        ),
      ),
    );
    clearOldRuns(workspace.home);
    endRotation = keepLogsSmall(workspace.home);
    const cloud = await loadBoot()(workspace);
    stop = cloud.stop;
    const connection = embedded(cloud.url, cloud.rootSecret);
    const clients = clientsFor(connection);
    const existing = options.asItIs
      ? await findOutputs(clients.cloudFormation, 'local')
      : undefined;
    const outputs = existing ?? (await deploy(workspace, cloud, clients, options.progress));
    writeNote(workspace.home, { ...note, ready: true });
    return {
      ...localSession(connection, clients, outputs),
      url: cloud.url,
      usesXStub: standIn,
      killedAfter,
      keepUp,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
