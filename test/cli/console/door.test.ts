import { createServer, request as send, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkDoor, jsonBody, newToken, Refused } from '../../../cli/console/door';

let server: Server;
let port: number;
const token = newToken();

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = async () => {
      checkDoor(request, port, token);
      return request.method === 'POST' ? JSON.stringify(await jsonBody(request)) : 'in';
    };
    answer().then(
      (body) => response.end(body),
      (error: unknown) => {
        response.statusCode = error instanceof Refused ? error.status : 500;
        response.end(error instanceof Error ? error.message : '');
      },
    );
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address: AddressInfo | string | null = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const call = (
  headers: IncomingHttpHeaders,
  body?: string,
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const request = send(
      { port, host: '127.0.0.1', method: body === undefined ? 'GET' : 'POST', headers },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });

const mine = () => ({ host: `127.0.0.1:${port}`, authorization: `Bearer ${token}` });

test('lets in its own page with its token', async () => {
  expect(await call(mine())).toEqual({ status: 200, text: 'in' });
  expect(
    await call({ ...mine(), origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' }),
  ).toEqual({ status: 200, text: 'in' });
});

test.each([
  ['a name that was rebound to this machine', { host: 'rebound.example' }, 403],
  ['another port of this machine', { origin: 'http://127.0.0.1:1' }, 403],
  ['a page without an origin of its own', { origin: 'null' }, 403],
  ['another site’s page that asks without an origin', { 'sec-fetch-site': 'cross-site' }, 403],
  ['another port, by what the browser says', { 'sec-fetch-site': 'same-site' }, 403],
  ['no token', { authorization: '' }, 401],
  ['a wrong token of the same length', { authorization: `Bearer ${'x'.repeat(43)}` }, 401],
  ['a token that is too long', { authorization: `Bearer ${token}x` }, 401],
])('refuses %s', async (_, headers, status) => {
  expect((await call({ ...mine(), ...headers })).status).toBe(status);
});

test('takes JSON only, and not without bound', async () => {
  const json = { ...mine(), 'content-type': 'application/json' };

  expect(await call(json, '{"a":1}')).toEqual({ status: 200, text: '{"a":1}' });
  expect((await call({ ...json, 'content-type': 'text/plain' }, '{"a":1}')).status).toBe(415);
  expect((await call(json, '{"a":')).status).toBe(400);
  expect((await call(json, `"${'x'.repeat(1_000_001)}"`)).status).toBe(413);
});
