import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListExecutionsCommand, paginateGetExecutionHistory } from '@aws-sdk/client-sfn';
import { rootSecretOf } from '../../embedded/cloud/root-secret';
import { idAt } from '../../functions/x/ids';
import { clientsFor, embedded, type Clients } from '../../session/clients';
import { findOutputs } from '../../session/stack';
import { MAX_STATE_BYTES } from '../../workflows/payloads';
import { Person, type Command } from './person';

/*
 * An import, a replay and a forget that span 400 days, with a power cut in the middle of the replay: each is one
 * execution, far below Step Functions' limits, and ends.
 */
const DAYS = 400;
const TWEETS_A_DAY = 5;
const AUTHOR = '2100007919';
const MAX_EVENTS = 25_000;

let person: Person;
let up: Command;
const pause = (millis: number) => new Promise((done) => setTimeout(done, millis));

const days = Array.from({ length: DAYS }, (_, index) =>
  new Date(Date.now() - (DAYS - index) * 86_400_000).toISOString().slice(0, 10),
);
const [first = ''] = days;
const last = days.at(-1) ?? '';

async function startUp(): Promise<void> {
  up = person.run(['up']);
  for (let look = 0; !up.output().includes('Ctrl-C ends it') && look < 1200; look += 1)
    await pause(250);
}

const clients = (): Clients =>
  clientsFor(embedded(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home)));

/** Of the executions whose names begin so: how many there are, their largest state, and their longest history. */
async function sizes(name: string) {
  const { sfn, cloudFormation } = clients();
  const outputs = await findOutputs(cloudFormation, 'local');
  const { executions = [] } = await sfn.send(
    new ListExecutionsCommand({ stateMachineArn: outputs?.StateMachineArn }),
  );
  const found = { executions: 0, bytes: 0, events: 0 };
  for (const { name: each, executionArn } of executions) {
    if (!each?.startsWith(name)) continue;
    found.executions += 1;
    let events = 0;
    for await (const page of paginateGetExecutionHistory({ client: sfn }, { executionArn })) {
      for (const event of page.events ?? []) {
        events += 1;
        const { input = '' } = event.stateEnteredEventDetails ?? {};
        const { output = '' } = event.stateExitedEventDetails ?? {};
        found.bytes = Math.max(found.bytes, Buffer.byteLength(input), Buffer.byteLength(output));
      }
    }
    found.events = Math.max(found.events, events);
  }
  process.stdout.write(`${name} ${JSON.stringify(found)}\n`);
  return found;
}

async function mustBeSmall(name: string): Promise<void> {
  const { executions, bytes, events } = await sizes(name);
  expect(executions).toBe(1);
  expect(bytes).toBeLessThan(MAX_STATE_BYTES / 8);
  expect(events).toBeLessThan(MAX_EVENTS / 8);
}

const publishedRows = async (): Promise<[string | undefined, string | undefined]> => {
  const { output } = await person.lake(
    'sql',
    'select count(distinct dt) as days, count(*) as n from tweets',
  );
  const [, there, rows] = /^ *(\d+) +(\d+)$/m.exec(output) ?? [];
  return [there, rows];
};

beforeAll(async () => {
  person = await Person.arrive('long-span');
  await startUp();
}, 400_000);

afterAll(() => person.leave(), 60_000);

test('an import of 400 days, in no order, publishes each of them', async () => {
  const lines = days.flatMap((day, index) =>
    Array.from({ length: TWEETS_A_DAY }, (_, tweet) => {
      const at = new Date(Date.parse(`${day}T10:00:00Z`) + tweet * 60_000);
      const author_id = tweet === 0 ? AUTHOR : String(3_000_000 + ((index * 7 + tweet) % 500));
      const text = `day ${index} was a good one, number ${tweet} of it`;
      return { id: idAt(at), author_id, created_at: at.toISOString(), lang: 'en', text };
    }),
  );
  const inNoOrder = lines.map((_, index) => lines[(index * 701) % lines.length]);
  const file = join(person.home, 'span.ndjson');
  writeFileSync(file, inNoOrder.map((line) => JSON.stringify(line)).join('\n'));

  const { code, output } = await person.lake('import-tweets', file);

  expect([code, output]).toEqual([0, expect.stringMatching(/import-\S+ SUCCEEDED/)]);
  expect(await publishedRows()).toEqual([String(DAYS), String(DAYS * TWEETS_A_DAY)]);
  await mustBeSmall('import-');
}, 900_000);

test('a replay of them that a power cut interrupts is redriven to its end', async () => {
  const replay = person.run(['lake', 'replay', '--from', first, '--to', last], /Spark is cleaning/);
  await replay.ended;
  const ended = up.ended;
  person.interrupt();
  await ended;
  await startUp();

  const { code, output } = await person.lake('redrive');

  expect([code, output]).toEqual([0, expect.stringMatching(/replay-\S+ SUCCEEDED/)]);
  expect(output).not.toContain('Ingest tweets');
  expect(output).toMatch(/400 days with 2,000 rows published, 400 of them replace/);
  await mustBeSmall('replay-');
}, 900_000);

test('an author who wrote every day is erased with one more replay', async () => {
  const { code, output } = await person.lake('forget', '--author', AUTHOR);

  expect([code, output]).toEqual([0, expect.stringContaining('Record of this call')]);
  expect((await sizes('replay-')).executions).toBe(2);
  expect(await publishedRows()).toEqual([String(DAYS), String(DAYS * (TWEETS_A_DAY - 1))]);
}, 900_000);
