import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { importBundledLabels } from '../../cli/labels/bundled';
import { freePort } from '../../embedded/gateway/free-port';
import type { ArchivedPost } from '../../embedded/x-api/archive';
import { authors } from '../../embedded/x-api/authors';
import { serveXApi } from '../../embedded/x-api/handler';
import { indexed } from '../../embedded/x-api/query';
import { idAt } from '../../embedded/x-api/snowflake';
import type { Session } from '../../session/session';
import type { Workspace } from '../../session/workspace';
import { type RunReport, TrainModelOutput } from '../../workflows/payloads';
import { openLake, reportOf, runToEnd, silentScreen } from './lake-in-process';

/*
 * Nightly runs of a lake that gets no new tweets: the second trains nothing, nor does one after the days were cleaned
 * again to the same rows; one after a setting of the gate was changed trains, and is decided on by the new setting.
 */
const POSTS = 60;
const folder = mkdtempSync(join(tmpdir(), 'lake-skip-training-'));
const root = join(folder, 'project');
const repository = process.cwd();
const stop = new AbortController();
let workspace: Workspace;
let session: Session;

/** Old posts, and none that come later. */
const now = Date.now() - 2 * 3600 * 1000;
const posts: ArchivedPost[] = Array.from({ length: POSTS }, (_, index) => {
  const createdAt = now - index * 1000;
  const author = authors[index % authors.length];
  if (author === undefined) throw new Error('there are no authors');
  const text = `good morning ${index}, #tea for @ada: ${index % 2 === 0 ? 'I love it' : 'I hate it'}`;
  return {
    id: idAt(createdAt, 1 + index),
    text,
    lang: 'en',
    createdAt,
    author,
    searchable: indexed({ text, lang: 'en', username: author.username }),
    metrics: { retweet_count: 1, reply_count: 0, like_count: 0, quote_count: 0 },
  };
});
const x = createServer(
  serveXApi({ posts, release: () => 0 }, { requestsPerWindow: 1_000_000 }),
).listen(0, '127.0.0.1');

/** The project with other settings, as a person changes them: its other files are links. */
function projectWith(settings: object): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  for (const name of readdirSync(repository).filter((name) => !name.startsWith('.lake')))
    if (name !== 'cdk.json') symlinkSync(join(repository, name), join(root, name));
  const cdk = z
    .looseObject({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(join(repository, 'cdk.json'), 'utf8')));
  cdk.context['settings'] = JSON.stringify(settings);
  writeFileSync(join(root, 'cdk.json'), JSON.stringify(cdk));
}

async function open(settings: object): Promise<void> {
  projectWith(settings);
  session = await openLake(workspace);
}

beforeAll(async () => {
  await once(x, 'listening');
  const address = x.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  workspace = {
    root,
    home: join(folder, 'lake'),
    port: await freePort(),
    env: {
      ...process.env,
      X_API_BASE_URL: `http://127.0.0.1:${port}/2/`,
      X_BEARER_TOKEN: 'of-the-drill',
    },
    signal: stop.signal,
  };
  await open({});
  await importBundledLabels(workspace, session, silentScreen);
}, 300_000);

afterAll(async () => {
  await session?.close();
  x.closeAllConnections();
  x.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}, 60_000);

/** A nightly run: what its training came to, and its report. */
async function night(): Promise<{ train: TrainModelOutput; report: RunReport; jobs: number }> {
  const ended = await runToEnd(workspace, session, {
    training: { epochs: 1, start_from: 'scratch' },
  });
  const outputs = ended.events.flatMap(({ state, output }) =>
    state === 'Train the model' && output !== undefined ? [output] : [],
  );
  const trained = outputs.map(
    (output) => z.looseObject({ train: TrainModelOutput }).parse(JSON.parse(output)).train,
  );
  const train = trained.at(-1);
  if (train === undefined) throw new Error('The run did not come to its training.');
  return {
    train,
    report: await reportOf(session, ended),
    jobs: trained.filter(({ status }) => status === 'RUNNING').length,
  };
}

let first: string;

test('the first run trains, and the second, with nothing new, starts no job and says why', async () => {
  const { train: trained } = await night();
  const { train, report, jobs } = await night();

  expect(trained.status).toBe('DONE');
  first = trained.status === 'DONE' ? trained.jobName : '';
  const reason = `${first} was trained on the same tweets, labels and options, for a gate with the same settings`;
  expect([train, jobs]).toEqual([{ status: 'SKIPPED', reason }, 0]);
  expect(report.summary).toContain(`no new training: ${reason}`);
  expect(report).not.toHaveProperty('gate');
}, 300_000);

test('after a replay to the same rows a job starts, finds that it would learn the same, and ends', async () => {
  const day = new Date(now).toISOString().slice(0, 10);
  const before = new Date(now - POSTS * 1000).toISOString().slice(0, 10);
  await runToEnd(workspace, session, { mode: 'replay', from: before, to: day, stream: false });

  const { train, jobs } = await night();

  expect(jobs).toBeGreaterThan(0);
  expect(train).toMatchObject({
    status: 'SKIPPED',
    reason: expect.stringMatching(
      new RegExp(
        `^${first} was trained on the same [1-9]\\d* labels, .* though days or files changed$`,
      ),
    ),
  });
}, 300_000);

test('after a setting of the gate was changed, the next run trains, and the gate decides by it', async () => {
  await session.close();
  await open({ evaluation: { minHeldOutRows: 123 } });

  const { train, report } = await night();

  expect(train).toMatchObject({ status: 'DONE', jobName: expect.not.stringContaining(first) });
  expect(report.gate?.[0]).toMatch(/needed: at least 123,/);
}, 400_000);
