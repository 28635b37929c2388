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
import { ModelPackages } from './sagemaker/packages';
import { invoke, invokedEndpoint } from './sagemaker/runtime';
import { TagStore } from './sagemaker/tags';
import { TrainingJobs } from './sagemaker/training';
import { TransformJobs } from './sagemaker/transforms';
import { visible } from '../../session/visible';

export type { GatewayOptions } from './options';

export interface Gateway {
  /** `http://127.0.0.1:<port>`, the address that all clients use. */
  readonly url: string;
  /** Ends all jobs and serving processes, then stops listening. */
  close(): Promise<void>;
}

const MAX_JSON_BODY = 10 * 1024 * 1024;
/** CloudFormation itself accepts 4 KB. */
const MAX_CFN_RESPONSE = 64 * 1024;
/** Seconds that a training job has to end when the cloud stops. */
const CLOSE_GRACE_SECONDS = 3;
/** Folders of running jobs and endpoints. At the start, their contents are left from a killed process. */
const SCRATCH = ['jobs', 'training', 'transforms', 'endpoints'];

/**
 * Starts the gateway, the address of the embedded cloud. It authenticates callers, answers Glue's crawlers and job
 * runs, SageMaker and its runtime itself, passes `/_x/` to the X API stub and everything else to the launcher.
 * The launcher must already be running. Throws when the port is taken (`code: 'EADDRINUSE'`).
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer();
  const url = await listen(server, options.port);
  const port = Number(new URL(url).port);
  const home = resolve(options.home);
  // Only after listening: if another gateway of the same home had the port, it would still use these folders.
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
      // In parallel: an endpoint's deployment ends only when its program ends.
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
  /** Operations by their X-Amz-Target header. */
  readonly operations: ReadonlyMap<string, { service: string; act: Operation }>;
  private readonly crawlers: Crawlers;
  private readonly jobs: Jobs;
  private readonly training: TrainingJobs;
  private readonly transforms: TransformJobs;

  constructor(context: Context) {
    const definitions = new Definitions(context.launcher);
    const tags = new TagStore(context);
    const models = new Models(context, tags);
    const configs = new EndpointConfigs(context, tags, models);
    const packages = new ModelPackages(context, tags);
    this.crawlers = new Crawlers(context, definitions);
    this.jobs = new Jobs(context, definitions);
    this.training = new TrainingJobs(context, tags);
    this.transforms = new TransformJobs(context, tags, models);
    this.endpoints = new Endpoints(context, tags, models, configs);
    const glue = [this.crawlers, this.jobs].flatMap(({ operations }) => Object.entries(operations));
    const sageMaker = [
      this.training,
      this.transforms,
      models,
      configs,
      packages,
      this.endpoints,
      tags,
    ].flatMap(({ operations }) => Object.entries(operations));
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
      this.transforms.close(),
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
 * Answers one request. Two kinds need no signature: the X API stub, which requires its bearer token, and the
 * responses of custom resources, whose path is a secret. Every other request must be signed by root, a user or a
 * role, and is refused before its body is read if not.
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
          'The X API stub is not running: this cloud was started without it.',
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

/** More than any XML document that S3 accepts: the largest, DeleteObjects, names 1,000 keys. */
const MAX_S3_DOCUMENT = 4 * 1024 * 1024;

/** Returns the request if it conforms to its service's model. Throws AwsError if it does not. */
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
  // The SDKs keep connections for a minute. Closing earlier could fail a request that is just being sent.
  server.keepAliveTimeout = 65_000;
  // No time limit: uploads and invocations may take long.
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
