import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { takeForceGrant } from '../../functions/model/force-grant';
import type { LakeBucket } from '../../functions/lake/objects';
import { Launcher, keysBelow } from './support/launcher';

let launcher: Launcher;
let lake: LakeBucket;
let secrets: SecretsManagerClient;
let secretArn: string;

beforeAll(async () => {
  launcher = await Launcher.start();
});

afterAll(() => launcher.stop());

beforeEach(async () => {
  lake = await launcher.lake();
  secrets = launcher.secrets();
  // As CloudFormation leaves it: a random text.
  const { ARN } = await secrets.send(
    new CreateSecretCommand({ Name: `force-${lake.bucket}`, SecretString: 'K$j2]random' }),
  );
  secretArn = ARN ?? '';
});

const grant = (value: string) =>
  secrets.send(new PutSecretValueCommand({ SecretId: secretArn, SecretString: value }));
const take = (execution = 'night-1', now = new Date()) =>
  takeForceGrant({ secrets, secretArn, lake, hours: 24 }, execution, now);
const REASON = { reason: 'the champion reads Dutch only' };

test('a grant lets one execution through, with its reason', async () => {
  const { VersionId } = await grant(JSON.stringify(REASON));

  expect(await take()).toEqual({ grant: VersionId, ...REASON });
  expect(await keysBelow(lake, 'raw-data/plans/force-grants/')).toHaveLength(1);
});

test('the same execution may ask again, after an answer that was lost', async () => {
  await grant(JSON.stringify(REASON));

  expect(await take()).toEqual(await take());
});

test('another execution is refused, until there is another grant', async () => {
  await grant(JSON.stringify(REASON));
  await take();

  await expect(take('night-2')).rejects.toMatchObject({
    name: 'ForceNotGranted',
    message: expect.stringContaining('the last grant was used by night-1'),
  });
  await grant(JSON.stringify(REASON));
  expect(await take('night-2')).toMatchObject(REASON);
});

test('a grant is good for as long as is configured', async () => {
  await grant(JSON.stringify(REASON));
  const inAWhile = (hours: number) => new Date(Date.now() + hours * 3_600_000);

  await expect(take('night-1', inAWhile(24.1))).rejects.toMatchObject({
    name: 'ForceNotGranted',
    message: expect.stringContaining('one is good for 24 hours'),
  });
  expect(await take('night-1', inAWhile(23.9))).toMatchObject(REASON);
});

test('nothing that was ever in the secret but a reason is a grant', async () => {
  await expect(take()).rejects.toMatchObject({
    name: 'ForceNotGranted',
    message: expect.stringContaining('there is no grant'),
  });
  for (const value of ['{"reason":"so"}', '{"reason":1}', '"yes please, promote"', '{}']) {
    await grant(value);

    await expect(take()).rejects.toMatchObject({ name: 'ForceNotGranted' });
  }
  expect(await keysBelow(lake, 'raw-data/plans/force-grants/')).toEqual([]);
});
