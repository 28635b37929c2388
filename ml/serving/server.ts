import { join } from 'node:path';
import { createApp } from './app';
import { Model } from './model';

/**
 * The endpoint's program: `node server.cjs serve`, in the container and on a laptop alike.
 * Environment: ML_ROOT (default /opt/ml), PORT (8080), HOST (0.0.0.0: SageMaker calls from outside the container),
 * SERVING_TOKEN (none: what callers must send, see token.ts),
 * MODEL_DIGEST (unset of models that were evaluated before there was one: any archive serves).
 */
const folder = join(process.env['ML_ROOT'] ?? '/opt/ml', 'model');
const port = Number(process.env['PORT'] ?? 8080);
const host = process.env['HOST'] ?? '0.0.0.0';

let model: Model | null = null;
const server = createApp(() => model, process.env['SERVING_TOKEN']);

function fail(message: string): never {
  console.error(`serving failed: ${message}`);
  process.exit(1);
}

server.on('error', (error) => fail(`cannot listen on ${host}:${port}: ${error.message}`));
server.listen(port, host);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // Requests under way are answered; idle kept-alive connections would hold the process for ever.
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}

Model.load(folder).then(
  (loaded) => {
    const expected = process.env['MODEL_DIGEST'] || loaded.digest;
    // Never healthy, so that the update of the endpoint fails and what served goes on.
    if (loaded.digest !== expected)
      fail(
        `the archive is not the one that was evaluated: the digest of ${loaded.version} is ${loaded.digest}, MODEL_DIGEST says ${expected}`,
      );
    model = loaded;
    // PORT=0 takes any free port, and whoever started the program reads it here.
    const bound = server.address();
    const actual = typeof bound === 'object' && bound ? bound.port : port;
    process.stdout.write(`serving ${loaded.version} on ${host}:${actual}\n`);
  },
  (error: unknown) => fail(error instanceof Error ? error.message : String(error)),
);
