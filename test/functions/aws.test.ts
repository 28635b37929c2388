import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { types } from 'node:util';
import { GetCrawlerCommand, GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { aws, isPassing } from '../../functions/shared/aws';
import { getText, putJsonIf } from '../../functions/lake/objects';
import { step } from '../../functions/shared/step';
import { StepError } from '../../workflows/errors';

// Jest's modules have globals of their own: an error that Node's core makes would be no `Error` to the SDK, which
// then keeps neither its name nor its code.
const isInstance = Function.prototype[Symbol.hasInstance];
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, value: unknown) {
    return this === Error ? types.isNativeError(value) : isInstance.call(this, value);
  },
});

// The embedded cloud neither throttles nor breaks, so a server of the test's own does.
let server: Server;
let answer: (response: ServerResponse, request: IncomingMessage) => void;
let requests: number;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests += 1;
    request.resume();
    request.on('end', () => answer(response, request));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = z.custom<AddressInfo>().parse(server.address());
  url = `http://127.0.0.1:${port}`;
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
  });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = 0;
  process.env['AWS_ENDPOINT_URL'] = url;
  jest.spyOn(console, 'info').mockReturnValue();
});

const json =
  (status: number, type: string, message = 'no') =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'x-amzn-requestid': 'r-1', 'x-amzn-errortype': type });
    response.end(JSON.stringify({ __type: type, message }));
  };

/** A step that asks Glue one thing. */
const call = (milliseconds?: number, requestTimeoutMs = 300) => {
  const glue = aws(GlueClient, { requestTimeoutMs });
  const act = step(z.unknown(), z.unknown(), () => glue.send(new GetCrawlerCommand({ Name: 'x' })));
  return act({}, milliseconds === undefined ? undefined : contextOf(milliseconds));
};
const contextOf = (milliseconds: number) => ({ getRemainingTimeInMillis: () => milliseconds });

test.each([
  ['ThrottlingException', 400],
  ['TooManyRequestsException', 400],
  ['ProvisionedThroughputExceededException', 400],
  ['RequestLimitExceeded', 400],
  ['SlowDown', 503],
  ['KMSThrottlingException', 400],
  ['OperationTimeoutException', 400],
  ['InternalServiceException', 500],
  ['Whatever', 501],
])('%s (HTTP %d) ends the step as ServiceBusy', async (type, status) => {
  answer = json(status, type, 'Rate exceeded');

  await expect(call()).rejects.toMatchObject({
    name: 'ServiceBusy',
    message: expect.stringMatching(
      new RegExp(
        `^Glue GetCrawler failed with ${type}: Rate exceeded \\(HTTP ${status}, request id r-1`,
      ),
    ),
  });
});

test.each([
  ['a reset connection', (response: ServerResponse) => response.socket?.destroy()],
  ['no answer within the request timeout', () => undefined],
])('%s ends the step as ServiceBusy, after the three tries of the SDK', async (_, behave) => {
  answer = behave;

  await expect(call()).rejects.toMatchObject({
    name: 'ServiceBusy',
    message: expect.stringMatching(/^Glue GetCrawler failed with TimeoutError.*3 tries/),
  });
  expect(requests).toBe(3);
});

test('a host without an address ends the step as ServiceBusy', async () => {
  process.env['AWS_ENDPOINT_URL'] = 'http://no-such-host.invalid';

  await expect(call(undefined, 5000)).rejects.toMatchObject({
    name: 'ServiceBusy',
    message: expect.stringContaining('no-such-host.invalid'),
  });
});

test('a body that breaks off ends the step as ServiceBusy', async () => {
  answer = (response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half of it');
    setTimeout(() => response.socket?.destroy(), 50);
  };
  const lake = { s3: aws(S3Client), bucket: '127.0.0.1' };

  await expect(step(z.unknown(), z.unknown(), () => getText(lake, 'a'))({})).rejects.toMatchObject({
    name: 'ServiceBusy',
    message: expect.stringMatching(/^S3 GetObject failed/),
  });
});

test.each([
  ['AccessDeniedException', 400],
  ['EntityNotFoundException', 400],
  ['ValidationException', 400],
  ['ResourceLimitExceeded', 400],
])('%s keeps its name: waiting does not help', async (type, status) => {
  answer = json(status, type);

  await expect(call()).rejects.toMatchObject({ name: type });
  expect(requests).toBe(1);
});

test.each([
  ['a bug', new TypeError("Cannot read properties of undefined (reading 'x')")],
  ['an error the step has named', new StepError('CrawlFailed', 'no', { cause: passing() })],
  ['another program that does not answer', Object.assign(new Error(), { code: 'ECONNREFUSED' })],
  ['what is no error', 'ThrottlingException'],
])('%s stays what it is', async (_, thrown) => {
  const failing = step(z.unknown(), z.unknown(), () => Promise.reject(thrown));

  await expect(failing({})).rejects.toBe(thrown);
});

function passing(): Error {
  return Object.assign(new Error('slow down'), { name: 'ThrottlingException', $metadata: {} });
}

test('the SDK says itself that an error is worth another try', () => {
  expect(isPassing(Object.assign(new Error(), { $retryable: {} }))).toBe(true);
  expect(isPassing(new Error('no'))).toBe(false);
});

test('a call that would run out of its time says what it waited for, and ends its requests', async () => {
  const closed = new Promise<void>((resolve) => {
    answer = (response) => response.on('close', resolve);
  });
  const began = performance.now();

  await expect(call(2400, 60_000)).rejects.toMatchObject({
    name: 'OutOfTime',
    message: expect.stringMatching(/It was waiting for: Glue GetCrawler \(for \d+ s\)\.$/),
  });

  expect(performance.now() - began).toBeLessThan(2300);
  await closed;
});

test('what a late call still does fails at its next request', async () => {
  const glue = aws(GlueClient);
  answer = json(200, '');
  let afterwards: Promise<unknown> | undefined;
  const late = step(z.unknown(), z.unknown(), async () => {
    await delay(500);
    afterwards = glue.send(new GetCrawlerCommand({ Name: 'x' }));
    return afterwards;
  });

  await expect(late({}, contextOf(2100))).rejects.toMatchObject({ name: 'OutOfTime' });
  await delay(600);

  await expect(afterwards).rejects.toMatchObject({ name: 'AbortError' });
  expect(requests).toBe(0);
});

test('a call that ends in time is not held up', async () => {
  answer = json(200, '');

  await expect(call(10_000)).resolves.toBeDefined();
});

test('a conditional write that arrived although its answer was lost has succeeded', async () => {
  let stored: Buffer | null = null;
  answer = (response, request) => {
    if (request.method === 'GET') {
      response.writeHead(200, { etag: '"mine"' }).end(stored);
    } else if (stored === null) {
      stored = Buffer.from(`${JSON.stringify({ by: 'us' }, null, 2)}\n`);
      response.socket?.destroy();
    } else {
      response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>');
    }
  };
  const lake = { s3: aws(S3Client), bucket: '127.0.0.1' };

  expect(await putJsonIf(lake, 'champion.json', { by: 'us' }, { ifMatch: '"old"' })).toBe('"mine"');

  stored = Buffer.from('{"by":"another"}');
  expect(await putJsonIf(lake, 'champion.json', { by: 'us' }, { ifMatch: '"old"' })).toBeNull();
});

test('every client of a Lambda is bounded: none is made another way', () => {
  const root = join(__dirname, '../../functions');
  const made = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'aws.ts')
    .flatMap((name) =>
      [...readFileSync(join(root, name), 'utf8').matchAll(/new \w+Client\b/g)].map(
        ([text]) => `${name}: ${text}`,
      ),
    );

  expect(made).toEqual([]);
});
