import { evaluateCandidate } from '../../functions/evaluate-candidate';
import { promoteModel } from '../../functions/promote-model';
import { bestOfDays, promotedSince, recordPromotion } from '../../functions/model/promotions';
import { removeObject } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { settingsFor } from '../../infra/config';
import { isFailed } from '../../workflows/evaluation';
import type { Champion } from '../../workflows/payloads';
import { TestClock } from './support/clock';
import { eachWithLake } from './support/each-with-lake';
import { evaluationOf, even, labelRows, ndjson } from './support/evaluation';
import { put, putJsonObject, readJsonObject } from './support/launcher';
import { testRegistry } from './support/registry';
import { TRAINED, stepInput } from './support/state';

const ROWS = labelRows(600);
const { evaluation: settings } = settingsFor('dev');
const DAY = 24 * 3600 * 1000;
const START = Date.parse('2026-11-24T02:20:00.000Z');

let lake: LakeBucket;

eachWithLake(async (fresh) => {
  lake = fresh;
  await put(lake, 'raw-data/labels/people.ndjson', ndjson(ROWS));
});

const archiveKey = (version: string) => `model-outputs/${version}/output/model.tar.gz`;
const inLake = (key: string) => `s3://${lake.bucket}/${key}`;
const night = (number: number) => new Date(START + number * DAY);

const champion = (version: string, number: number, changes: Partial<Champion> = {}): Champion => ({
  schemaVersion: 1,
  modelVersion: version,
  modelUri: inLake(archiveKey(version)),
  evaluationUri: inLake(`model-outputs/${version}/evaluation.json`),
  manifestUri: inLake(`model-outputs/${version}/manifest.json`),
  configName: version,
  fingerprint: version,
  macroRecall: 0.7,
  promotedAt: night(number).toISOString(),
  promotedBy: 'arn:aws:states:us-east-1:000000000000:execution:pipeline:night',
  forced: false,
  previous: null,
  ...changes,
});

const promoted = async (...args: Parameters<typeof champion>) => {
  await put(lake, archiveKey(args[0]), 'archive');
  return champion(...args);
};

const bestAt = (number: number, version: string, days = 90) =>
  bestOfDays(lake, { now: night(number), days, champion: version });

describe('a series of candidates, each 0.8 points worse than the one before', () => {
  const FIRST = 0.77;
  // Of 200 rows of each class, so that no rounding makes a step larger.
  const recallOf = (number: number) => ({
    negative: FIRST - 0.01 * number,
    neutral: FIRST - 0.01 * number,
    positive: FIRST - 0.005 * number,
  });
  const version = (number: number) => `sl-2026112${number}-aaaaaaaaaaaa`;

  /** Runs training's choice, gate and promotion of a night; the evaluation says what the training would measure. */
  async function run(number: number, days: number): Promise<string[]> {
    const clock = new TestClock(night(number).toISOString());
    const train = {
      ...TRAINED,
      jobName: version(number),
      modelUri: inLake(archiveKey(version(number))),
      evaluationUri: inLake(`model-outputs/${version(number)}/evaluation.json`),
    };
    const before = number === 0 ? null : version(number - 1);
    const best = before === null ? null : await bestAt(number, before, days);
    await putJsonObject(lake, `model-outputs/${train.jobName}/input/request.json`, {
      ...REQUEST,
      best: best && { version: best.version, uri: best.modelUri },
    });
    const evaluation = evaluationOf({
      rows: ROWS,
      candidate: recallOf(number),
      champion: before === null ? null : recallOf(number - 1),
      best: best && even(FIRST),
      lexicon: even(0.5),
    });
    await putJsonObject(lake, `model-outputs/${train.jobName}/evaluation.json`, {
      ...evaluation,
      candidate: { ...evaluation.candidate, version: train.jobName },
      champion: evaluation.champion && {
        ...evaluation.champion,
        version: before,
        digest: undefined,
      },
      best: evaluation.best && { ...evaluation.best, version: best?.version, digest: undefined },
    });
    await put(lake, archiveKey(train.jobName), 'archive');
    const decision = await evaluateCandidate({
      lake,
      settings: { ...settings, bestOfDays: days },
      clock,
      ...testRegistry(),
    })(stepInput({ train }));
    if (decision.promote) {
      await promoteModel({ lake, clock, settings: settingsFor('dev').registry, ...testRegistry() })(
        stepInput({
          train,
          evaluation: decision,
          update: { status: 'DONE', endpointName: 'sentiment', configName: train.jobName },
        }),
      );
    }
    return decision.reasons.filter(isFailed);
  }

  test('goes down step by step where only the champion is compared', async () => {
    for (let number = 0; number < 5; number += 1) {
      expect(await run(number, 0)).toEqual([]);
    }

    expect(await readJsonObject(lake, 'model-outputs/champion.json')).toMatchObject({
      modelVersion: version(4),
    });
  });

  test('is stopped by the best model of the last days, with what it needed', async () => {
    expect(await run(0, 90)).toEqual([]);
    expect(await run(1, 90)).toEqual([]);

    expect(await run(2, 90)).toEqual([
      expect.stringMatching(
        /^failed: Best of 90 days \(sl-20261120-aaaaaaaaaaaa\): macro recall 75\.\d % against 77\.0 %, .*worse by more than 1\.0 points \(needed: at least 76\.0 %; seen: 75\.\d %\)$/,
      ),
    ]);
    expect(await readJsonObject(lake, 'model-outputs/champion.json')).toMatchObject({
      modelVersion: version(1),
    });
  });
});

const REQUEST = {
  schema_version: 1,
  run_id: 'run',
  execution_arn: 'arn',
  cleaned_data: [],
  labels: [],
  champion: null,
  golden_tweets: [],
  level: 0.95,
  languages: ['en'],
  hyperparameters: {},
  encoder: null,
  images: { training: 'training:1', serving: 'serving:1' },
  git: { commit: 'abc', dirty: false },
  lockfiles: {},
  fingerprint: 'seen',
};

describe('the best model of the last days', () => {
  test('is another one than the champion, or there is none', async () => {
    await recordPromotion(lake, await promoted('a', 0, { macroRecall: 0.76 }));
    expect(await bestAt(1, 'a')).toBeNull();

    await recordPromotion(
      lake,
      await promoted('b', 1, { macroRecall: 0.75, previous: 'a' }),
      -0.01,
    );
    expect(await bestAt(2, 'b')).toMatchObject({ version: 'a', macroRecall: 0.76 });

    await recordPromotion(lake, await promoted('c', 2, { macroRecall: 0.78, previous: 'b' }), 0.03);
    expect(await bestAt(3, 'c')).toBeNull();
  });

  test('is ranked by the differences on the same rows, not by macro recalls on different rows', async () => {
    // The held-out rows become easier, so that each worse model has a higher macro recall.
    await recordPromotion(lake, await promoted('a', 0, { macroRecall: 0.75 }));
    await recordPromotion(
      lake,
      await promoted('b', 1, { macroRecall: 0.76, previous: 'a' }),
      -0.008,
    );
    await recordPromotion(
      lake,
      await promoted('c', 2, { macroRecall: 0.77, previous: 'b' }),
      -0.008,
    );

    expect(await bestAt(3, 'c')).toMatchObject({ version: 'a' });
  });

  test('is the next one where its archive is gone, and none where all are', async () => {
    await recordPromotion(lake, await promoted('a', 0, { macroRecall: 0.76 }));
    await recordPromotion(
      lake,
      await promoted('b', 1, { macroRecall: 0.755, previous: 'a' }),
      -0.005,
    );
    await recordPromotion(
      lake,
      await promoted('c', 2, { macroRecall: 0.75, previous: 'b' }),
      -0.005,
    );

    await removeObject(lake, archiveKey('a'));
    expect(await bestAt(3, 'c')).toMatchObject({ version: 'b' });
    await removeObject(lake, archiveKey('b'));
    expect(await bestAt(3, 'c')).toBeNull();
  });

  test('is none that was promoted longer ago', async () => {
    await recordPromotion(lake, await promoted('a', 0, { macroRecall: 0.76 }));
    await recordPromotion(
      lake,
      await promoted('b', 30, { macroRecall: 0.75, previous: 'a' }),
      -0.01,
    );

    expect(await bestAt(90, 'b')).toMatchObject({ version: 'a' });
    expect(await bestAt(91, 'b')).toBeNull();
    expect(await bestAt(31, 'b', 0)).toBeNull();
  });

  test('is none from before a model that a person forced into service', async () => {
    await recordPromotion(lake, await promoted('a', 0, { macroRecall: 0.76 }));
    const forced = await promoted('b', 1, { macroRecall: 0.6, previous: 'a', forced: true });
    await recordPromotion(lake, forced, -0.16);

    expect(await bestAt(2, 'b')).toBeNull();
  });
});

describe('the record of the promotions', () => {
  test('holds each promotion once, and none older than a year', async () => {
    const first = await promoted('a', 0);
    await recordPromotion(lake, first);
    await recordPromotion(lake, first);
    await recordPromotion(lake, await promoted('b', 365, { previous: 'a' }), 0.01);
    await recordPromotion(lake, await promoted('c', 366, { previous: 'b' }), 0.01);

    expect(await promotedSince(lake, night(0))).toEqual([
      expect.objectContaining({
        version: 'b',
        minusChampion: { version: 'a', value: 0.01 },
        forced: false,
      }),
      expect.objectContaining({ version: 'c' }),
    ]);
    expect(await promotedSince(lake, night(366))).toHaveLength(1);
  });

  test('loses no promotion when two are written at the same time', async () => {
    const versions = ['a', 'b', 'c'];
    const champions = versions.map((version, at) => champion(version, at));

    await Promise.all(champions.map(async (one) => recordPromotion(lake, one)));

    const found = await promotedSince(lake, night(0));
    expect(found.map(({ version }) => version).sort()).toEqual(versions);
  });

  test('has no model whose macro recall an older release did not write', async () => {
    await recordPromotion(lake, champion('a', 0, { macroRecall: undefined }));

    expect(await promotedSince(lake, night(0))).toEqual([]);
  });
});

test('a promotion records itself and the champion it replaces, once, however often it is called', async () => {
  const clock = new TestClock(night(1).toISOString());
  await putJsonObject(lake, 'model-outputs/champion.json', champion('sl-older', 0));
  const { candidate } = evaluationOf({ rows: ROWS });
  const scores = {
    macro_recall: candidate.macro_recall,
    accuracy: candidate.accuracy,
    macro_f1: candidate.macro_f1,
    recall: candidate.recall,
  };
  const input = stepInput({
    train: {
      ...TRAINED,
      modelUri: inLake(archiveKey(TRAINED.jobName)),
      evaluationUri: inLake(`model-outputs/${TRAINED.jobName}/evaluation.json`),
      manifestUri: inLake(`model-outputs/${TRAINED.jobName}/manifest.json`),
    },
    evaluation: {
      promote: true,
      forced: false,
      reasons: ['passed: all'],
      inService: 'sl-older',
      heldOutRows: 600,
      candidate: scores,
      champion: { ...scores, version: 'sl-older' },
      lexicon: { ...scores, name: 'vader' },
      minusChampion: { value: 0.02, low: 0, high: 0.04, level: 0.95, resamples: 2000 },
      minusLexicon: { value: 0.02, low: 0, high: 0.04, level: 0.95, resamples: 2000 },
    },
    update: { status: 'DONE', endpointName: 'sentiment', configName: TRAINED.jobName },
  });

  const promote = promoteModel({
    lake,
    clock,
    settings: settingsFor('dev').registry,
    ...testRegistry(),
  });

  await promote(input);
  await promote(input);
  const record = await readJsonObject(lake, 'model-outputs/promotions.json');
  // A call that ended after the champion was written, and before its promotion was recorded.
  await putJsonObject(lake, 'model-outputs/promotions.json', { schemaVersion: 1, promotions: [] });
  await recordPromotion(lake, champion('sl-older', 0));
  await promote(input);

  expect(await readJsonObject(lake, 'model-outputs/promotions.json')).toEqual(record);
  expect(record).toEqual({
    schemaVersion: 1,
    promotions: [
      {
        version: 'sl-older',
        modelUri: inLake(archiveKey('sl-older')),
        macroRecall: 0.7,
        promotedAt: night(0).toISOString(),
        forced: false,
      },
      {
        version: TRAINED.jobName,
        modelUri: inLake(archiveKey(TRAINED.jobName)),
        macroRecall: candidate.macro_recall,
        minusChampion: { version: 'sl-older', value: 0.02 },
        promotedAt: night(1).toISOString(),
        forced: false,
      },
    ],
  });
});
