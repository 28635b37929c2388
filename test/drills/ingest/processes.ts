import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
} from '@aws-sdk/client-kinesis';
import { IngestTweetsOutput } from '../../../workflows/payloads';
import { getBytes, listObjects, type LakeBucket } from '../../../functions/lake/objects';
import { launcherHeaders } from '../../../embedded/gateway/launcher';
import type { LauncherAddress } from '../../../embedded/gateway/options';
import { TestClock } from '../../functions/support/clock';
import type { ServiceFault } from './aws';
import { Killed, type KillPoint } from './incarnation';
import { LATE_SECONDS, Player } from './play';
import type { Script } from './script';
import { QUERIES, type XHost } from './world';

/** Time goes by itself. */
class RealClock extends TestClock {
  override now(): Date {
    return new Date();
  }
}

const PROCESS_MS = 60_000;

/** Stands between a Lambda's process and the cloud: counts, breaks, and kills. */
export class KillingProxy {
  faults = new Map<number, ServiceFault>();
  /** Raw objects that were written twice. */
  readonly overwritten: string[] = [];
  quiet = false;
  private readonly written = new Set<string>();
  private requests = 0;
  private left: { calls: number; when: KillPoint['when']; victim: ChildProcess } | null = null;

  private constructor(
    private readonly server: Server,
    readonly url: string,
    private readonly cloud: LauncherAddress,
  ) {}

  static async start(cloud: LauncherAddress): Promise<KillingProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const proxy = new KillingProxy(server, `http://127.0.0.1:${port}`, cloud);
    server.on('request', (request, response) => void proxy.pass(request, response));
    return proxy;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  restart(faults: Script['s3']): void {
    this.faults = new Map(faults);
    this.requests = 0;
    this.quiet = false;
    this.overwritten.length = 0;
    this.written.clear();
  }

  /** The process ends with its n-th call from now on. */
  aim(kill: KillPoint | null, victim: ChildProcess): void {
    this.left = kill && { calls: kill.call, when: kill.when, victim };
  }

  /** Counts a call; kills now if it is the one. Answers whether the answer is still to be lost. */
  async strike(): Promise<'dead' | 'dies after' | null> {
    if (this.left === null) return null;
    this.left.calls -= 1;
    if (this.left.calls > 0) return null;
    if (this.left.when === 'after') return 'dies after';
    await this.kill();
    return 'dead';
  }

  async kill(): Promise<void> {
    const victim = this.left?.victim;
    this.left = null;
    if (victim && victim.exitCode === null && victim.signalCode === null) {
      const ended = once(victim, 'exit');
      victim.kill('SIGKILL');
      await ended;
    }
  }

  private async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await wholeOf(request);
    const fate = await this.strike();
    if (fate === 'dead') {
      response.destroy();
      return;
    }
    const isCounted = request.method === 'PUT' || request.method === 'POST';
    if (isCounted) this.requests += 1;
    const fault = this.quiet || !isCounted ? undefined : this.faults.get(this.requests);
    if (fault === 'error-500' || fault === 'error-503') {
      const isS3 = request.method === 'PUT';
      response
        .writeHead(fault === 'error-500' ? 500 : 503, {
          'content-type': isS3 ? 'application/xml' : 'application/x-amz-json-1.1',
        })
        .end(isS3 ? '<Error><Code>InternalError</Code></Error>' : '{"__type":"InternalFailure"}');
      return;
    }
    if (fault === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    const answer = await this.forward(request, body);
    const raw = /\/(raw-data\/tweets\/[^?]+)/.exec(request.url ?? '')?.[1];
    if (request.method === 'PUT' && raw && answer.status < 300) {
      if (this.written.has(raw)) this.overwritten.push(raw);
      this.written.add(raw);
    }
    if (fate === 'dies after') await this.kill();
    if (fate === 'dies after' || fault?.startsWith('done-then')) {
      request.socket.resetAndDestroy();
      return;
    }
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  private async forward(request: IncomingMessage, body: Buffer) {
    const { host, port } = hostOf(this.cloud.url);
    const out = httpRequest({
      host,
      port,
      method: request.method,
      path: request.url,
      // The gateway would refuse the Host of this proxy, which is signed.
      headers: { ...request.headers, ...launcherHeaders(this.cloud.token, '000000000000') },
    });
    out.end(body);
    const [answer]: [IncomingMessage] = await new Promise((done, fail) => {
      out.on('response', (message) => done([message]));
      out.on('error', fail);
    });
    return {
      status: answer.statusCode ?? 500,
      headers: answer.headers,
      body: await wholeOf(answer),
    };
  }
}

const hostOf = (url: string): { host: string; port: string } => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port };
};

async function wholeOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

interface Real {
  lake: LakeBucket;
  kinesis: KinesisClient;
  stream: string;
  secret: string;
  forgottenSecret: string;
  proxy: KillingProxy;
  /** The Lambda's code, bundled, and a line that calls its handler. */
  program: string;
}

/** Plays a script with a process for each call of the Lambda, on a real S3 and a real Kinesis. */
export class ProcessPlayer extends Player {
  private run = '';

  constructor(
    script: Script,
    x: XHost,
    private readonly real: Real,
  ) {
    super(script, x, new RealClock(new Date().toISOString()));
    real.proxy.restart(script.s3);
    const serve = this.world.handle;
    x.handler = (request, response) => {
      void real.proxy.strike().then(async (fate) => {
        if (fate === 'dead') response.destroy();
        else serve(request, response);
        if (fate === 'dies after') await real.proxy.kill();
      });
    };
    this.world.watch = ({ params, status, sent, isComplete }) => {
      this.asked(params.get('query') ?? '');
      if (status === 200 && isComplete)
        this.spend(this.run, Math.min(sent.length, Number(params.get('max_results'))));
    };
  }

  /** What the real services hold now, for the verdict. */
  async collect(): Promise<void> {
    const { lake, kinesis, stream, proxy } = this.real;
    for (const { key, etag, modified } of await listObjects(lake, '')) {
      const object = await getBytes(lake, key);
      const body = Buffer.from(object?.bytes ?? []);
      this.s3.objects.set(key, { body, etag, modified });
    }
    this.s3.overwritten.push(...proxy.overwritten);
    const { ShardIterator } = await kinesis.send(
      new GetShardIteratorCommand({
        StreamName: stream,
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'TRIM_HORIZON',
      }),
    );
    const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
    for (const { Data, PartitionKey = '' } of Records) {
      this.kinesis.records.push({
        key: PartitionKey,
        data: Buffer.from(Data ?? []).toString('utf8'),
      });
    }
  }

  protected override async wait(): Promise<void> {
    await sleep(20);
  }

  protected override quiet(): void {
    super.quiet();
    this.real.proxy.quiet = true;
  }

  protected override async invoke(
    run: string,
    kill: KillPoint | null,
    input: unknown,
  ): Promise<IngestTweetsOutput> {
    this.run = run;
    const { proxy, program, lake, stream, secret, forgottenSecret } = this.real;
    const child = spawn(process.execPath, [program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        NODE_NO_WARNINGS: '1',
        AWS_ENDPOINT_URL: proxy.url,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: '000000000000',
        AWS_SECRET_ACCESS_KEY: 'root',
        BUCKET: lake.bucket,
        STREAM_NAME: stream,
        TOKEN_SECRET_ARN: secret,
        FORGOTTEN_SECRET_ARN: forgottenSecret,
        SETTINGS: JSON.stringify({ x: this.settings() }),
      },
    });
    proxy.aim(kill, child);
    const timer = setTimeout(() => child.kill('SIGKILL'), PROCESS_MS);
    child.stdin.end(JSON.stringify(input));
    const [output] = await Promise.all([wholeOf(child.stdout), once(child, 'exit')]);
    clearTimeout(timer);
    if (child.signalCode !== null) throw new Killed(`by ${child.signalCode}`);
    const said: unknown = JSON.parse(output.toString('utf8').trim().split('\n').at(-1) ?? '');
    if (typeof said === 'object' && said !== null && 'failed' in said) {
      const { failed } = said;
      const [name, message] = String(failed).split(/: (.*)/s);
      throw Object.assign(new Error(message), { name });
    }
    return IngestTweetsOutput.parse(said);
  }

  private settings() {
    return {
      apiBaseUrl: this.x.url,
      queries: QUERIES,
      language: null,
      excludeRetweets: false,
      operators: 'core',
      maxTweetsPerRun: 1000,
      maxTweetsPerMonth: this.maxTweetsPerMonth,
      lateTweetSeconds: LATE_SECONDS,
      usdPerPost: 0.005,
      usdPerUser: 0.01,
      authorNames: true,
    };
  }
}
