import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { BUCKET, TestCloud } from './cloud';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await TestCloud.start({
    xApi: (req, res) => res.end(`stand-in saw ${req.url}`),
  });
});
afterAll(() => cloud.stop());

/** A request as it is written, without a client that would tidy its path up. */
function raw(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(cloud.url);
  return new Promise((resolve, reject) => {
    const req = request({ hostname, port, path, method }, (res) => {
      let body = '';
      res.on('data', (chunk) => (body += chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
    });
    req.on('error', reject);
    req.end();
  });
}

test('a large object that is streamed in chunks comes back byte for byte', async () => {
  const bytes = randomBytes(5 * 1024 * 1024);
  const chunks = Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]);

  await cloud.s3().send(
    new PutObjectCommand({
      Bucket: BUCKET,
      Key: 'big',
      Body: chunks,
      ContentLength: bytes.length,
    }),
  );

  expect(bytes.equals(await cloud.get('big'))).toBe(true);
});

test('a key with spaces, plus signs and Unicode keeps its name', async () => {
  const key = 'a b/c+d/é=ü/%41';
  await cloud.put(key, 'x');

  const { ContentLength } = await cloud
    .s3()
    .send(new HeadObjectCommand({ Bucket: BUCKET, Key: key }));

  expect(ContentLength).toBe(1);
});

test('errors of the embedded AWS keep their names', async () => {
  await expect(
    cloud.s3().send(new GetObjectCommand({ Bucket: BUCKET, Key: 'missing' })),
  ).rejects.toThrow(NoSuchKey);
});

test('services that the gateway does not answer itself are passed on', async () => {
  const { Arn } = await new STSClient(cloud.client()).send(new GetCallerIdentityCommand({}));

  expect(Arn).toBe('arn:aws:iam::000000000000:root');
});

test.each([
  '/_lake/health',
  '/_lake',
  '//_lake/health',
  '/%5Flake/health',
  '/_lake%2Fhealth',
  'http://127.0.0.1/_lake/health',
])('the launcher behind it cannot be reached as %s', async (path) => {
  const { status, body } = await raw(path);

  expect(status).toBe(404);
  expect(body).not.toContain('ministack');
});

test('everything below /_x/ goes to the X stand-in, with its whole URL', async () => {
  expect((await raw('/_x/2/tweets/search/recent?query=a')).body).toBe(
    'stand-in saw /_x/2/tweets/search/recent?query=a',
  );
});

test('a second gateway on the same port is refused', async () => {
  await expect(cloud.startGateway()).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('without the launcher the answer is a 502 that says what to do', async () => {
  const alone = await TestCloud.start();
  await alone.stopLauncher();

  const response = await fetch(`${alone.url}/some-bucket`);

  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({
    __type: 'BadGateway',
    message: expect.stringMatching(/ECONNREFUSED.*npm start/),
  });
  await alone.stop();
});
