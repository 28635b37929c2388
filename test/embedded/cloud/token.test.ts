import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { errorCode } from '../../../session/files';
import { clientsFor, embedded } from '../../../session/clients';
import { storeToken } from '../../../embedded/cloud/deploy';
import { Launcher } from '../../functions/support/launcher';

let launcher: Launcher;
let secrets: SecretsManagerClient;

beforeAll(async () => {
  launcher = await Launcher.start();
  ({ secrets } = clientsFor(embedded(launcher.url, launcher.rootSecret)));
});

afterAll(() => launcher.stop());

/** Files of the lake that hold a text. */
const holding = (text: string): string[] =>
  readdirSync(launcher.home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => contents(path).includes(text));

/** Nothing for a file that a snapshot has just put in its place, under another name. */
function contents(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (isSo()) return;
    await sleep(50);
  }
  throw new Error('not so within 10 s');
}

test('a token that was replaced or taken away is in no file of the lake any more', async () => {
  const { ARN: TokenSecretArn } = await secrets.send(
    new CreateSecretCommand({ Name: 'x', SecretString: 'text-of-the-deployment' }),
  );
  if (TokenSecretArn === undefined) throw new Error('the secret has no ARN');
  await storeToken({ secrets }, { TokenSecretArn }, 'AAAA-first-token');
  await until(() => holding('AAAA-first-token').length > 0);
  // What is saved follows half a second behind.
  await until(() => holding('text-of-the-deployment').length === 0);

  await storeToken({ secrets }, { TokenSecretArn }, 'AAAA-second-token');
  await until(() => holding('AAAA-second-token').length > 0);
  await until(() => holding('AAAA-first-token').length === 0);

  await storeToken({ secrets }, { TokenSecretArn }, null);
  await until(() => holding('AAAA-second-token').length === 0);
  const { SecretString } = await secrets.send(
    new GetSecretValueCommand({ SecretId: TokenSecretArn }),
  );
  expect(SecretString).toBe('no-token-needed');
});
