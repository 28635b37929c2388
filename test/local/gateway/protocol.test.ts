import { randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import { TestCloud } from './cloud';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await TestCloud.start();
});
afterAll(() => cloud.stop());

const SIGNED =
  'AWS4-HMAC-SHA256 Credential=000000000000/20261124/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0';

async function call(
  target: string,
  body: string,
  headers: Record<string, string> = { authorization: SIGNED },
) {
  const response = await fetch(cloud.url, {
    method: 'POST',
    headers: { 'x-amz-target': target, ...headers },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

test('an answer is AWS JSON 1.1 with a request id', async () => {
  const { status, headers, body } = await call('SageMaker.ListTrainingJobs', '{}');

  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('application/x-amz-json-1.1');
  expect(headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
  expect(body).toEqual({ TrainingJobSummaries: [] });
});

test.each<[string, string, string, Record<string, string> | undefined, number, string, RegExp]>([
  [
    'an unsigned request',
    'SageMaker.ListTrainingJobs',
    '{}',
    {},
    403,
    'MissingAuthenticationTokenException',
    /sign the request/,
  ],
  [
    'an operation that is not there',
    'SageMaker.CreateHub',
    '{}',
    undefined,
    404,
    'UnknownOperationException',
    /SageMaker.CreateHub/,
  ],
  [
    'a body that is not JSON',
    'AWSGlue.StartCrawler',
    '{',
    undefined,
    400,
    'SerializationException',
    /not JSON/,
  ],
  [
    'a field of the wrong type',
    'AWSGlue.StartCrawler',
    '{"Name":1}',
    undefined,
    400,
    'InvalidInputException',
    /'Name'/,
  ],
  [
    'a page token of somebody else',
    'SageMaker.ListModels',
    '{"NextToken":"x"}',
    undefined,
    400,
    'ValidationException',
    /NextToken 'x'/,
  ],
])('%s is refused by name', async (_what, target, body, headers, status, type, message) => {
  const answer = await call(target, body, headers);

  expect(answer.status).toBe(status);
  expect(answer.body).toEqual({ __type: type, message: expect.stringMatching(message) });
  expect(answer.headers.get('x-amzn-errortype')).toBe(type);
});

test('a client that hangs up in the middle of an upload disturbs nobody', async () => {
  const { hostname, port } = new URL(cloud.url);
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.write(
    `PUT /lake/${randomUUID()} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${SIGNED}\r\nContent-Length: 1000\r\n\r\nhalf`,
  );
  await new Promise((done) => setTimeout(done, 100));
  socket.destroy();

  await cloud.put('after', 'whole');

  expect((await cloud.get('after')).toString()).toBe('whole');
});
