import { createHmac, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../session/files';
import { UserError } from '../../session/user-error';

/** AWS's secret access keys also have 40 characters. */
const SECRET = /^[\w-]{40}$/;

export const rootSecretPath = (home: string): string => join(home, 'root-secret');

/**
 * The secret access key of a lake's root. Every client of the owner signs with it. It is created at the first start
 * (also of a lake from an older version). Other users of this machine cannot read the file.
 * Throws UserError when the file holds something else.
 */
export function rootSecretOf(home: string): string {
  const path = rootSecretPath(home);
  const kept = read(path);
  if (kept !== undefined) return kept;
  mkdirSync(home, { recursive: true });
  const secret = randomBytes(30).toString('base64url');
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    // Another command of the same lake has just created it.
    return rootSecretOf(home);
  }
  try {
    writeSync(file, secret);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return secret;
}

function read(path: string): string | undefined {
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (!SECRET.test(secret))
    throw new UserError(
      `${path} does not hold a valid secret (40 letters, digits, - or _). Delete the file; the next start creates a new one.`,
    );
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return secret;
}

/** The bearer token that a lake's X API stub requires. The root secret cannot be derived from it. */
export const emulatorToken = (rootSecret: string): string =>
  createHmac('sha256', rootSecret).update('bearer token of the X emulator').digest('base64url');
