import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVING_TOKEN_HEADER } from '../../../ml/serving/token';
import { freePort } from '../free-port';
import { unpack } from '../archives';
import type { Context } from '../context';
import { lastMeaningfulLine, logSize, tail } from '../logs';
import { download, parseS3Uri } from '../objects';
import type { Program } from '../processes';
import { messageOf } from '../protocol';
import { containerEnvironment } from './container';
import { imageFor } from './images';
import type { Model } from './models';
import { arnOf } from './names';

/** A running serving program. */
export interface Server {
  readonly url: string;
  /** Headers that our serving program requires, because every user of this machine can reach its port. */
  readonly headers: Readonly<Record<string, string>>;
  readonly variantName: string;
  /** Whether the program has not ended. */
  alive(): boolean;
  stop(): Promise<void>;
}

/** A serving program writes nothing, so it only has to finish open responses. */
const GRACE_SECONDS = 5;

/**
 * Starts a model's serving program for an endpoint or a transform job, with the argument `serve`, and waits until
 * /ping returns 200.
 * Throws with the reason when that takes longer than the limit. The program is then ended and its files are removed.
 */
export async function startServer(
  context: Context,
  name: string,
  variantName: string,
  model: Model,
  kind: 'endpoints' | 'transforms' = 'endpoints',
): Promise<Server> {
  const root = context.path('endpoints', `${name}-${randomUUID().slice(0, 8)}`);
  const logFile = context.path('logs', kind, `${name}.log`);
  const logStart = logSize(logFile);
  const removeFolder = () => rm(root, { recursive: true, force: true });
  let program: Program | undefined;
  try {
    await fetchModel(context, model, root);
    const address = { port: await freePort(), token: randomBytes(32).toString('base64url') };
    program = await launch(context, model, root, address, logFile);
    const server = new RunningServer(
      `http://127.0.0.1:${address.port}`,
      { [SERVING_TOKEN_HEADER]: address.token },
      variantName,
      program,
      removeFolder,
    );
    await answersPing(server, context.limits.pingTimeoutSeconds);
    return server;
  } catch (error) {
    await program?.stop(GRACE_SECONDS);
    await removeFolder();
    const output = program ? ` Its output: ${lastMeaningfulLine(tail(logFile, logStart))}` : '';
    throw new Error(`${messageOf(error)}${output}`, { cause: error });
  }
}

class RunningServer implements Server {
  private running = true;
  private readonly removed: Promise<void>;

  constructor(
    readonly url: string,
    readonly headers: Readonly<Record<string, string>>,
    readonly variantName: string,
    private readonly program: Program,
    removeFolder: () => Promise<void>,
  ) {
    this.removed = program.exited.then(() => {
      this.running = false;
      return removeFolder();
    });
  }

  alive(): boolean {
    return this.running;
  }

  async stop(): Promise<void> {
    await this.program.stop(GRACE_SECONDS);
    await this.removed;
  }
}

async function fetchModel(context: Context, model: Model, root: string): Promise<void> {
  const { ModelName, ExecutionRoleArn, PrimaryContainer } = model.request;
  const s3 = context
    .role({
      roleArn: ExecutionRoleArn,
      service: 'sagemaker.amazonaws.com',
      sessionName: 'SageMaker',
      sourceArn: arnOf('model', ModelName),
    })
    .s3();
  try {
    const archive = join(root, 'tmp', 'model.tar.gz');
    await download(s3, parseS3Uri(PrimaryContainer.ModelDataUrl), archive);
    await mkdir(join(root, 'model'), { recursive: true });
    await unpack(archive, join(root, 'model'));
    await rm(archive);
  } catch (error) {
    throw new Error(`Could not load model data: ${messageOf(error)}.`, { cause: error });
  } finally {
    s3.destroy();
  }
}

function launch(
  context: Context,
  model: Model,
  root: string,
  { port, token }: { port: number; token: string },
  logFile: string,
): Promise<Program> {
  const { Image, Environment } = model.request.PrimaryContainer;
  const image = imageFor(Image, context.projectRoot, {
    python: context.python,
    node: process.execPath,
  });
  const [command = '', ...args] = image.entrypoint;
  return context.processes.start({
    command,
    args: [...args, 'serve'],
    cwd: image.workingFolder,
    env: {
      ...Environment,
      ...containerEnvironment(root, image.environment),
      HOST: '127.0.0.1',
      PORT: String(port),
      SERVING_TOKEN: token,
    },
    logFile,
  });
}

async function answersPing(server: Server, timeoutSeconds: number): Promise<void> {
  const end = Date.now() + timeoutSeconds * 1000;
  while (server.alive() && Date.now() < end) {
    const status = await fetch(`${server.url}/ping`, {
      headers: server.headers,
      signal: AbortSignal.timeout(2000),
    }).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await sleep(100);
  }
  const how = server.alive()
    ? `did not answer /ping with 200 within ${timeoutSeconds} s`
    : 'ended before it answered /ping';
  throw new Error(`The primary container did not pass the ping health check: it ${how}.`);
}
