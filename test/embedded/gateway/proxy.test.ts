import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { send, signed } from '../../support/signed';
import { BUCKET, TestCloud } from './cloud';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await TestCloud.start({
    xApi: (req, res) => res.end(`stand-in saw ${req.url}`),
  });
});
afterAll(() => cloud.stop());

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

test('everything below /_x/ goes to the X stand-in, with its whole URL', async () => {
  expect((await send(cloud.url, { path: '/_x/2/tweets/search/recent?query=a' })).body).toBe(
    'stand-in saw /_x/2/tweets/search/recent?query=a',
  );
});

test('a second gateway on the same port is refused', async () => {
  await expect(cloud.startGateway()).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('without the launcher the answer is a 502 that says what to do', async () => {
  const alone = await TestCloud.start();
  await alone.stopLauncher();

  const asked = await signed(
    alone.url,
    { path: '/some-bucket', headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
    { credentials: alone.root, service: 's3' },
  );
  const answer = await send(alone.url, asked);

  expect(answer.status).toBe(502);
  expect(JSON.parse(answer.body)).toMatchObject({
    __type: 'BadGateway',
    message: expect.stringMatching(/ECONNREFUSED.*npm start/),
  });
  await alone.stop();
});
