import { settingsFor } from '../../infra/config';
import { systemClock } from '../../functions/shared/clock';
import { keepsTokenSecret } from '../../functions/x/address';
import { recentSearch } from '../../functions/x/client';

test.each([
  ['https://api.x.com/2/', true],
  ['http://127.0.0.1:4566/_x/2/', true],
  ['http://127.8.9.10/', true],
  ['http://localhost:80/', true],
  ['http://[::1]:8080/', true],
  ['http://api.x.com/2/', false],
  ['http://127.0.0.1.example/', false],
  ['http://localhost.example/', false],
  ['http://0.0.0.0/', false],
  ['http://user@10.0.0.1/', false],
  ['file:///etc/passwd', false],
])('a token may go to %s: %s', (address, may) => {
  expect(keepsTokenSecret(address)).toBe(may);
});

test('settings with an address in clear text are refused, and say what to do', () => {
  expect(() => settingsFor('dev', { xApiBaseUrl: 'http://x.example/2/' })).toThrow(
    /must begin with https:\/\/: the bearer token would travel in clear text/,
  );
});

test('no search is sent in clear text, wherever its address came from', () => {
  const token = { secretArn: 'arn', read: async () => 'secret', forget: () => undefined };

  expect(() => recentSearch('http://x.example/2/', token, systemClock)).toThrow(
    /must begin with https/,
  );
});
