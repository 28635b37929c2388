import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Model, Prediction } from './model';
import { isAllowed } from './token';
import { formatOf, MAX_BODY_BYTES, RequestError, textsOf, type Format } from './requests';

/**
 * `GET /ping` and `POST /invocations`, as SageMaker requires of a container. Every request calls `model`: while it
 * returns null, the model is still loading and /ping answers 503. With a `token`, requests without it in
 * `x-serving-token` get 403.
 */
export function createApp(model: () => Model | null, token?: string): Server {
  // A client keeps an idle connection for up to a minute (the AWS SDKs, nginx); a server that closes it earlier breaks
  // the request that is on its way.
  return createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    if (!isAllowed(request, token)) {
      response.setHeader('connection', 'close');
      sendJson(response, 403, { error: 'the serving token is missing or wrong' });
      return;
    }
    answer(request, response, model()).catch((error: unknown) => {
      // The client disconnected during its upload: there is nobody to answer, and this is not an error.
      if (request.destroyed && !request.complete) return;
      const known = error instanceof RequestError;
      if (!known)
        console.error(
          `request failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      sendJson(response, known ? error.status : 500, {
        error: known ? error.message : 'internal error, see the log',
      });
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  model: Model | null,
): Promise<void> {
  const pathname = pathOf(request.url ?? '/');
  if (pathname === '/ping') {
    requireMethod(request, response, 'GET');
    if (model)
      sendJson(response, 200, { model_version: model.version, model_digest: model.digest });
    else sendJson(response, 503, { error: 'the model is still loading' });
    return;
  }
  if (pathname !== '/invocations')
    throw new RequestError(404, `no such path: ${pathname}; there are /ping and /invocations`);
  requireMethod(request, response, 'POST');
  const format = formatOf(request.headers['content-type']);
  const texts = textsOf(await readBody(request), format);
  if (!model) return sendJson(response, 503, { error: 'the model is still loading' });
  const predictions = await model.predict(texts);
  // SageMaker passes this header on to the caller.
  response.setHeader('x-amzn-sagemaker-custom-attributes', `model_digest=${model.digest}`);
  sendPredictions(response, format, model, predictions);
}

/** The path of a request; some targets, such as `//[`, are not valid in a URL and match none of our paths. */
function pathOf(target: string): string {
  const base = 'http://localhost';
  return URL.canParse(target, base) ? new URL(target, base).pathname : target;
}

function requireMethod(
  request: IncomingMessage,
  response: ServerResponse,
  method: 'GET' | 'POST',
): void {
  if (request.method === method) return;
  response.setHeader('allow', method);
  throw new RequestError(
    405,
    `${request.method ?? 'this method'} is not allowed here; use ${method}`,
  );
}

/**
 * Reads the complete body. A body that is too large is read to its end and dropped, because a client that is still
 * sending would see a broken connection instead of the error. A body of ten times the limit is cut off.
 */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else if (bytes > 10 * MAX_BODY_BYTES) request.destroy();
  }
  if (bytes > MAX_BODY_BYTES) {
    throw new RequestError(413, `the body is over ${MAX_BODY_BYTES} bytes`);
  }
  return Buffer.concat(chunks);
}

function sendPredictions(
  response: ServerResponse,
  format: Format,
  { version, digest }: Model,
  predictions: Prediction[],
): void {
  if (format === 'application/json') {
    sendJson(response, 200, { model_version: version, model_digest: digest, predictions });
    return;
  }
  response.writeHead(200, { 'content-type': 'application/jsonlines' });
  response.end(
    predictions
      .map((prediction) => `${JSON.stringify({ model_version: version, ...prediction })}\n`)
      .join(''),
  );
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
