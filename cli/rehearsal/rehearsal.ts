import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../embedded/gateway/free-port';
import { boot, type Cloud } from '../../embedded/cloud/boot';
import { clientsFor, embedded, type Clients, type Connection } from '../../session/clients';
import { run as runTool } from '../../embedded/cloud/deploy';
import { clientEnvironment, type Workspace } from '../../session/workspace';
import { emulatorToken } from '../../embedded/cloud/root-secret';
import { createAdministrator, type AccessKey } from './administrator';
import { StepFailed } from './step-failed';

export interface Ended {
  /** The exit code; null if the command was killed. */
  readonly code: number | null;
  readonly output: string;
}

const shownLines = 20;
/** More than any command takes here. */
const limitMillis = 20 * 60_000;

/** Variables that could lead to the user's own account, lake or X developer account: not passed on. */
const foreign = /^(AWS_|X_BEARER_TOKEN$|X_API_BASE_URL$|X_FAULTS$|X_DRIFT$|LAKE_|CDK_)/;

/** An empty embedded cloud of its own, and the commands that a person would type. */
export class Rehearsal {
  private constructor(
    private readonly workspace: Workspace,
    /** The folder of all its files. */
    readonly home: string,
    readonly cloud: Cloud,
    private readonly key: AccessKey,
    readonly connection: Connection,
    /** Clients with the administrator's credentials. */
    readonly clients: Clients,
  ) {}

  /** Starts the cloud in a new folder and creates the administrator. */
  static async start({ root, env, signal }: Pick<Workspace, 'root' | 'env' | 'signal'>) {
    const home = mkdtempSync(join(tmpdir(), 'lake-rehearsal-'));
    const recorded = Rehearsal.recordIn(home);
    const own = Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)));
    const workspace: Workspace = {
      root,
      home: join(home, 'cloud'),
      port: await freePort(),
      env: own,
      signal,
    };
    mkdirSync(workspace.home, { recursive: true });
    // The program of the endpoint; on AWS the image build creates it.
    await runTool(
      workspace,
      'Building the serving program',
      process.execPath,
      ['ml/serving/build.mjs'],
      own,
      () => undefined,
    );
    const cloud = await boot({ ...workspace, env: { ...own, LAKE_RECORD_CALLS: recorded } });
    try {
      const root = embedded(cloud.url, cloud.rootSecret);
      const key = await createAdministrator(root);
      const connection = { ...root, credentials: key };
      return new Rehearsal(workspace, home, cloud, key, connection, clientsFor(connection));
    } catch (error) {
      await cloud.stop();
      throw error;
    }
  }

  private static recordIn(home: string): string {
    return join(home, 'calls.jsonl');
  }

  /** Path of the launcher's record of calls. */
  get recorded(): string {
    return Rehearsal.recordIn(this.home);
  }

  get signal(): AbortSignal {
    return this.workspace.signal;
  }

  /** Base URL of the X API stub and the bearer token that it accepts. */
  get x(): { url: string; token: string } {
    return { url: `${this.cloud.url}/_x/2/`, token: emulatorToken(this.cloud.rootSecret) };
  }

  /** Runs `npm run <args>` as the administrator. */
  npmRun(...args: string[]): Promise<Ended> {
    return this.node('cli/setup/main.mjs', args);
  }

  /** Runs the CDK's command line in a folder without an app: `cdk bootstrap` needs none. */
  cdk(...args: string[]): Promise<Ended> {
    return this.node('node_modules/aws-cdk/bin/cdk', ['--no-notices', ...args], this.home);
  }

  /** Returns a command's output. Throws StepFailed unless it ends with `code` and prints all of `says`. */
  async must(
    args: readonly string[],
    { code = 0, says = [], todo }: { code?: number; says?: readonly string[]; todo: string },
  ): Promise<string> {
    const ended = await this.npmRun(...args);
    const where = describeCommand(args);
    const missing = says.filter((text) => !ended.output.includes(text));
    if (ended.code === code && missing.length === 0) return ended.output;
    throw new StepFailed(
      ended.code === code
        ? `it did not print ${missing.map((text) => JSON.stringify(text)).join(', ')}`
        : `it ended with code ${ended.code ?? 'none (killed)'}, but ${code} was expected`,
      where,
      todo,
      ended.output.trimEnd().split('\n').slice(-shownLines),
    );
  }

  private node(
    program: string,
    args: readonly string[],
    cwd = this.workspace.root,
  ): Promise<Ended> {
    const child = spawn(process.execPath, [join(this.workspace.root, program), ...args], {
      cwd,
      env: {
        ...this.workspace.env,
        ...clientEnvironment(this.cloud.url, this.key.secretAccessKey),
        AWS_ACCESS_KEY_ID: this.key.accessKeyId,
        AWS_EC2_METADATA_DISABLED: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
        CDK_DISABLE_VERSION_CHECK: 'true',
        LAKE_HOME: join(this.home, 'person'),
      },
      // Without an input, questions fail.
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const read = (data: Buffer) => (output += data.toString());
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const stop = () => child.kill('SIGTERM');
    const timer = setTimeout(stop, limitMillis);
    this.signal.addEventListener('abort', stop);
    return new Promise((done, failed) => {
      child.once('error', failed);
      child.once('close', (code) => {
        clearTimeout(timer);
        this.signal.removeEventListener('abort', stop);
        done({ code, output });
      });
    });
  }

  async stop(): Promise<void> {
    await this.cloud.stop();
  }

  /** Deletes its folder. */
  clear(): void {
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** The command as a person types it, long values shortened. */
export const describeCommand = ([script = '', ...args]: readonly string[]): string =>
  `npm run ${script}${script === 'lake' || args.length > 0 ? ' --' : ''} ${args
    .map((arg) => (arg.length > 60 ? `${arg.slice(0, 57)}…` : arg))
    .map((arg) => (/^[\w./:=@-]+$/.test(arg) ? arg : `'${arg}'`))
    .join(' ')}`.trimEnd();
