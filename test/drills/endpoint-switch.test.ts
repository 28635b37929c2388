import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { rootSecretOf } from '../../embedded/cloud/root-secret';
import { embedded } from '../../session/clients';
import { Person, type Command } from './person';

/*
 * Requests go on while the endpoint changes its model: by promotions, by rollbacks, and forward again; with 1, 8 and 32
 * clients. None may fail, and each answer is by one of the two models.
 */
const CLIENTS = [1, 8, 32];
/** A client's requests at most, whatever happens. */
const MOST_REQUESTS = 10_000;
/** Between two requests of a client. Without it 32 clients take both cores, and the training takes minutes. */
const PAUSE_MS = 50;

let person: Person;
let up: Command;
let runtime: SageMakerRuntimeClient;

beforeAll(async () => {
  person = await Person.arrive('switch');
  up = person.run(['up']);
  const deadline = Date.now() + 240_000;
  while (!/The lake is up at/.test(up.output())) {
    if (Date.now() > deadline) throw new Error(up.output());
    await new Promise((go) => setTimeout(go, 300));
  }
  runtime = new SageMakerRuntimeClient(
    embedded(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home)),
  );
  const first = await person.lake('run', '--input', '{"training":{"epochs":4}}');
  expect(first.output).toMatch(/promoted, macro recall/);
}, 600_000);

afterAll(() => person.leave(), 60_000);

const Answer = z.object({ model_version: z.string(), predictions: z.array(z.unknown()).length(1) });

interface Seen {
  versions: Map<string, number>;
  milliseconds: number[];
  failed: string[];
}

/** Asks with so many clients until `change` has ended, and tells what they saw. */
async function under(clients: number, change: Promise<{ output: string }>): Promise<Seen> {
  const seen: Seen = { versions: new Map(), milliseconds: [], failed: [] };
  let isOver = false;
  const ask = async () => {
    for (let asked = 0; asked < MOST_REQUESTS && !isOver; asked += 1) {
      const began = performance.now();
      try {
        const { Body } = await runtime.send(
          new InvokeEndpointCommand({
            EndpointName: 'sentiment-lake-local-serverless',
            ContentType: 'application/json',
            Body: JSON.stringify({ texts: ['what a lovely morning'] }),
          }),
        );
        const { model_version } = Answer.parse(JSON.parse(Body?.transformToString() ?? ''));
        seen.versions.set(model_version, (seen.versions.get(model_version) ?? 0) + 1);
        seen.milliseconds.push(performance.now() - began);
      } catch (error) {
        seen.failed.push(String(error));
      }
      await delay(PAUSE_MS);
    }
  };
  const asking = Array.from({ length: clients }, ask);
  const { output } = await change.finally(() => {
    isOver = true;
  });
  await Promise.all(asking);
  expect(output).toMatch(/ SUCCEEDED in /);
  return seen;
}

const at = (sorted: readonly number[], share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);

function tell(what: string, clients: number, { milliseconds, versions }: Seen): void {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const by = [...versions].map(([version, count]) => `${version} ${count}`).join(', ');
  process.stdout.write(
    `${what}, ${clients} clients: ${sorted.length} requests, none failed; p50 ${at(sorted, 0.5)}, ` +
      `p95 ${at(sorted, 0.95)}, p99 ${at(sorted, 0.99)} ms; by ${by}\n`,
  );
}

const inService = async (): Promise<string> => {
  const { output } = await person.lake('models');
  return /(sl-\S+) ← in service/.exec(output)?.[1] ?? output;
};

test.each(CLIENTS)(
  'a promotion and a rollback under the load of %i clients lose no request',
  async (clients) => {
    const before = await inService();
    // The gate would refuse a model that is no better; the drill is about the switch.
    await person.lake('grant-force', 'a drill of the switch');
    const input = { force: true, training: { epochs: 4, seed: 100 + clients } };
    const promoted = await under(clients, person.lake('retrain', '--input', JSON.stringify(input)));
    const after = await inService();
    tell('promotion', clients, promoted);

    const rolledBack = await under(clients, person.lake('rollback'));
    const again = await inService();
    tell('rollback', clients, rolledBack);

    expect([...promoted.failed, ...rolledBack.failed]).toEqual([]);
    expect(after).not.toBe(before);
    expect(again).toBe(before);
    expect([...promoted.versions.keys()].toSorted()).toEqual([before, after].toSorted());
    expect([...rolledBack.versions.keys()].toSorted()).toEqual([before, after].toSorted());
  },
  420_000,
);

test('rolling back once more goes forward, and a refused or unknown version is never served', async () => {
  const before = await inService();
  const forward = await under(8, person.lake('rollback'));
  const after = await inService();
  tell('roll forward', 8, forward);
  const unknown = await person.lake('rollback', 'sl-20200101-000000000000');

  expect(forward.failed).toEqual([]);
  expect(after).not.toBe(before);
  expect(unknown.code).toBe(1);
  expect(unknown.output).toContain('RollbackRefused');
  expect(unknown.output).toContain('sl-20200101-000000000000 is not registered');
  expect(await inService()).toBe(after);

  const compared = await person.lake('models', 'compare', before, after);
  expect(compared.output).toContain('macro recall');
  expect(compared.output).toMatch(/Of \d+ tweets that both scored, \d+ are read differently/);
}, 300_000);
