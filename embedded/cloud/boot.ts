import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../gateway/free-port';
import { corpusPath, readCorpus } from '../corpus/read-corpus';
import { errorCode } from '../../session/files';
import { launcherHeaders } from '../gateway/launcher';
import type { LauncherAddress } from '../gateway/options';
import { inheritedEnvironment } from '../gateway/processes';
import { startGateway } from '../gateway/server';
import { readDriftScript } from '../x-api/drift';
import { readFaultScript } from '../x-api/faults/script';
import { createXApi } from '../x-api/handler';
import { endChild, exitOf, startChild } from './child';
import { logFile, pythonOf, type Workspace } from '../../session/workspace';
import { appendLog } from './logs';
import { predecessorEnds, rememberLauncher } from './predecessor';
import { emulatorToken, rootSecretOf } from './root-secret';
import { UserError } from '../../session/user-error';

export interface Cloud {
  url: string;
  /** Secret access key of the account's root. */
  rootSecret: string;
  stop: () => Promise<void>;
}

/** Waits until the launcher answers its health check. Throws UserError when it ends first, or after 60 s. */
async function healthy(
  workspace: Workspace,
  launcher: LauncherAddress,
  ended: Promise<number>,
  refusal: () => string | undefined,
): Promise<void> {
  let exitCode: number | undefined;
  void ended.then((code) => (exitCode = code));
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    workspace.signal.throwIfAborted();
    if (exitCode !== undefined) break;
    try {
      const response = await fetch(`${launcher.url}/_lake/health`, {
        headers: launcherHeaders(launcher.token),
      });
      if (response.ok) return;
    } catch {
      // Not listening yet.
    }
    await sleep(100, undefined, { signal: workspace.signal });
  }
  const refused = refusal();
  if (refused !== undefined) throw new UserError(refused);
  const what =
    exitCode === undefined ? 'did not answer within 60 s' : `ended with code ${exitCode}`;
  throw new UserError(`The embedded cloud ${what}. See its log: ${logFile(workspace, 'launcher')}`);
}

/**
 * Starts the launcher and the gateway of a lake. The caller must hold the lock of its folder.
 * Throws UserError when the launcher does not start or the port is taken.
 */
export async function boot(workspace: Workspace): Promise<Cloud> {
  const url = `http://127.0.0.1:${workspace.port}`;
  const faults = workspace.env['X_FAULTS'];
  const script = faults ? readFaultScript(faults) : undefined;
  const changes = workspace.env['X_DRIFT'];
  const drift = changes ? readDriftScript(changes) : undefined;
  await predecessorEnds(workspace);
  const launcherPort = await freePort();
  const address = {
    url: `http://127.0.0.1:${launcherPort}`,
    token: randomBytes(32).toString('base64url'),
  };
  const rootSecret = rootSecretOf(workspace.home);
  let refusal: string | undefined;
  const launcher = startChild(workspace, {
    command: pythonOf(workspace),
    args: [
      '-m',
      'embedded.launcher',
      '--port',
      String(launcherPort),
      '--gateway',
      url,
      '--home',
      workspace.home,
      // Records the calls that each role made, for docs/permissions.md.
      ...(workspace.env['LAKE_RECORD_CALLS']
        ? ['--record-calls', workspace.env['LAKE_RECORD_CALLS']]
        : []),
    ],
    // Without the user's own secrets: X's token and the keys of an AWS account.
    env: { ...inheritedEnvironment(), PYTHONDONTWRITEBYTECODE: '1' },
    input: `${JSON.stringify({ token: address.token, rootSecret })}\n`,
    log: logFile(workspace, 'launcher'),
    guarded: false,
    // The launcher prints one sentence when it cannot start (state of another version, port taken).
    onLine: (line) => {
      refusal = /^launcher: (.+)$/.exec(line)?.[1] ?? refusal;
    },
  });
  if (launcher.pid !== undefined) rememberLauncher(workspace.home, launcher.pid);
  const stopLauncher = () => endChild(launcher, 8_000);
  try {
    await healthy(workspace, address, exitOf(launcher), () => refusal);
    const gateway = await startGateway({
      port: workspace.port,
      launcher: address,
      rootSecret,
      home: workspace.home,
      projectRoot: workspace.root,
      python: pythonOf(workspace),
      log: (line) => appendLog(logFile(workspace, 'gateway'), line),
      xApi: createXApi({
        home: workspace.home,
        readTexts: () => readCorpus(corpusPath(workspace.root)),
        script,
        drift,
        token: emulatorToken(rootSecret),
      }),
    });
    return {
      url,
      rootSecret,
      stop: async () => {
        // Stop the launcher first: it saves running executions as running, so they can be redriven. If the
        // gateway stopped first, the steps would see their jobs end and fail.
        await stopLauncher();
        await gateway.close();
      },
    };
  } catch (error) {
    await stopLauncher();
    if (errorCode(error) === 'EADDRINUSE') {
      throw new UserError(
        `Port ${workspace.port} is in use by another program. Choose another one: LAKE_PORT=${workspace.port + 1}`,
      );
    }
    throw error;
  }
}
