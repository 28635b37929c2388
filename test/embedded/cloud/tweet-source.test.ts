import { tweetSource } from '../../../embedded/cloud/deploy';

const source = (env: Record<string, string>) =>
  tweetSource({ root: '/', home: '/', port: 4570, env, signal: new AbortController().signal });

test('without token and address the stand-in serves the tweets', () => {
  expect(source({})).toEqual({ url: 'http://127.0.0.1:4570/_x/2/', token: null, standIn: true });
  expect(source({ X_BEARER_TOKEN: '', X_API_BASE_URL: '' }).standIn).toBe(true);
});

test('a token alone means X itself', () => {
  expect(source({ X_BEARER_TOKEN: 't' })).toEqual({
    url: 'https://api.x.com/2/',
    token: 't',
    standIn: false,
  });
});

test.each([
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/2/'],
  ['http://127.0.0.1:8080/2', 'http://127.0.0.1:8080/2/'],
  ['https://proxy.example/x/2/', 'https://proxy.example/x/2/'],
])('X_API_BASE_URL %s is used as %s', (given, url) => {
  expect(source({ X_API_BASE_URL: given, X_BEARER_TOKEN: 't' })).toEqual({
    url,
    token: 't',
    standIn: false,
  });
});

test.each([
  'http://proxy.example/2/',
  'http://10.0.0.7:8080',
  'ftp://127.0.0.1/',
  'http://127.0.0.1.evil.example/',
])('X_API_BASE_URL %s would send the token in clear text, and is refused', (given) => {
  expect(() => source({ X_API_BASE_URL: given, X_BEARER_TOKEN: 't' })).toThrow(
    /^X_API_BASE_URL is ".*": it must begin with https:/,
  );
});

test('an address that is none is refused in one line', () => {
  expect(() => source({ X_API_BASE_URL: 'localhost' })).toThrow(
    /^X_API_BASE_URL is "localhost", which is not a URL\. Use one like/,
  );
});
