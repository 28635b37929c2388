import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { chromium, type Browser } from 'playwright-core';
import { z } from 'zod';
import { boot, type Cloud } from '../../embedded/cloud/boot';
import { clientsFor, embedded, type Clients } from '../../session/clients';
import type { Workspace } from '../../session/workspace';
import { freePort } from '../../embedded/gateway/free-port';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** A name of somebody else that their name server leads to this machine, once the page is loaded. */
const REBOUND = 'rebound.example';

const home = mkdtempSync(join(tmpdir(), 'lake-browser-'));
const stop = new AbortController();
let cloud: Cloud;
let clients: Clients;
let pages: Server;
let browser: Browser;
let pagesPort: number;

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) {
    throw new Error(
      `This drill needs a browser, and there is no ${CHROMIUM}: apt-get install -y chromium, ` +
        'or say with CHROMIUM=/path/to/chromium where it is.',
    );
  }
  const workspace: Workspace = {
    root: resolve(__dirname, '..', '..'),
    home,
    port: await freePort(),
    env: process.env,
    signal: stop.signal,
  };
  cloud = await boot(workspace);
  clients = clientsFor(embedded(cloud.url, cloud.rootSecret));
  await clients.s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
  await clients.secrets.send(
    new CreateSecretCommand({ Name: 'x-token', SecretString: 'the token of X' }),
  );
  pages = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<title>Nice page</title>');
  });
  pagesPort = await freePort();
  await new Promise((done) => pages.listen(pagesPort, '127.0.0.1', () => done(undefined)));
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`,
      // Newer ones ask before a page may reach this machine: not all browsers do.
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
    ],
  });
}, 180_000);

afterAll(async () => {
  await browser?.close();
  pages?.close();
  await cloud?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** What the page's script saw of each answer; no status where the browser kept it from it. */
const Attempts = z.array(z.strictObject({ status: z.number().nullable(), text: z.string() }));
type Attempt = z.infer<typeof Attempts>[number];

const script = readFileSync(join(__dirname, 'page-attack.mjs'), 'utf8').replace(
  /^[^]*?export (?=async function)/,
  '',
);

async function attackFrom(page: string, target: string): Promise<Attempt[]> {
  const tab = await browser.newPage();
  try {
    await tab.goto(page);
    return Attempts.parse(await tab.evaluate(`(${script})(${JSON.stringify(target)})`));
  } finally {
    await tab.close();
  }
}

async function expectUntouched(attempts: Attempt[]): Promise<void> {
  expect(attempts).toHaveLength(9);
  expect(attempts.filter(({ status }) => status !== null && status < 400)).toEqual([]);
  expect(attempts.filter(({ text }) => text.includes('the token of X'))).toEqual([]);
  const { Buckets = [] } = await clients.s3.send(new ListBucketsCommand({}));
  expect(Buckets.map(({ Name }) => Name)).toEqual(['kept']);
  const lambda = new LambdaClient(embedded(cloud.url, cloud.rootSecret));
  expect((await lambda.send(new ListFunctionsCommand({}))).Functions).toEqual([]);
}

test('a page on another port of this machine can do nothing, and read nothing', async () => {
  await expectUntouched(await attackFrom(`http://127.0.0.1:${pagesPort}/`, cloud.url));
}, 60_000);

test('a page of another site can do nothing, and read nothing', async () => {
  await expectUntouched(await attackFrom(`http://${REBOUND}:${pagesPort}/`, cloud.url));
}, 60_000);

test('a page whose name was rebound to the lake, and so has no other origin, can do nothing', async () => {
  const rebound = cloud.url.replace('127.0.0.1', REBOUND);

  // The refusal itself is the page: from it everything is same-origin, and no answer is kept from it.
  await expectUntouched(await attackFrom(`${rebound}/`, rebound));
}, 60_000);

test('the browser of this drill does send such requests: a server without our door gets them', async () => {
  const got: string[] = [];
  const open = createServer((request, response) => {
    got.push(`${request.method} ${request.url?.split('?')[0]}`);
    response.setHeader('access-control-allow-origin', '*').end('{}');
  });
  const port = await freePort();
  await new Promise((done) => open.listen(port, '127.0.0.1', () => done(undefined)));

  await attackFrom(`http://127.0.0.1:${pagesPort}/`, `http://127.0.0.1:${port}`);

  open.closeAllConnections();
  open.close();
  expect(got).toEqual(
    expect.arrayContaining(['POST /2015-03-31/functions', 'POST /_ministack/reset', 'GET /kept']),
  );
}, 60_000);
