import { evaluateCandidate } from '../../functions/evaluate-candidate';
import type { LakeBucket } from '../../functions/lake/objects';
import {
  pruneModels,
  register,
  registeredModel,
  registeredModels,
} from '../../functions/model/registry';
import type { Decided } from '../../functions/model/registry';
import { promoteModel } from '../../functions/promote-model';
import { settingsFor } from '../../infra/config';
import type { Champion, RunState } from '../../workflows/payloads';
import { eachWithLake } from './support/each-with-lake';
import { TestClock } from './support/clock';
import { evaluationOf, labelRows } from './support/evaluation';
import { put, putJsonObject, readJsonObject } from './support/launcher';
import { TestRegistry, testRegistry } from './support/registry';
import { EXECUTION, PLAN, stepInput } from './support/state';

let lake: LakeBucket;
let sageMaker: TestRegistry;
let given: ReturnType<typeof testRegistry>;
const clock = new TestClock();

eachWithLake(async (fresh) => {
  lake = fresh;
  sageMaker = new TestRegistry();
  given = testRegistry(sageMaker);
});

const inLake = (key: string) => `s3://${lake.bucket}/${key}`;
const DIGEST = 'd'.repeat(64);

const model = (modelVersion: string, decidedAt: string): Decided => ({
  modelVersion,
  modelUri: inLake(`model-outputs/${modelVersion}/output/model.tar.gz`),
  evaluationUri: inLake(`model-outputs/${modelVersion}/evaluation.json`),
  manifestUri: inLake(`model-outputs/${modelVersion}/manifest.json`),
  fingerprint: `seen by ${modelVersion}`,
  macroRecall: 0.75,
  digest: DIGEST,
  execution: EXECUTION.arn,
  decidedAt,
});

const enter = (
  version: string,
  decidedAt: string,
  approval: 'Approved' | 'Rejected' = 'Approved',
) =>
  register(
    given.registry,
    lake,
    model(version, decidedAt),
    approval,
    'as told',
    given.servingImage,
  );

const champion = (modelVersion: string, previous: string | null): Champion => ({
  schemaVersion: 1,
  ...model(modelVersion, ''),
  macroRecall: 0.75,
  configName: modelVersion,
  promotedAt: '2026-11-20T03:00:00.000Z',
  promotedBy: EXECUTION.arn,
  forced: false,
  previous,
});
const putChampion = (modelVersion: string, previous: string | null = null) =>
  putJsonObject(lake, 'model-outputs/champion.json', champion(modelVersion, previous));

describe('The registry', () => {
  test('holds a model with its decision, figures and origin; a repeated call changes nothing', async () => {
    const evaluation = evaluationOf({ rows: labelRows(600) });
    await putJsonObject(lake, 'model-outputs/sl-a/evaluation.json', evaluation);
    const { low, high } = evaluation.candidate.interval;
    await enter('sl-a', '2026-11-20T03:00:00.000Z');
    await enter('sl-a', '2026-11-20T03:00:00.000Z');

    expect(await registeredModels(given.registry)).toEqual([
      {
        arn: 'arn:aws:sagemaker:us-east-1:000000000000:model-package/sentiment-lake-test/1',
        approval: 'Approved',
        because: 'as told',
        modelVersion: 'sl-a',
        modelUri: model('sl-a', '').modelUri,
        evaluation: model('sl-a', '').evaluationUri,
        manifest: model('sl-a', '').manifestUri,
        execution: EXECUTION.arn,
        decidedAt: '2026-11-20T03:00:00.000Z',
        fingerprint: 'seen by sl-a',
        macroRecall: 0.75,
        low,
        high,
        digest: DIGEST,
      },
    ]);
  });

  test('knows nobody before the first registration', async () => {
    expect(await registeredModels(given.registry)).toEqual([]);
    expect(await registeredModel(given.registry, 'sl-a')).toBeNull();
  });

  test('keeps the newest promoted models, and never deletes the one in service or the one before', async () => {
    for (const [place, version] of ['sl-a', 'sl-b', 'sl-c', 'sl-d'].entries())
      await enter(version, `2026-11-0${place + 1}T03:00:00.000Z`);
    await enter('sl-refused-long-ago', '2026-07-01T03:00:00.000Z', 'Rejected');
    await enter('sl-refused', '2026-11-01T03:00:00.000Z', 'Rejected');

    const gone = await pruneModels(
      given.registry,
      { keepModels: 2, keepRejectedDays: 90 },
      ['sl-d', 'sl-a'],
      new Date('2026-11-24T00:00:00Z'),
    );

    expect(gone).toEqual(['sl-b', 'sl-refused-long-ago']);
    const left = await registeredModels(given.registry);
    expect(left.map(({ modelVersion }) => modelVersion)).toEqual([
      'sl-d',
      'sl-c',
      'sl-refused',
      'sl-a',
    ]);
    expect(sageMaker.named('DeleteModel')).toEqual([{ ModelName: 'sl-b' }]);
    expect(sageMaker.named('DeleteEndpointConfig')).toEqual([{ EndpointConfigName: 'sl-b' }]);
  });
});

describe('A rollback', () => {
  const plan = (rollbackTo: string | null) => ({ ...PLAN, mode: 'rollback' as const, rollbackTo });
  const evaluate = (rollbackTo: string | null) =>
    evaluateCandidate({ lake, clock, settings: settingsFor('dev').evaluation, ...given })(
      stepInput({ plan: plan(rollbackTo) }),
    );
  const promote = (evaluation: RunState['evaluation'], version: string) =>
    promoteModel({ lake, clock, settings: settingsFor('dev').registry, ...given })(
      stepInput({
        plan: plan(null),
        evaluation,
        update: { status: 'DONE', endpointName: 'sentiment', configName: version },
      }),
    );

  test('takes the model before, whole, and records that it was one', async () => {
    await enter('sl-a', '2026-11-20T03:00:00.000Z');
    await enter('sl-b', '2026-11-21T03:00:00.000Z');
    await put(lake, 'model-outputs/sl-a/output/model.tar.gz', 'an archive');
    await putChampion('sl-b', 'sl-a');
    await putJsonObject(lake, 'model-outputs/latest-training.json', { schemaVersion: 2 });

    const evaluation = await evaluate(null);
    expect(evaluation).toMatchObject({
      promote: true,
      inService: 'sl-b',
      digest: DIGEST,
      rollback: { version: 'sl-a', fingerprint: 'seen by sl-a', macroRecall: 0.75 },
    });
    await promote(evaluation, 'sl-a');

    expect(await readJsonObject(lake, 'model-outputs/champion.json')).toMatchObject({
      modelVersion: 'sl-a',
      digest: DIGEST,
      macroRecall: 0.75,
      previous: 'sl-b',
      rolledBackFrom: 'sl-b',
      promotedBy: EXECUTION.arn,
    });
    // What was trained last stays known: the next night does not train, and so promote, the same again.
    expect(await readJsonObject(lake, 'model-outputs/latest-training.json')).toEqual({
      schemaVersion: 2,
    });
    expect((await registeredModel(given.registry, 'sl-b'))?.because).toContain('Rolled back from');
  });

  test.each([
    ['a version that nobody knows', 'sl-x', 'sl-x is not registered'],
    ['a refused candidate', 'sl-refused', 'sl-refused is registered as Rejected: as told'],
    ['the model in service', 'sl-b', 'sl-b is in service already'],
    ['a model without its archive', 'sl-a', 'Its archive is gone'],
  ])('never takes %s', async (_, version, why) => {
    await enter('sl-a', '2026-11-20T03:00:00.000Z');
    await enter('sl-refused', '2026-11-20T03:00:00.000Z', 'Rejected');
    await putChampion('sl-b', 'sl-a');

    await expect(evaluate(version)).rejects.toMatchObject({
      name: 'RollbackRefused',
      message: expect.stringContaining(why),
    });
  });

  test('says so where there is no model before', async () => {
    await expect(evaluate(null)).rejects.toMatchObject({
      message: expect.stringContaining('No model is in service'),
    });
    await putChampion('sl-a');
    await expect(evaluate(null)).rejects.toMatchObject({
      message: expect.stringContaining('there is none before it'),
    });
  });
});

test('a champion of an older release is registered by the promotion that replaces it', async () => {
  await putChampion('sl-a');
  const figures = {
    macro_recall: 0.7,
    accuracy: 0.7,
    macro_f1: 0.7,
    recall: { negative: 0.7, neutral: 0.7, positive: 0.7 },
  };
  await promoteModel({ lake, clock, settings: settingsFor('dev').registry, ...given })(
    stepInput({
      train: {
        status: 'DONE',
        jobName: 'sl-b',
        epochs: 1,
        seconds: 1,
        fingerprint: 'seen',
        modelUri: model('sl-b', '').modelUri,
        evaluationUri: model('sl-b', '').evaluationUri,
        manifestUri: model('sl-b', '').manifestUri,
      },
      evaluation: {
        promote: true,
        forced: false,
        reasons: ['passed: all'],
        inService: 'sl-a',
        heldOutRows: 600,
        candidate: figures,
        champion: null,
        lexicon: null,
        minusChampion: null,
        minusLexicon: null,
      },
      update: { status: 'DONE', endpointName: 'sentiment', configName: 'sl-b' },
    }),
  );

  const models = await registeredModels(given.registry);
  expect(
    models.map(({ modelVersion, approval, because }) => [modelVersion, approval, because]),
  ).toEqual([
    ['sl-b', 'Approved', 'passed: all'],
    ['sl-a', 'Approved', 'Promoted before there was a registry'],
  ]);
});
