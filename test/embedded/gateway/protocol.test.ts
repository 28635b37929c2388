import { randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import { send, signed } from '../../support/signed';
import { TestCloud } from './cloud';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await TestCloud.start();
});
afterAll(() => cloud.stop());

async function call(target: string, body: string, isSigned = true) {
  const service = target.startsWith('AWSGlue') ? 'glue' : 'sagemaker';
  const raw = {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body,
  };
  const answer = await send(
    cloud.url,
    isSigned ? await signed(cloud.url, raw, { credentials: cloud.root, service }) : raw,
  );
  const parsed: unknown = JSON.parse(answer.body);
  return { ...answer, body: parsed };
}

test('an answer is AWS JSON 1.1 with a request id', async () => {
  const { status, headers, body } = await call('SageMaker.ListTrainingJobs', '{}');

  expect(status).toBe(200);
  expect(headers['content-type']).toBe('application/x-amz-json-1.1');
  expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
  expect(body).toEqual({ TrainingJobSummaries: [] });
});

test.each<[string, string, string, boolean, number, string, RegExp]>([
  [
    'an unsigned request',
    'SageMaker.ListTrainingJobs',
    '{}',
    false,
    403,
    'MissingAuthenticationTokenException',
    /sign the request/,
  ],
  [
    'an operation that is not there',
    'SageMaker.ListHubs',
    '{}',
    true,
    404,
    'UnknownOperationException',
    /SageMaker.ListHubs/,
  ],
  [
    'a body that is not JSON',
    'AWSGlue.StartCrawler',
    '{',
    true,
    400,
    'SerializationException',
    /not JSON/,
  ],
  [
    'a field of the wrong type',
    'AWSGlue.StartCrawler',
    '{"Name":1}',
    true,
    400,
    'SerializationException',
    /'name' .* Member must be a text/,
  ],
  [
    'a page token of somebody else',
    'SageMaker.ListModels',
    '{"NextToken":"x"}',
    true,
    400,
    'ValidationException',
    /NextToken 'x'/,
  ],
])('%s is refused by name', async (_what, target, body, isSigned, status, type, message) => {
  const answer = await call(target, body, isSigned);

  expect(answer.status).toBe(status);
  expect(answer.body).toEqual({ __type: type, message: expect.stringMatching(message) });
  expect(answer.headers['x-amzn-errortype']).toBe(type);
});

test('a client that hangs up in the middle of an upload disturbs nobody', async () => {
  const { hostname, port } = new URL(cloud.url);
  const path = `/lake/${randomUUID()}`;
  const upload = await signed(
    cloud.url,
    { method: 'PUT', path, headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
    { credentials: cloud.root, service: 's3' },
  );
  const head = Object.entries({ ...upload.headers, 'Content-Length': '1000' });
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.write(
    `PUT ${path} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\nhalf`,
  );
  await new Promise((done) => setTimeout(done, 100));
  socket.destroy();

  await cloud.put('after', 'whole');

  expect((await cloud.get('after')).toString()).toBe('whole');
});
