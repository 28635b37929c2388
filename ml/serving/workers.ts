import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { loadNetwork, type Network, type NetworkOptions, type Texts } from './network';

/** What a worker thread gets first. */
const Content = z.strictObject({
  content: z.instanceof(Uint8Array),
  padId: z.number(),
  cuts: z.boolean(),
});

/** What a worker thread sends: once when its network is loaded, then one for each call. */
const Message = z.union([
  z.strictObject({ probabilities: z.instanceof(Float32Array) }),
  z.strictObject({ loaded: z.literal(true) }),
  z.strictObject({ error: z.string() }),
]);

/**
 * A network in a thread of its own, so that a run does not block the requests. `program` is the file that calls
 * `workNetwork` in a worker thread. A thread that ends later calls `ended`: its runs will never be answered.
 */
export async function startWorker(
  program: string,
  content: Uint8Array,
  options: NetworkOptions,
  ended: (reason: string) => void,
): Promise<Network> {
  const worker = new Worker(program, {
    workerData: { content, ...options },
  });
  const next = async () => Message.parse((await once(worker, 'message'))[0]);
  // `once` rejects with the error of a thread that fails.
  const first = await next();
  if ('error' in first) throw new Error(`the network cannot be loaded: ${first.error}`);
  worker.on('error', (error) => ended(error.stack ?? error.message));
  worker.on('exit', (code) => ended(`it exited with code ${code}`));
  return {
    async run({ ids, lengths }) {
      const answer = next();
      worker.postMessage({ ids, lengths } satisfies Texts, [ids.buffer, lengths.buffer]);
      const message = await answer;
      if ('probabilities' in message) return message.probabilities;
      throw new Error('error' in message ? message.error : 'the worker thread was started again');
    },
  };
}

/** The program of a worker thread. */
export async function workNetwork(): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('not in a worker thread');
  const send = (message: z.infer<typeof Message>) => port.postMessage(message);
  try {
    const { content, ...options } = Content.parse(workerData);
    const network = await loadNetwork(content, options);
    port.on('message', (texts: Texts) => {
      network.run(texts).then(
        (probabilities) => send({ probabilities }),
        (error: unknown) => send({ error: messageOf(error) }),
      );
    });
    send({ loaded: true });
  } catch (error) {
    send({ error: messageOf(error) });
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
