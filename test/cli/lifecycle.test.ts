import {
  DeleteObjectCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  type LifecycleRule,
} from '@aws-sdk/client-s3';
import type { LakeBucket } from '../../functions/lake/objects';
import { versionsBelow } from '../../functions/lake/versions';
import { applyLifecycle } from '../../cli/lifecycle';
import { Launcher, keysBelow, put } from '../functions/support/launcher';

const DAY_MS = 86_400_000;

let launcher: Launcher;
let lake: LakeBucket;

beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());
beforeEach(async () => {
  lake = await launcher.lake();
  await lake.s3.send(
    new PutBucketVersioningCommand({
      Bucket: lake.bucket,
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  );
});

const declare = (...Rules: LifecycleRule[]) =>
  lake.s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: lake.bucket,
      LifecycleConfiguration: { Rules },
    }),
  );
const rule = (ID: string, Prefix: string, more: Partial<LifecycleRule>): LifecycleRule => ({
  ID,
  Status: 'Enabled',
  Filter: { Prefix },
  ...more,
});
/** So many days after today has begun. */
const inDays = (days: number) => new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS + days * DAY_MS);
async function allVersions(): Promise<string[]> {
  const found = [];
  for await (const { key, versions } of versionsBelow(lake, '')) {
    for (const { isCurrent, isMarker } of versions)
      found.push(`${key} ${isCurrent ? 'current' : 'old'}${isMarker ? ' marker' : ''}`);
  }
  return found.sort();
}

test('an object expires at the first midnight after its days, below its prefix only', async () => {
  await declare(
    rule('raw', 'raw/', { Expiration: { Days: 30 } }),
    rule('sooner', 'raw/sooner/', { Expiration: { Days: 10 } }),
  );
  for (const key of ['raw/a', 'raw/sooner/a', 'kept/a']) await put(lake, key, 'x');

  expect(await applyLifecycle(lake, inDays(10))).toEqual({ objects: 0, versions: 0 });
  expect(await applyLifecycle(lake, inDays(11))).toEqual({ objects: 1, versions: 0 });
  expect(await keysBelow(lake, '')).toEqual(['kept/a', 'raw/a']);
  expect(await applyLifecycle(lake, inDays(31))).toEqual({ objects: 1, versions: 0 });
  expect(await keysBelow(lake, '')).toEqual(['kept/a']);
  // Expired is not gone: nothing here ends old versions.
  expect(await allVersions()).toEqual([
    'kept/a current',
    'raw/a current marker',
    'raw/a old',
    'raw/sooner/a current marker',
    'raw/sooner/a old',
  ]);
});

test('an old version’s days begin when a newer one came; the marker that is left goes with the last', async () => {
  await declare(
    rule('leftovers', '', {
      NoncurrentVersionExpiration: { NoncurrentDays: 5 },
      Expiration: { ExpiredObjectDeleteMarker: true },
    }),
  );
  await put(lake, 'a', 'one');
  await put(lake, 'a', 'two');
  await put(lake, 'b', 'one');
  await lake.s3.send(new DeleteObjectCommand({ Bucket: lake.bucket, Key: 'b' }));

  expect(await applyLifecycle(lake, inDays(5))).toEqual({ objects: 0, versions: 0 });
  // a's old version, b's, and b's marker.
  expect(await applyLifecycle(lake, inDays(6))).toEqual({ objects: 0, versions: 3 });
  expect(await allVersions()).toEqual(['a current']);
  expect(await applyLifecycle(lake, inDays(60))).toEqual({ objects: 0, versions: 0 });
});

test('a rule that is switched off does nothing, and one it does not know is named', async () => {
  await put(lake, 'a', 'x');
  await declare({ ...rule('off', '', { Expiration: { Days: 1 } }), Status: 'Disabled' });
  expect(await applyLifecycle(lake, inDays(9))).toEqual({ objects: 0, versions: 0 });

  await declare(
    rule('cold', '', { Transitions: [{ Days: 30, StorageClass: 'GLACIER' }] }),
    rule('a', '', { Expiration: { Days: 1 } }),
  );
  await expect(applyLifecycle(lake, inDays(9))).rejects.toThrow(
    'The lifecycle rule cold has Trans',
  );
  expect(await keysBelow(lake, '')).toEqual(['a']);
});
