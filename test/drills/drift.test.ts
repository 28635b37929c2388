import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { records, runSql } from '../../cli/athena';
import { importBundledLabels } from '../../cli/labels/bundled';
import { rootSecretOf } from '../../embedded/cloud/root-secret';
import { freePort } from '../../embedded/gateway/free-port';
import { beyondLimit } from '../../functions/report/drift-measures';
import { lakeName } from '../../infra/naming';
import type { Session } from '../../session/session';
import { account, type Workspace } from '../../session/workspace';
import type { RunReport } from '../../workflows/payloads';
import { alarmStates } from '../support/metrics';
import { openLake, reportOf, runToEnd, silentScreen } from './lake-in-process';

/*
 * People begin to write otherwise: two runs on ordinary tweets raise no alarm, the third sees a new topic in new words,
 * names it and raises the alarm. The tweets are the stub's; Spark, training, endpoint and Athena's SQL are the real ones.
 */
const NEW_WORDS = 'the rizzler dropped skibidi gyatt lore today';
const home = mkdtempSync(join(tmpdir(), 'lake-drift-'));
const stop = new AbortController();
let workspace: Workspace;
let session: Session;

async function open(env: NodeJS.ProcessEnv): Promise<void> {
  workspace = { ...workspace, env: { ...process.env, ...env } };
  session = await openLake(workspace);
}

async function reportOfRun(input: Parameters<typeof runToEnd>[2]): Promise<RunReport> {
  const run = await runToEnd(workspace, session, input);
  const report = await reportOf(session, run);
  process.stdout.write(`${run.name}: ${report.summary}\n${JSON.stringify(report.drift)}\n`);
  return report;
}

/** So many days ago, in UTC. */
const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

/**
 * Searches until the stub has released more posts: it releases some to a search that finds none at all. Each window starts
 * a little before the last one's end, so the first searches after a release find the newest posts again.
 */
async function ingestMore(): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const { summary } = await reportOfRun({ mode: 'ingest' });
    if (/\((?:\d,)?\d{3} written/.test(summary)) return;
    await new Promise((done) => setTimeout(done, 1_000));
  }
  throw new Error('The stub released no posts to 20 searches.');
}

/** The stub's next posts, published and scored by the model in service: nothing is trained. */
async function nextTweets(): Promise<RunReport> {
  await ingestMore();
  return reportOfRun({ mode: 'replay', from: day(1), to: day(0), stream: false });
}

const alarm = async () => {
  const name = lakeName('local', 'drift');
  const asked = {
    url: `http://127.0.0.1:${workspace.port}`,
    credentials: { accessKeyId: account, secretAccessKey: rootSecretOf(workspace.home) },
  };
  return (await alarmStates(asked, [name])).get(name);
};

async function alarmBecomes(wanted: string): Promise<void> {
  for (let look = 0; (await alarm()) !== wanted && look < 120; look += 1)
    await new Promise((done) => setTimeout(done, 250));
  expect(await alarm()).toBe(wanted);
}

beforeAll(async () => {
  workspace = {
    root: process.cwd(),
    home,
    port: await freePort(),
    env: process.env,
    signal: stop.signal,
  };
  await open({});
  await importBundledLabels(workspace, session, silentScreen);
}, 240_000);

afterAll(async () => {
  await session?.close();
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
}, 60_000);

test('runs on ordinary tweets see no drift', async () => {
  const first = await reportOfRun({ training: { epochs: 3, start_from: 'scratch' } });
  const second = await nextTweets();

  expect(first.modelInService).not.toBeNull();
  for (const { drift } of [first, second]) {
    expect(drift).toMatchObject({ status: 'COMPARED' });
    expect(drift && beyondLimit(drift)).toEqual([]);
  }
  await alarmBecomes('OK');
}, 400_000);

test('a run on tweets with a new topic in new words names them, and the alarm goes off', async () => {
  await session.close();
  const script = join(home, 'drift.json');
  writeFileSync(
    script,
    JSON.stringify({ from: `${day(1)}T00:00:00Z`, share: 0.9, text: NEW_WORDS }),
  );
  await open({ X_DRIFT: script });

  const { drift, summary } = await nextTweets();

  const beyond = drift ? beyondLimit(drift) : [];
  expect(beyond.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['a new word', 'words unknown to the model']),
  );
  const word = beyond.find(({ name }) => name === 'a new word')?.change ?? '';
  expect(NEW_WORDS.split(' ')).toContain(/^"(\w+)"/.exec(word)?.[1]);
  expect(summary).toContain(`Drift: the newest tweets differ`);
  await alarmBecomes('ALARM');
  // Recounted by hand, from the tables.
  const [counted] = records(
    await runSql(
      workspace,
      session,
      "select count(*) as n from tweets where contains(tokens, 'rizzler')",
    ),
  );
  const measure = drift?.status === 'COMPARED' ? drift.measures.at(-1) : undefined;
  const share = (100 * Number(counted?.['n'])) / (measure?.newTweets ?? 0);
  expect(word).toContain(`0.0 % before, ${share.toFixed(1)} % now`);
}, 400_000);
