import { createConnection } from 'node:net';
import fc from 'fast-check';
import { ListFunctionsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { send, signed } from '../../../support/signed';
import type { RawRequest } from '../../../support/signed';
import { BUCKET, TestCloud } from '../cloud';
import { routesOfMinistack } from './routes';

let cloud: TestCloud;
const seenByX: string[] = [];
beforeAll(async () => {
  cloud = await TestCloud.start({
    xApi: (req, res) => {
      seenByX.push(req.url ?? '');
      res.end();
    },
  });
  await cloud.put('kept', 'labels');
  await new SecretsManagerClient(cloud.client()).send(
    new CreateSecretCommand({ Name: 'x-token', SecretString: 'the token' }),
  );
});
afterAll(() => cloud.stop());

/** What a stranger would have changed. */
async function expectUntouched(): Promise<void> {
  const { Buckets = [] } = await cloud.s3().send(new ListBucketsCommand({}));
  expect(Buckets.map(({ Name }) => Name)).toEqual([BUCKET]);
  expect((await cloud.get('kept')).toString()).toBe('labels');
  const { Functions } = await new LambdaClient(cloud.client()).send(new ListFunctionsCommand({}));
  expect(Functions).toEqual([]);
}

const credential = (service: string) =>
  `000000000000/${new Date().toISOString().slice(0, 10).replaceAll('-', '')}/us-east-1/${service}/aws4_request`;

const CREATE_FUNCTION = {
  method: 'POST',
  path: '/2015-03-31/functions',
  headers: { 'content-type': 'text/plain' },
  body: '{"FunctionName":"pwn","Runtime":"nodejs20.x","Role":"arn:aws:iam::000000000000:role/x","Handler":"index.handler","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}',
};
const GET_SECRET = {
  method: 'POST',
  path: '/',
  headers: {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'secretsmanager.GetSecretValue',
  },
  body: '{"SecretId":"x-token"}',
};
const LIST = { path: `/${BUCKET}`, headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } };

const asRoot = (raw: RawRequest, service: string) =>
  signed(cloud.url, raw, { credentials: cloud.root, service });

describe('a web page', () => {
  test.each<[string, RawRequest]>([
    [
      'runs code with credentials in the URL, as a simple request',
      {
        ...CREATE_FUNCTION,
        path: `${CREATE_FUNCTION.path}?X-Amz-Credential=${credential('lambda')}`,
        headers: { 'content-type': 'text/plain', origin: 'https://evil.example' },
      },
    ],
    [
      'resets the lake',
      {
        method: 'POST',
        path: '/_ministack/reset',
        headers: { 'content-type': 'text/plain', origin: 'https://evil.example' },
      },
    ],
    [
      'asks first',
      {
        method: 'OPTIONS',
        headers: {
          origin: 'https://evil.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,x-amz-target',
        },
      },
    ],
    [
      'asks the X emulator',
      {
        path: '/_x/2/tweets/search/recent?query=a',
        headers: { origin: 'https://evil.example', authorization: 'Bearer any' },
      },
    ],
    ['leads there by a link', { path: '/', headers: { 'sec-fetch-site': 'cross-site' } }],
    ['is the address bar', { path: '/_ministack/health', headers: { 'sec-fetch-site': 'none' } }],
    [
      'without a site of its own',
      { method: 'POST', path: '/_ministack/reset', headers: { origin: 'null' } },
    ],
    [
      'from another port of this machine',
      { path: '/', headers: { origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-site' } },
    ],
  ])('that %s is refused', async (_, raw) => {
    const answer = await send(cloud.url, raw);

    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    );
    expect(seenByX).toEqual([]);
    await expectUntouched();
  });

  test('is refused even if it could sign', async () => {
    const answer = await send(
      cloud.url,
      await asRoot(
        { ...GET_SECRET, headers: { ...GET_SECRET.headers, origin: 'https://evil.example' } },
        'secretsmanager',
      ),
    );

    expect(answer.status).toBe(403);
    expect(answer.body).not.toContain('the token');
  });

  test('could read no answer: none carries a CORS header', async () => {
    const answers = [
      await send(cloud.url, await asRoot(GET_SECRET, 'secretsmanager')),
      await send(cloud.url, await asRoot(LIST, 's3')),
      await send(cloud.url, { path: '/_x/2/' }),
      await send(cloud.url, { path: '/_ministack/health' }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404]);
    expect(
      answers.flatMap(({ headers }) =>
        Object.keys(headers).filter((name) => name.startsWith('access-control')),
      ),
    ).toEqual([]);
  });
});

describe('a name that was rebound to 127.0.0.1', () => {
  test.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1',
    'localhost',
    '127.0.0.1:1',
    'localhost.:PORT',
    'evil.example:PORT',
    'bucket.s3.127.0.0.1:PORT',
    'abc.execute-api.localhost:PORT',
    '0.0.0.0:PORT',
    '[::1]:PORT',
    '127.0.0.1:PORT ',
    '127.0.0.1:PORT,evil.example',
    '',
  ])('is refused as the host %j', async (name) => {
    const host = name.replace('PORT', new URL(cloud.url).port);
    // Node takes a trailing space off, as HTTP says.
    const isOurs = host.trim() === new URL(cloud.url).host;

    const raw = await asRoot({ ...LIST, headers: { ...LIST.headers, host } }, 's3');
    const { status } = await send(cloud.url, raw);

    expect(status).toBe(isOurs ? 200 : 403);
  });

  test('is not a name that the owner uses', async () => {
    const url = cloud.url.replace('127.0.0.1', 'localhost');

    expect(
      (await send(url, await signed(url, LIST, { credentials: cloud.root, service: 's3' }))).status,
    ).toBe(200);
  });
});

/** What a server answers to these bytes, until it ends the connection or a second passes. */
function bytes(text: string): Promise<string> {
  return new Promise((done) => {
    const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(cloud.url).port) });
    let answer = '';
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.on('error', () => done(answer));
    socket.on('close', () => done(answer));
    socket.setTimeout(1000, () => socket.destroy());
    socket.write(text);
  });
}

test.each([
  ['GET http://evil.example/_ministack/health HTTP/1.1', 'Host: HOST'],
  ['GET http://HOST/_ministack/health HTTP/1.1', 'Host: HOST'],
  ['CONNECT HOST HTTP/1.1', 'Host: HOST'],
  ['TRACE / HTTP/1.1', 'Host: HOST'],
  ['GET / HTTP/1.1', 'Host: HOST\r\nHost: evil.example'],
  ['GET / HTTP/1.1', 'X: y'],
  ['GET / HTTP/1.0', 'X: y'],
  ['GET / HTTP/1.1', 'Host: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket'],
  ['POST / HTTP/1.1', 'Host: HOST\r\nContent-Length: 0\r\nTransfer-Encoding: chunked'],
])('%j with %j gets no 2xx', async (line, header) => {
  const { host } = new URL(cloud.url);

  const answer = await bytes(`${line}\r\n${header}\r\n\r\n`.replaceAll('HOST', host));

  expect(answer).not.toMatch(/^HTTP\/1\.1 (1|2)/);
});

/** Spellings that one reader or another takes for the same path. */
const spellingsOf = (path: string): string[] => [
  path,
  `/${path}`,
  path.replace('_', '%5F'),
  path.replace('_', '%255f'),
  path.toUpperCase(),
  `/.${path}`,
  `/bucket/..${path}`,
  `/bucket/%2e%2e${path}`,
  path.replaceAll('/', '%2F').replace('%2F', '/'),
  `${path}/`,
  `${path}?x=1`,
];

describe("another user of this machine, without the lake's secret", () => {
  const routes = routesOfMinistack();
  const stranger = { accessKeyId: '000000000000', secretAccessKey: 'local' };

  test('is refused on every route of ministack and of the gateway, unsigned or with a wrong secret', async () => {
    expect(routes.length).toBeGreaterThan(80);
    expect(routes).toEqual(expect.arrayContaining(['/_ministack/reset', '/_ministack/config']));

    const answers: [string, number][] = [];
    const own = [
      '/_lake/health',
      '/_lake/credentials',
      '/_lake/key',
      '/endpoints/a/invocations',
      '/',
    ];
    for (const path of [...routes, ...own]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const raw = { method, path, headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } };
        answers.push([`${method} ${path}`, (await send(cloud.url, raw)).status]);
      }
      for (const service of ['s3', 'lambda', 'sagemaker']) {
        const raw = { method: 'POST', path, headers: {} };
        const forged = await signed(cloud.url, raw, { credentials: stranger, service });
        answers.push([`${service} ${path}`, (await send(cloud.url, forged)).status]);
      }
    }

    expect(answers.filter(([, status]) => status !== 403 && status !== 404)).toEqual([]);
    await expectUntouched();
  });

  test('cannot spell a closed route so that it opens, even with a signature', async () => {
    const closed = [
      '/_ministack/reset',
      '/_ministack/health',
      '/_ministack/lambda-code/000000000000/us-east-1/x',
      '/_localstack/health',
      '/_aws/sqs/messages',
      '/_lake/health',
      '/health',
    ];
    for (const path of closed.flatMap(spellingsOf)) {
      const raw = { method: 'POST', path, headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } };
      const answer = await send(cloud.url, await asRoot(raw, 's3'));

      expect([path, answer.status < 300]).toEqual([path, false]);
      expect([path, /"(services|reset|ok)"/.test(answer.body)]).toEqual([path, false]);
    }
    await expectUntouched();
  });

  test('is told by name what is missing, in the protocol of the service', async () => {
    const json = await send(cloud.url, GET_SECRET);
    const query = await send(cloud.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Action=ListUsers&Version=2010-05-08',
    });
    const s3 = await send(cloud.url, { path: `/${BUCKET}/kept` });

    expect(JSON.parse(json.body)).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
    expect(query.body).toContain(
      '<ErrorResponse><Error><Type>Sender</Type><Code>MissingAuthenticationToken<',
    );
    expect(s3.body).toContain('<Error><Code>MissingAuthenticationToken<');
    expect([json.status, query.status, s3.status]).toEqual([403, 403, 403]);
  });

  test('never gets a 2xx, whatever is sent', async () => {
    const header = fc.constantFrom(
      [
        'authorization',
        `AWS4-HMAC-SHA256 Credential=${credential('s3')}, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
      ],
      ['authorization', 'AWS 000000000000:x'],
      ['authorization', 'Bearer x'],
      ['x-amz-security-token', 'x'],
      ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'],
      ['x-amz-target', 'SageMaker.ListModels'],
      ['x-amz-target', 'AmazonSSM.GetParameter'],
      ['x-lake-token', 'x'],
      ['x-lake-caller', '000000000000'],
      ['x-forwarded-host', 'sqs.us-east-1.amazonaws.com'],
      ['content-type', 'application/x-www-form-urlencoded'],
    );
    const query = fc.constantFrom(
      '',
      '?Action=ListUsers',
      `?X-Amz-Credential=${credential('iam')}&Action=ListUsers`,
      `?AWSAccessKeyId=000000000000&Signature=x&Expires=4102444800`,
      `?x-amz-algorithm=AWS4-HMAC-SHA256&x-amz-credential=${credential('s3')}&x-amz-signature=${'0'.repeat(64)}`,
      `?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential('s3')}&X-Amz-Date=20990101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=${'0'.repeat(64)}`,
    );
    const path = fc.oneof(
      fc.constantFrom(...routes, `/${BUCKET}/kept`, `/${BUCKET}`),
      fc.webPath().map((text) => (text.startsWith('/') ? text : `/${text}`)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'),
        // The emulator of X in this test answers anybody.
        path.filter((text) => !text.startsWith('/_x/')),
        query,
        fc.array(header, { maxLength: 4 }),
        fc.string({ maxLength: 200 }),
        async (method, at, search, headers, text) => {
          const body = method === 'GET' || method === 'HEAD' ? undefined : text;
          const { status } = await send(cloud.url, {
            method,
            path: `${at.split('?')[0]}${search}`,
            headers: Object.fromEntries(headers),
            ...(body === undefined ? {} : { body }),
          });

          expect(status).toBeGreaterThanOrEqual(400);
        },
      ),
      { numRuns: 400 },
    );
    await expectUntouched();
  });
});
