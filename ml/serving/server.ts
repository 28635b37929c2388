import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { createApp } from './app';
import { Model } from './model';
import type { Network, NetworkOptions } from './network';
import { startWorker, workNetwork } from './workers';

/**
 * The endpoint's program: `node server.cjs serve`, in the container and on a laptop. Environment:
 * - ML_ROOT: default /opt/ml
 * - PORT: default 8080
 * - HOST: default 0.0.0.0, because SageMaker calls from outside the container
 * - SERVING_TOKEN: the token that callers must send, see token.ts; default none
 * - MODEL_DIGEST: the digest of the evaluated model; without it (models of old releases) any archive serves
 */
const folder = join(process.env['ML_ROOT'] ?? '/opt/ml', 'model');
const port = Number(process.env['PORT'] ?? 8080);
const host = process.env['HOST'] ?? '0.0.0.0';

function fail(message: string): never {
  console.error(`serving failed: ${message}`);
  process.exit(1);
}

function serve(): void {
  let model: Model | null = null;
  const server = createApp(() => model, process.env['SERVING_TOKEN']);
  server.on('error', (error) => fail(`cannot listen on ${host}:${port}: ${error.message}`));
  server.listen(port, host);

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Open requests are answered. Idle kept-alive connections would keep the process running for ever.
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
  }

  Model.load(folder, oneForEachCore).then(
    (loaded) => {
      const expected = process.env['MODEL_DIGEST'] || loaded.digest;
      // The program never becomes healthy: the update of the endpoint fails, and the old model keeps serving.
      if (loaded.digest !== expected)
        fail(
          `the archive is not the one that was evaluated: the digest of ${loaded.version} is ${loaded.digest}, MODEL_DIGEST says ${expected}`,
        );
      model = loaded;
      // PORT=0 takes any free port; the caller reads it from this line.
      const bound = server.address();
      const actual = typeof bound === 'object' && bound ? bound.port : port;
      process.stdout.write(`serving ${loaded.version} on ${host}:${actual}\n`);
    },
    (error: unknown) => fail(error instanceof Error ? error.message : String(error)),
  );
}

/** Each thread has a copy of the network, and of nothing else. */
function oneForEachCore(network: Buffer, options: NetworkOptions): Promise<Network[]> {
  const ended = (reason: string) => fail(`a thread of the network ended: ${reason}`);
  return Promise.all(
    Array.from({ length: availableParallelism() }, () =>
      startWorker(__filename, network, options, ended),
    ),
  );
}

if (isMainThread) serve();
else void workNetwork();
