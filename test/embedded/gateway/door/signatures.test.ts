import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { IAMClient, UpdateAccessKeyCommand } from '@aws-sdk/client-iam';
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { presigned, send, signed } from '../../../support/signed';
import type { Credentials, RawRequest } from '../../../support/signed';
import { allow, BUCKET, TestCloud } from '../cloud';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await TestCloud.start();
  await cloud.put('a b/é+%41', 'whole');
});
afterAll(() => cloud.stop());

const KEY = `/${BUCKET}/a%20b/%C3%A9%2B%2541`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const s3 = (raw: RawRequest, credentials: Credentials = cloud.root, date?: Date) =>
  signed(
    cloud.url,
    { ...raw, headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...raw.headers } },
    { credentials, service: 's3', ...(date ? { date } : {}) },
  );
const whoAmI = (credentials: Credentials, date?: Date) =>
  signed(
    cloud.url,
    {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
    },
    { credentials, service: 'sts', ...(date ? { date } : {}) },
  );
const codeIn = (body: string) => /<Code>(\w+)<|"__type":"(\w+)"/.exec(body)?.slice(1).join('');
const refusal = async (raw: RawRequest) => {
  const { status, body } = await send(cloud.url, raw);
  return [status, codeIn(body)];
};

async function session(): Promise<Credentials> {
  const person = await cloud.person(`p${Math.random().toString(36).slice(2)}`, [
    allow(['sts:GetSessionToken']),
  ]);
  return person.credentials;
}

test("what the SDK's signer makes is taken, whatever path, query, headers and body", async () => {
  const word = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
  const segment = word.map(encodeURIComponent).filter((text) => !/^\.+$/.test(text));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('s3', 'sts', 'lambda', 'glue'),
      fc.array(segment, { maxLength: 3 }),
      fc.array(fc.tuple(word, word), { maxLength: 3 }),
      fc.array(fc.string({ maxLength: 10, unit: fc.constantFrom(...'aB  9-') }), { maxLength: 2 }),
      async (service, segments, query, values) => {
        const search = query
          .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
          .join('&');
        const raw = {
          method: 'GET',
          path: `/none/${segments.join('/')}${search ? `?${search}` : ''}`,
          headers: Object.fromEntries([
            ...values.map((value, i) => [`x-amz-meta-${i}`, value]),
            ['x-amz-content-sha256', service === 's3' ? 'UNSIGNED-PAYLOAD' : sha256('')],
          ]),
        };
        const good = await signed(cloud.url, raw, { credentials: cloud.root, service });
        const [, code] = await refusal(good);

        expect(code ?? '').not.toMatch(/Signature|Token|Incomplete/);
      },
    ),
    { numRuns: 100 },
  );
});

test.each<[string, (raw: RawRequest) => RawRequest]>([
  ['method', (raw) => ({ ...raw, method: 'DELETE' })],
  ['path', (raw) => ({ ...raw, path: `${KEY}x` })],
  ['query', (raw) => ({ ...raw, path: `${KEY}?acl` })],
  [
    'host',
    (raw) => ({
      ...raw,
      headers: { ...raw.headers, host: new URL(cloud.url).host.replace('127.0.0.1', 'localhost') },
    }),
  ],
  [
    'signed header',
    (raw) => ({ ...raw, headers: { ...raw.headers, 'x-amz-content-sha256': sha256('') } }),
  ],
])('another %s than the one that was signed is refused', async (_, change) => {
  const raw = await s3({ path: KEY });

  expect((await send(cloud.url, raw)).body).toBe('whole');
  expect(await refusal(change(raw))).toEqual([403, 'SignatureDoesNotMatch']);
});

test('a header of AWS that is not signed is refused', async () => {
  const raw = await s3({ path: KEY });

  expect(
    await refusal({ ...raw, headers: { ...raw.headers, 'x-amz-copy-source': '/x/y' } }),
  ).toEqual([403, 'AccessDenied']);
});

test.each([
  ['-20 minutes', -20 * 60_000],
  ['+20 minutes', 20 * 60_000],
])('a request that was signed %s from now is refused', async (_, millis) => {
  const date = new Date(Date.now() + millis);

  expect(await refusal(await s3({ path: KEY }, cloud.root, date))).toEqual([
    403,
    'RequestTimeTooSkewed',
  ]);
  expect(await refusal(await whoAmI(cloud.root, date))).toEqual([403, 'RequestTimeTooSkewed']);
});

test('ten minutes are within what AWS takes', async () => {
  const date = new Date(Date.now() - 10 * 60_000);

  expect((await send(cloud.url, await whoAmI(cloud.root, date))).status).toBe(200);
});

test('a body with another hash than the signed one is not stored', async () => {
  const put = await s3({
    method: 'PUT',
    path: `/${BUCKET}/swapped`,
    headers: { 'x-amz-content-sha256': sha256('good') },
    body: 'good',
  });

  expect(await refusal({ ...put, body: 'evil' })).toEqual([400, 'XAmzContentSHA256Mismatch']);
  expect(await refusal({ ...put, body: '' })).toEqual([400, 'XAmzContentSHA256Mismatch']);
  expect(await refusal(await s3({ path: `/${BUCKET}/swapped` }))).toEqual([404, 'NoSuchKey']);
  expect((await send(cloud.url, put)).status).toBe(200);
});

test('another body than the one that was signed is refused by the other services', async () => {
  const raw = await whoAmI(cloud.root);

  expect(await refusal({ ...raw, body: 'Action=ListUsers&Version=2010-05-08' })).toEqual([
    400,
    'XAmzContentSHA256Mismatch',
  ]);
});

test('a presigned URL is good for S3, as it is, and until it ends', async () => {
  const signing = { credentials: cloud.root, service: 's3' };
  const url = await presigned(cloud.url, { path: KEY }, signing);
  const old = await presigned(
    cloud.url,
    { path: KEY },
    { ...signing, date: new Date(Date.now() - 60_000) },
    30,
  );

  expect((await send(cloud.url, url)).body).toBe('whole');
  expect(await refusal({ ...url, method: 'DELETE' })).toEqual([403, 'SignatureDoesNotMatch']);
  expect(await refusal({ ...url, path: `${url.path}&acl=` })).toEqual([
    403,
    'SignatureDoesNotMatch',
  ]);
  expect(await refusal(old)).toEqual([403, 'AccessDenied']);
  for (const [from, to] of [
    ['X-Amz-Credential', 'X-Amz-credential'],
    ['X-Amz-Signature', 'x-amz-signature'],
    ['X-Amz-Algorithm', 'x-amz-algorithm'],
  ] as const)
    expect((await send(cloud.url, { path: (url.path ?? '').replace(from, to) })).status).toBe(400);
});

test('no other service takes its caller from the query string', async () => {
  const raw = { method: 'POST', path: '/?Action=ListUsers&Version=2010-05-08' };
  const url = await presigned(cloud.url, raw, { credentials: cloud.root, service: 'iam' });

  expect(await refusal(url)).toEqual([403, 'MissingAuthenticationToken']);
});

test("a user's key works, is checked, and ends when it is taken away", async () => {
  const { credentials } = await cloud.person('signer', []);

  const good = await send(cloud.url, await whoAmI(credentials));
  expect([good.status, good.body]).toEqual([200, expect.stringContaining('user/signer')]);
  expect(await refusal(await whoAmI({ ...credentials, secretAccessKey: 'x'.repeat(40) }))).toEqual([
    403,
    'SignatureDoesNotMatch',
  ]);
  await new IAMClient(cloud.client()).send(
    new UpdateAccessKeyCommand({
      UserName: 'signer',
      AccessKeyId: credentials.accessKeyId,
      Status: 'Inactive',
    }),
  );
  expect(await refusal(await whoAmI(credentials))).toEqual([403, 'InvalidClientTokenId']);
});

test("a session's key needs its token, and nothing but its token", async () => {
  const given = await new STSClient(cloud.client(await session())).send(
    new GetSessionTokenCommand({}),
  );
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = given.Credentials ?? {};
  const key = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };

  const { Arn } = await new STSClient(cloud.client({ ...key, sessionToken: SessionToken })).send(
    new GetCallerIdentityCommand({}),
  );
  expect(Arn).toContain(':user/');
  expect(await refusal(await whoAmI(key))).toEqual([403, 'InvalidClientTokenId']);
  expect(await refusal(await whoAmI({ ...key, sessionToken: `${SessionToken}x` }))).toEqual([
    403,
    'InvalidClientTokenId',
  ]);
});

test.each(['000000000000', 'test', '111111111111', '', 'AKIAUNKNOWN000000000'])(
  'the key %j with a secret that everybody knows is nobody',
  async (accessKeyId) => {
    for (const secretAccessKey of ['local', 'test', 'root', 'not-the-root-secret', ''])
      await expect(
        new STSClient({
          ...cloud.client({ accessKeyId, secretAccessKey }),
          maxAttempts: 1,
        }).send(
          new AssumeRoleCommand({
            RoleArn: 'arn:aws:iam::000000000000:role/x',
            RoleSessionName: 'x',
          }),
        ),
      ).rejects.toThrow();
  },
);
