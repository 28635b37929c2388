import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from '../context';
import { publish } from '../metrics';
import { ACCOUNT, REGION } from '../options';
import { AwsError, limited, messageOf } from '../protocol';
import type { Caller } from '../protocol';
import type { Endpoints } from './endpoints';
import { arnOf } from './names';
import type { Server } from './serving';

/** SageMaker's limit for an invocation's body, in bytes. */
const MAX_BODY = 6 * 1024 * 1024;
const CUSTOM_ATTRIBUTES = 'x-amzn-sagemaker-custom-attributes';
const PATH = /^\/endpoints\/([a-zA-Z0-9-]{1,63})\/invocations$/;

/** The endpoint that a request invokes; undefined for other requests, also for an S3 bucket named `endpoints`. */
export function invokedEndpoint(req: IncomingMessage, service: string): string | undefined {
  if (req.method !== 'POST' || service !== 'sagemaker') return undefined;
  return PATH.exec(req.url ?? '')?.[1];
}

/** Answers SageMaker runtime's InvokeEndpoint. Throws AwsError. */
export async function invoke(
  context: Context,
  endpoints: Endpoints,
  name: string,
  { req, caller, body }: { req: IncomingMessage; caller: Caller; body: Buffer },
  res: ServerResponse,
): Promise<void> {
  await context.iam.authorize(caller, 'sagemaker:InvokeEndpoint', arnOf('endpoint', name));
  limited(body, MAX_BODY);
  const server = await serverOf(endpoints, name);
  const { status, headers, content } = await measured(context, name, server, () =>
    call(context, server, req, body),
  );
  if (status < 200 || status > 299) throw modelError(status, content.toString('utf8'), name);
  const attributes = headers.get(CUSTOM_ATTRIBUTES);
  res.writeHead(200, {
    'Content-Type': headers.get('content-type') ?? 'application/octet-stream',
    'Content-Length': content.length,
    'x-Amzn-Invoked-Production-Variant': server.variantName,
    ...(attributes ? { [CUSTOM_ATTRIBUTES]: attributes } : {}),
  });
  res.end(content);
}

async function serverOf(endpoints: Endpoints, name: string): Promise<Server> {
  let server: Server | undefined;
  try {
    server = await endpoints.serving(name);
  } catch (error) {
    throw new AwsError(
      'ServiceUnavailable',
      `The endpoint ${name} could not be started: ${messageOf(error)}`,
      503,
    );
  }
  if (!server)
    throw new AwsError('ValidationError', `Endpoint ${name} of account ${ACCOUNT} not found.`);
  return server;
}

interface ModelAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly content: Buffer;
}

/**
 * Returns the model's response and publishes the endpoint's metrics, as on the page "Monitor Amazon SageMaker AI with
 * Amazon CloudWatch". From memory: a missing response counts as a 5XX error.
 */
async function measured(
  context: Context,
  EndpointName: string,
  { variantName: VariantName }: Server,
  answer: () => Promise<ModelAnswer>,
): Promise<ModelAnswer> {
  const begun = performance.now();
  let status = 500;
  try {
    const response = await answer();
    ({ status } = response);
    return response;
  } finally {
    publish(
      context,
      'AWS/SageMaker',
      { EndpointName, VariantName },
      {
        Invocations: [1, 'None'],
        Invocation4XXErrors: [Number(status >= 400 && status < 500), 'None'],
        Invocation5XXErrors: [Number(status >= 500), 'None'],
        ModelLatency: [Math.round((performance.now() - begun) * 1000), 'Microseconds'],
      },
    );
  }
}

/** Calls the serving program. Throws ModelError when it does not answer in time or ends. */
async function call(
  context: Context,
  server: Server,
  req: IncomingMessage,
  body: Buffer,
): Promise<ModelAnswer> {
  const passedOn = ['content-type', 'accept', CUSTOM_ATTRIBUTES].flatMap(
    (header): [string, string][] => {
      const value = req.headers[header];
      return typeof value === 'string' ? [[header, value]] : [];
    },
  );
  passedOn.push(...Object.entries(server.headers));
  const signal = AbortSignal.timeout(context.limits.invocationTimeoutSeconds * 1000);
  try {
    const response = await fetch(`${server.url}/invocations`, {
      method: 'POST',
      headers: passedOn,
      body: new Uint8Array(body),
      signal,
    });
    return {
      status: response.status,
      headers: response.headers,
      content: Buffer.from(await response.arrayBuffer()),
    };
  } catch (error) {
    throw new AwsError(
      'ModelError',
      signal.aborted
        ? `Invocation timed out while waiting for a response from container ${server.variantName}`
        : `The container ended: ${messageOf(error)}`,
      424,
      { OriginalStatusCode: signal.aborted ? 0 : 500, OriginalMessage: messageOf(error) },
    );
  }
}

function modelError(status: number, message: string, endpoint: string): AwsError {
  const kind = status < 500 ? 'client' : 'server';
  return new AwsError(
    'ModelError',
    `Received ${kind} error (${status}) from primary with message "${message}". See logs/endpoints/${endpoint}.log in account ${ACCOUNT} for more information.`,
    424,
    {
      ErrorCode: status < 500 ? 'CLIENT_ERROR_FROM_MODEL' : 'SERVER_ERROR_FROM_MODEL',
      OriginalStatusCode: status,
      OriginalMessage: message,
      LogStreamArn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/sagemaker/Endpoints/${endpoint}`,
    },
  );
}
