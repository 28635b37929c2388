import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Model, Prediction } from './model';
import { tokenCheck } from './token';
import { formatOf, MAX_BODY_BYTES, RequestError, textsOf, type Format } from './requests';

/**
 * `GET /ping` and `POST /invocations`, as SageMaker requires of a container. Every request calls `model`: while it
 * returns null, the model is still loading and /ping answers 503. With a `token`, requests without it in
 * `x-serving-token` get 403.
 */
export function createApp(model: () => Model | null, token?: string): Server {
  const isAllowed = tokenCheck(token);
  const held = { bytes: 0 };
  // A client keeps an idle connection for up to a minute (the AWS SDKs, nginx); a server that closes it earlier breaks
  // the request that is on its way.
  const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    const send = ({ status, type = 'application/json', body }: Answer) => {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      // A client that kept its connection would keep a server that shuts down waiting.
      if (!server.listening) response.setHeader('connection', 'close');
      // With a length, the answer is one write to the network; without, Node sends it in chunks.
      response.writeHead(status, {
        'content-type': type,
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
    };
    if (!isAllowed(request)) {
      response.setHeader('connection', 'close');
      send(json(403, { error: 'the serving token is missing or wrong' }));
      return;
    }
    answer(request, response, model(), held).then(send, (error: unknown) => {
      // The client disconnected during its upload: there is nobody to answer, and this is not an error.
      if (request.destroyed && !request.complete) return;
      const known = error instanceof RequestError;
      if (!known)
        console.error(
          `request failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      send(
        json(known ? error.status : 500, {
          error: known ? error.message : 'internal error, see the log',
        }),
      );
    });
  });
  return server;
}

interface Answer {
  readonly status: number;
  /** Default JSON. */
  readonly type?: Format;
  readonly body: string;
}

const json = (status: number, value: unknown): Answer => ({ status, body: JSON.stringify(value) });

/** Bytes of bodies that are being received, over all requests. */
interface Held {
  bytes: number;
}

/** Ten of the largest bodies. More are rejected, so that memory stays bounded. */
const MAX_HELD_BYTES = 10 * MAX_BODY_BYTES;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  model: Model | null,
  held: Held,
): Promise<Answer> {
  const pathname = pathOf(request.url ?? '/');
  if (pathname === '/ping') {
    requireMethod(request, response, 'GET');
    return model
      ? json(200, { model_version: model.version, model_digest: model.digest })
      : json(503, { error: 'the model is still loading' });
  }
  if (pathname !== '/invocations')
    throw new RequestError(404, `no such path: ${pathname}; there are /ping and /invocations`);
  requireMethod(request, response, 'POST');
  const format = formatOf(request.headers['content-type']);
  const texts = textsOf(await readBody(request, held), format);
  if (!model) return json(503, { error: 'the model is still loading' });
  const predictions = await model.predict(texts);
  // SageMaker passes this header on to the caller.
  response.setHeader('x-amzn-sagemaker-custom-attributes', `model_digest=${model.digest}`);
  return { status: 200, type: format, body: bodyOf(format, model, predictions) };
}

/** The path of a request; some targets, such as `//[`, are not valid in a URL and match none of our paths. */
function pathOf(target: string): string {
  if (target === '/invocations' || target === '/ping') return target;
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
 * Reads the complete body. A body that cannot be kept is read to its end and dropped, because a client that is still
 * sending would see a broken connection instead of the error. A body of ten times the limit is cut off.
 */
function readBody(request: IncomingMessage, held: Held): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    let kept = 0;
    let problem: RequestError | undefined;
    const release = () => {
      held.bytes -= kept;
      kept = 0;
    };
    const drop = (error: RequestError) => {
      problem ??= error;
      chunks = [];
      release();
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES)
        drop(new RequestError(413, `the body is over ${MAX_BODY_BYTES} bytes`));
      else if (held.bytes + chunk.length > MAX_HELD_BYTES)
        drop(
          new RequestError(
            503,
            `the program is busy: it is receiving ${held.bytes} bytes; send the request again later`,
          ),
        );
      if (bytes > 10 * MAX_BODY_BYTES) request.destroy();
      if (problem) return;
      chunks.push(chunk);
      kept += chunk.length;
      held.bytes += chunk.length;
    });
    request.on('end', () => {
      release();
      if (problem) reject(problem);
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    request.on('error', reject);
    // Also after `end`, when both do nothing.
    request.on('close', () => {
      release();
      reject(new Error('the client disconnected during its upload'));
    });
  });
}

function bodyOf(format: Format, { version, digest }: Model, predictions: Prediction[]): string {
  if (format === 'application/json') {
    const head = JSON.stringify({ model_version: version, model_digest: digest });
    const list = predictions.map((prediction) => `{${fieldsOf(prediction)}}`).join(',');
    return `${head.slice(0, -1)},"predictions":[${list}]}`;
  }
  const head = JSON.stringify({ model_version: version }).slice(0, -1);
  return predictions.map((prediction) => `${head},${fieldsOf(prediction)}}\n`).join('');
}

/** As JSON.stringify writes them, in half of its time: a label needs no escapes, and the numbers are finite. */
function fieldsOf({ label, probabilities, unknownWords }: Prediction): string {
  const { negative, neutral, positive } = probabilities;
  return `"label":"${label}","probabilities":{"negative":${negative},"neutral":${neutral},"positive":${positive}},"unknown_words":${unknownWords}`;
}
