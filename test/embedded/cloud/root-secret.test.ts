import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emulatorToken, rootSecretOf, rootSecretPath } from '../../../embedded/cloud/root-secret';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lake-secret-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('a lake has one secret, that its owner alone can read', () => {
  const secret = rootSecretOf(home);

  expect(secret).toMatch(/^[\w-]{40}$/);
  expect(rootSecretOf(home)).toBe(secret);
  expect(readFileSync(rootSecretPath(home), 'utf8')).toBe(secret);
  expect(statSync(rootSecretPath(home)).mode & 0o777).toBe(0o600);
});

test('two lakes have two', () => {
  expect(rootSecretOf(join(home, 'a'))).not.toBe(rootSecretOf(join(home, 'b')));
});

test('a file that others can read is closed to them', () => {
  rootSecretOf(home);
  chmodSync(rootSecretPath(home), 0o644);

  rootSecretOf(home);

  expect(statSync(rootSecretPath(home)).mode & 0o777).toBe(0o600);
});

test.each(['', 'local', `${'x'.repeat(39)}!`])(
  'a file that holds %j is refused, with what to do',
  (text) => {
    writeFileSync(rootSecretPath(home), text);

    expect(() => rootSecretOf(home)).toThrow(
      /root-secret does not hold a valid secret .* Delete the file/,
    );
  },
);

test('the token of the X emulator is made from the secret, and does not show it', () => {
  const secret = rootSecretOf(home);

  expect(emulatorToken(secret)).toBe(emulatorToken(secret));
  expect(emulatorToken(secret)).not.toContain(secret);
  expect(emulatorToken('another')).not.toBe(emulatorToken(secret));
});
