import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { QueryPlan } from '../../functions/ingest/plan';
import {
  FORGOTTEN_KEY,
  ForgottenList,
  randomMarker,
  readForgotten,
  withIds,
} from '../../functions/lake/forgotten';
import { Lease, renewLease } from '../../functions/lake/lease';
import { getJson, putJson } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { StreamPosition } from '../../functions/lake/stream-position';
import { LastTraining, readChampion } from '../../functions/model/champion';
import { ClaimedGrant } from '../../functions/model/force-grant';
import { DriftTraining, LastDrift } from '../../functions/model/drift-training';
import { ForgottenMark } from '../../functions/model/forgotten-mark';
import { CHAMPION_KEY } from '../../functions/model/names';
import { Promotions } from '../../functions/model/promotions';
import { TrainingData, TrainingRequest } from '../../functions/model/training-inputs';
import { Saved } from '../../embedded/x-api/archive';
import { durable, durableOf, lenient } from '../../workflows/durable';
import { ExecutionRow } from '../../workflows/executions';
import { Champion } from '../../workflows/payloads';
import { Launcher } from './support/launcher';

const root = resolve(__dirname, '..', '..');

/** What the lake's bucket, or a local lake, keeps from one release to the next, by the schema's name in the code. */
const durables = {
  Champion,
  ExecutionRow,
  ForgottenList,
  ForgottenMark,
  Lease,
  QueryPlan,
  Saved,
  LastTraining,
  Promotions,
  ClaimedGrant,
  DriftTraining,
  LastDrift,
  StreamPosition,
  TrainingData,
  TrainingRequest,
};

/** Read with a schema of their own, and why that is enough. */
const exempt: Record<string, string> = {
  schema: 'the parameter of getJson itself',
  ArchivedExecution: 'only what Step Functions itself tells of an execution is read, for people',
  AnyManifest: 'only the days of its request are read, and the report names one that has none',
  CleaningSummary: 'written by a Spark job for the very execution that reads it',
  DaysOfRun: 'written by a step for the very execution that reads it',
  Evaluation: 'has a version of its own, and the gate refuses what it cannot read',
};

const sources = ['functions', 'erasure', 'cli', 'session', 'embedded'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
);

test('whatever is read from the bucket as JSON is durable, or it is said why not', () => {
  const read = sources.flatMap((source) =>
    [
      ...source.matchAll(
        /getJson\((?:[^(),]|\([^()]*\))*,(?:[^(),]|\([^()]*\))*,\s*(\w+)\s*,?\s*\)/g,
      ),
    ].map(([, schema = '']) => schema),
  );
  const calls = sources.flatMap((source) => [...source.matchAll(/\bgetJson\(/g)]);

  // None of them was missed by the pattern.
  expect(read).toHaveLength(calls.length);
  expect(read.filter((name) => !(name in durables) && !(name in exempt))).toEqual([]);
});

test.each(Object.entries(durables))('%s declares its version', (_, schema) => {
  expect(durableOf(schema)).toMatchObject({
    version: expect.any(Number),
    what: expect.stringMatching(/^(A|The) /),
  });
});

test.each(Object.entries(durables))(
  'a newer %s is refused with its version and what to do',
  (_, schema) => {
    const { field, version, what } = durableOf(schema) ?? { field: '', version: 0, what: '' };

    const refused = schema.safeParse({ [field]: version + 1 });

    expect(refused.error?.issues.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${what} is of version ${version + 1}`),
    ]);
    expect(refused.error?.message).toContain('docs/upgrading.md');
  },
);

test('a schema without a version, or without a migration, cannot be declared', () => {
  expect(() => durable('A thing', z.object({ n: z.number() }))).toThrow(
    /A thing must declare its version/,
  );
  expect(() =>
    durable('A thing', z.object({ schemaVersion: z.literal(3) }), { 1: (it) => it }),
  ).toThrow(/A thing has no migration from version 2/);
});

describe('reading', () => {
  const Part = lenient(z.object({ n: z.number() }));
  const Thing = durable(
    'A thing',
    z.object({ schemaVersion: z.literal(2), parts: z.array(Part) }),
    {
      1: ({ n, ...rest }) => ({ ...rest, parts: [{ n }] }),
    },
  );

  test.each([
    ['without a version', { n: 7, more: 'kept' }, { more: 'kept', parts: [{ n: 7 }] }],
    ['of an older version', { schemaVersion: 1, n: 7 }, { parts: [{ n: 7 }] }],
    [
      'with fields of a newer release',
      { schemaVersion: 2, parts: [{ n: 7, p: 1 }], q: 2 },
      { parts: [{ n: 7, p: 1 }], q: 2 },
    ],
  ])('an object %s', (_, found, expected) => {
    expect(Thing.parse(found)).toEqual({ schemaVersion: 2, ...expected });
  });

  test.each([
    [{ schemaVersion: 0 }],
    [{ schemaVersion: '1' }],
    [{ schemaVersion: 1.5 }],
    [null],
    [[]],
    ['text'],
  ])('%j is no such object', (found) => {
    expect(Thing.safeParse(found).success).toBe(false);
  });
});

describe('in the bucket', () => {
  let launcher: Launcher;
  let lake: LakeBucket;

  beforeAll(async () => {
    launcher = await Launcher.start();
    lake = await launcher.lake();
  });

  afterAll(() => launcher.stop());

  const lease = {
    executionArn: 'arn:one',
    scheduledFor: null,
    takenAt: '2026-11-27T00:00:00.000Z',
    releasedAt: null,
  };

  test('a lease of 484cd63 is read, and a rewrite keeps what a newer release added', async () => {
    await putJson(lake, 'old', lease);
    await putJson(lake, 'new', { ...lease, schemaVersion: 1, region: 'added later' });

    await renewLease(lake, 'old', 'arn:one', 120_000);
    await renewLease(lake, 'new', 'arn:one', 120_000);

    const anything = z.looseObject({});
    expect((await getJson(lake, 'old', anything))?.value).toMatchObject({ schemaVersion: 1 });
    expect((await getJson(lake, 'new', anything))?.value).toMatchObject({ region: 'added later' });
  });

  test('the list of what was forgotten keeps unknown fields when it grows', async () => {
    const before = { salt: 's'.repeat(32), tweets: [], authors: [], key: 'added later' };
    await putJson(lake, FORGOTTEN_KEY, before);

    const marker = randomMarker();
    const { list } = await readForgotten(lake, marker);

    expect(withIds(list, { tweets: ['1'], authors: [] }, marker)).toMatchObject({
      schemaVersion: 2,
      key: 'added later',
    });
  });

  test('a champion of a newer release stops the run, with its address and what to do', async () => {
    await putJson(lake, CHAMPION_KEY, { schemaVersion: 2, modelVersion: 'sl-x' });

    await expect(readChampion(lake)).rejects.toThrow(
      `s3://${lake.bucket}/${CHAMPION_KEY} does not fit its schema: schemaVersion: the record of the model in service is of version 2, and this release`,
    );
  });
});
