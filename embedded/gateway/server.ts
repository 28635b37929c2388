import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { Calls } from './calls/check';
import { Models as ApiModels } from './calls/models';
import { Context } from './context';
import { authenticate, checkHash, otherService } from './door/authenticate';
import type { SignedRequest } from './door/authenticate';
import { CFN_RESPONSE, checkDoor, checkPath, rawPath } from './door/door';
import { sendRefusal } from './door/refusal';
import { Crawlers } from './glue/crawlers';
import { Definitions } from './glue/definitions';
import { Jobs } from './glue/jobs';
import { Iam } from './identity';
import { defaultLimits } from './options';
import type { GatewayOptions } from './options';
import { Processes } from './processes';
import { AwsError, limited, parseJson, readBody, sendError, sendJson } from './protocol';
import type { Operation } from './protocol';
import { Proxy } from './proxy';
import { EndpointConfigs } from './sagemaker/endpoint-configs';
import { Endpoints } from './sagemaker/endpoints';
import { Models } from './sagemaker/models';
import { invoke, invokedEndpoint } from './sagemaker/runtime';
import { TagStore } from './sagemaker/tags';
import { TrainingJobs } from './sagemaker/training';
import { visible } from '../../session/visible';

export type { GatewayOptions } from './options';

export interface Gateway {
  /** `http://127.0.0.1:<port>`: the address everyone uses. */
  readonly url: string;
  /** Ends all jobs and serving processes and stops listening. */
  close(): Promise<void>;
}

const MAX_JSON_BODY = 10 * 1024 * 1024;
/** CloudFormation takes 4 KB. */
const MAX_CFN_RESPONSE = 64 * 1024;
/** How long a training job gets to end when the whole cloud stops. */
const CLOSE_GRACE_SECONDS = 3;
/** Folders of running jobs and endpoints; whatever a kill left there belongs to nobody. */
const SCRATCH = ['jobs', 'training', 'endpoints'];

/**
 * Starts the address of the embedded cloud: it checks who calls, answers Glue's crawlers and job runs,
 * SageMaker and its runtime itself, gives `/_x/` to the X stand-in, and passes everything else on to the launcher.
 * The launcher has to answer before. Throws when the port is taken (`code: 'EADDRINUSE'`).
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer();
  const url = await listen(server, options.port);
  const port = Number(new URL(url).port);
  const home = resolve(options.home);
  // Only now that the port is ours: another gateway of the same home would still use them.
  for (const folder of SCRATCH) rmSync(resolve(home, folder), { recursive: true, force: true });

  const processes = new Processes();
  const context = new Context(
    new Iam(options.launcher, options.rootSecret),
    processes,
    url,
    options.launcher,
    home,
    resolve(options.projectRoot),
    options.python,
    { ...defaultLimits, ...options.limits },
    options.log ?? ((line) => console.error(visible(`gateway: ${line}`))),
  );
  const services = new Services(context);
  const proxy = new Proxy(options.launcher);
  const calls = new Calls(ApiModels.of(options.python));
  server.on('request', (req, res) => {
    if (options.now) res.setHeader('date', new Date(options.now()).toUTCString());
    serve(req, res, { options, port, context, services, proxy, calls }).catch((error: unknown) =>
      sendError(res, error),
    );
  });
  services.endpoints.resume();

  return {
    url,
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      server.closeIdleConnections();
      // Together: a deployment that waits for its program ends with it.
      await Promise.all([services.close(), processes.close(CLOSE_GRACE_SECONDS)]);
      server.closeAllConnections();
      proxy.close();
      await closed;
    },
  };
}

/** The services that the gateway answers itself. */
class Services {
  readonly endpoints: Endpoints;
  /** By the value of X-Amz-Target. */
  readonly operations: ReadonlyMap<string, { service: string; act: Operation }>;
  private readonly crawlers: Crawlers;
  private readonly jobs: Jobs;
  private readonly training: TrainingJobs;

  constructor(context: Context) {
    const definitions = new Definitions(context.launcher);
    const tags = new TagStore(context);
    const models = new Models(context, tags);
    const configs = new EndpointConfigs(context, tags, models);
    this.crawlers = new Crawlers(context, definitions);
    this.jobs = new Jobs(context, definitions);
    this.training = new TrainingJobs(context, tags);
    this.endpoints = new Endpoints(context, tags, models, configs);
    const glue = [this.crawlers, this.jobs].flatMap(({ operations }) => Object.entries(operations));
    const sageMaker = [this.training, models, configs, this.endpoints, tags].flatMap(
      ({ operations }) => Object.entries(operations),
    );
    this.operations = new Map([
      ...glue.map(([name, act]) => entry(`AWSGlue.${name}`, 'glue', act)),
      ...sageMaker.map(([name, act]) => entry(`SageMaker.${name}`, 'sagemaker', act)),
    ]);
  }

  async close(): Promise<void> {
    await Promise.all([
      this.crawlers.close(),
      this.jobs.close(),
      this.training.close(CLOSE_GRACE_SECONDS),
      this.endpoints.close(),
    ]);
  }
}

const entry = (target: string, service: string, act: Operation) =>
  [target, { service, act }] as const;

interface Routes {
  readonly options: GatewayOptions;
  readonly port: number;
  readonly context: Context;
  readonly services: Services;
  readonly proxy: Proxy;
  readonly calls: Calls;
}

/**
 * What is let in without a signature: the X emulator, which asks for its bearer token, and the answers of custom
 * resources, whose path is a secret. All else is signed by root, a user or a role, or refused before it is read.
 */
async function serve(req: IncomingMessage, res: ServerResponse, routes: Routes): Promise<void> {
  const { options, port, context, proxy, calls } = routes;
  const refuse = (error: AwsError) => sendRefusal(req, res, error);
  let signed: SignedRequest;
  try {
    checkDoor(req, port);
    const path = rawPath(req);
    if (path.startsWith('/_x/')) {
      if (!options.xApi)
        throw new AwsError(
          'NotFound',
          'The X API stand-in is not running: this cloud was started without it.',
          404,
        );
      options.xApi(req, res);
      return;
    }
    if (req.method === 'PUT' && CFN_RESPONSE.test(path)) {
      const body = await readBody(req, MAX_CFN_RESPONSE);
      proxy.forward(req, res, { accessKeyId: '', body }, refuse);
      return;
    }
    checkPath(path);
    signed = await checked(calls, req, await authenticate(context.iam, req, options.now?.()));
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    refuse(error);
    return;
  }
  await route(req, res, signed, routes, refuse);
}

/** A document for S3 that AWS takes is smaller: DeleteObjects names a thousand keys. */
const MAX_S3_DOCUMENT = 4 * 1024 * 1024;

/** The request, once the model of its service has nothing against it. Throws AwsError. */
async function checked(
  calls: Calls,
  req: IncomingMessage,
  signed: SignedRequest,
): Promise<SignedRequest> {
  const { method = 'GET', url = '/', headers } = req;
  const { service, body, sha256 } = signed;
  const call = { method, url, headers, service };
  if (body !== undefined || !calls.hasDocument(call)) {
    calls.check({ ...call, body });
    return signed;
  }
  const document = await readBody(req, MAX_S3_DOCUMENT);
  if (sha256 !== undefined) checkHash(document, sha256);
  calls.check({ ...call, body: document });
  return { ...signed, body: document };
}

async function route(
  req: IncomingMessage,
  res: ServerResponse,
  { caller, service, body, sha256 }: SignedRequest,
  { context, services, proxy }: Routes,
  refuse: (error: AwsError) => void,
): Promise<void> {
  const endpoint = invokedEndpoint(req, service);
  if (endpoint !== undefined && body !== undefined)
    return invoke(
      context,
      services.endpoints,
      endpoint,
      { req, caller: { ...caller, api: 'sagemaker:InvokeEndpoint' }, body },
      res,
    );

  const target = req.headers['x-amz-target'];
  const operation = typeof target === 'string' ? services.operations.get(target) : undefined;
  if (operation) {
    if (service !== operation.service) {
      refuse(otherService(service));
      return;
    }
    const api = `${service}:${target?.toString().split('.').at(-1) ?? ''}`;
    sendJson(res, await operation.act(parseJson(limited(body, MAX_JSON_BODY)), { ...caller, api }));
    return;
  }
  if (typeof target === 'string' && target.startsWith('SageMaker.')) {
    throw new AwsError(
      'UnknownOperationException',
      `The embedded cloud has no operation ${target}.`,
      404,
    );
  }
  proxy.forward(req, res, { accessKeyId: caller.accessKeyId, body, sha256 }, refuse);
}

function listen(server: HttpServer, port: number): Promise<string> {
  // The SDKs keep connections for a minute; closing first would fail a request that meets the close.
  server.keepAliveTimeout = 65_000;
  // An upload or a long invocation has no time limit of ours.
  server.requestTimeout = 0;
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address && typeof address === 'object') done(`http://127.0.0.1:${address.port}`);
      else failed(new Error(`no address after listening on port ${port}`));
    });
  });
}
