import { evaluateCandidate } from '../../functions/evaluate-candidate';
import type { LakeBucket } from '../../functions/lake/objects';
import { settingsFor } from '../../infra/config';
import { isFailed } from '../../workflows/evaluation';
import type { Evaluation } from '../../workflows/evaluation';
import type { Champion, RunState } from '../../workflows/payloads';
import { eachWithLake } from './support/each-with-lake';
import { TestClock } from './support/clock';
import { difference, evaluationOf, even, labelRows, measured, ndjson } from './support/evaluation';
import type { Passed } from './support/evaluation';
import { keysBelow, put, putJsonObject, readJsonObject } from './support/launcher';
import { testRegistry } from './support/registry';
import { PLAN, TRAINED, stepInput } from './support/state';

/*
 * The gate, attacked: each test gives it a night that must not put a model into service, and looks for the reason
 * in what the execution's history keeps. That the base night is promoted shows that it is the attack that fails.
 */
const ROWS = labelRows(600);
const { evaluation: settings } = settingsFor('dev');
const GRANT = { grant: 'v1', reason: 'the champion is broken beyond repair' };

let lake: LakeBucket;

eachWithLake(async (fresh) => {
  lake = fresh;
  await put(lake, 'raw-data/labels/people.ndjson', ndjson(ROWS));
});

const inLake = (key: string) => `s3://${lake.bucket}/${key}`;
const EVALUATION = `model-outputs/${TRAINED.jobName}/evaluation.json`;

const champion = (modelVersion = 'sl-champion'): Champion => ({
  schemaVersion: 1,
  modelVersion,
  modelUri: inLake('model-outputs/sl-champion/output/model.tar.gz'),
  evaluationUri: inLake('model-outputs/sl-champion/evaluation.json'),
  manifestUri: inLake('model-outputs/sl-champion/manifest.json'),
  configName: 'sl-champion',
  fingerprint: 'older',
  promotedAt: '2026-11-23T03:00:00.000Z',
  promotedBy: 'arn:of:the:night:before',
  forced: false,
  previous: null,
});

const putChampion = (modelVersion?: string, changes: Partial<Champion> = {}) =>
  putJsonObject(lake, 'model-outputs/champion.json', { ...champion(modelVersion), ...changes });

const step = (force: RunState['plan']['force'] = null) =>
  evaluateCandidate({ lake, settings, clock: new TestClock(), ...testRegistry() })(
    stepInput({
      plan: { ...PLAN, force },
      train: { ...TRAINED, evaluationUri: inLake(EVALUATION) },
    }),
  );

const BEST = {
  version: 'sl-best',
  uri: 's3://lake/model-outputs/sl-best/output/model.tar.gz',
};

/** What the training was asked to compare with, besides the champion. */
const putRequest = (best: object | null) =>
  putJsonObject(lake, `model-outputs/${TRAINED.jobName}/input/request.json`, {
    schema_version: 1,
    run_id: 'run',
    execution_arn: 'arn',
    cleaned_data: [],
    labels: [],
    champion: null,
    best,
    golden_tweets: [],
    level: 0.95,
    languages: ['en'],
    hyperparameters: {},
    encoder: null,
    images: { training: 'training:1', serving: 'serving:1' },
    git: { commit: 'abc', dirty: false },
    lockfiles: {},
    fingerprint: 'seen',
  });

async function evaluate(evaluation: unknown, force?: RunState['plan']['force']) {
  const text = typeof evaluation === 'string' ? evaluation : JSON.stringify(evaluation);
  await put(lake, EVALUATION, text);
  return step(force);
}

const night = (changes: Parameters<typeof evaluationOf>[0] = {}) =>
  evaluationOf({ rows: ROWS, ...changes });
const against = (theirs: number, ours = 0.77, spread?: number) =>
  night({ champion: even(theirs), candidate: even(ours), ...(spread !== undefined && { spread }) });

/** The evaluation with one thing changed, by a path of names. */
function changed(evaluation: Evaluation, path: string, value: unknown): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(evaluation));
  const names = path.split('.');
  const last = names.pop() ?? '';
  const at = names.reduce<unknown>((node, name) => Reflect.get(Object(node), name), copy);
  if (value === undefined) Reflect.deleteProperty(Object(at), last);
  else Reflect.set(Object(at), last, value);
  return copy;
}

test('the night that is attacked below is promoted as it is, with every rule and its figures', async () => {
  await putChampion();

  const decision = await evaluate(against(0.75));

  expect(decision).toMatchObject({
    promote: true,
    forced: false,
    inService: 'sl-champion',
    heldOutRows: 600,
  });
  expect(decision.reasons).toEqual([
    'passed: Held-out rows: 600, 200 of them negative (needed: at least 200, 30 of each class; seen: 600, 200)',
    'passed: Level of the intervals: 95.0 % (needed: 95.0 %, as configured; seen: 95.0 %)',
    'passed: Lexicon (vader): macro recall 77.0 % against 70.0 %, difference +7.0 points [+5.0, +9.0] at 95 % (needed: more than 70.0 %; seen: 77.0 %)',
    'passed: Champion (sl-champion): macro recall 77.0 % against 75.0 %, difference +2.0 points [+0.0, +4.0] at 95 % (needed: at least 74.0 %; seen: 77.0 %)',
    'passed: Best of 90 days: no archived model ranks above the champion',
    'passed: Recall by class, against the champion: negative +2.0, neutral +2.0, positive +2.0 points (needed: at least −10.0 in each class; seen: +2.0)',
    'passed: Different from the champion: predictions differ on some rows (needed: another prediction on at least one row; seen: that)',
    'passed: Golden tweets: 0 of 8 misread (needed: 0; seen: 0)',
    'passed: Behaviour, sentences passed against the lexicon (vader): negation 50 of 60 against 50, names 50 of 60 against 50, ' +
      'intensifiers 50 of 60 against 50, emoji 50 of 60 against 50, irony 50 of 60 against 50, noise 50 of 60 against 50, ' +
      'questions 50 of 60 against 50 (needed: at least negation 47, names 47, intensifiers 47, emoji 47, irony 47, noise 47, ' +
      'questions 47; seen: that)',
    "passed: Behaviour, templates better and worse than the champion's (sl-champion): negation +0 −0, names +0 −0, " +
      'intensifiers +0 −0, emoji +0 −0, irony +0 −0, noise +0 −0, questions +0 −0 (needed: a chance of more than 0.71 % in ' +
      'each group, by the sign test; seen: at least 100.00 %)',
    expect.stringMatching(
      /^Digest of the model: [0-9a-f]{64}; the endpoint has to serve this one$/,
    ),
  ]);
  expect(decision.digest).toBe(against(0.75).candidate.digest);
});

describe('an evaluation that is not to be trusted is a reason, and force does not reach past it', () => {
  const base = night();
  const nan = JSON.stringify(base).replace(/"macro_recall":[0-9.]+/, '"macro_recall":NaN');
  const infinite = JSON.stringify(base).replace(/"low":-?[0-9.e-]+/, '"low":-Infinity');

  test.each([
    [
      'a figure that is NaN, as Python writes it',
      nan,
      'candidate.macro_recall: must be a number (got "NaN")',
    ],
    ['a figure that is infinite', infinite, 'must be a number (got "-Infinity")'],
    [
      'NaN that became null',
      changed(base, 'candidate.accuracy', null),
      'candidate.accuracy: must be a number',
    ],
    [
      'a missing metric',
      changed(base, 'candidate.macro_recall', undefined),
      'candidate.macro_recall: is missing',
    ],
    [
      'a metric of another name',
      changed(base, 'metric', 'accuracy'),
      'metric: must be "macro_recall" (got "accuracy")',
    ],
    [
      'a figure of another name',
      changed(base, 'candidate.macro_precision', 0.9),
      'candidate: unknown field "macro_precision"',
    ],
    ['another schema', changed(base, 'schema_version', 1), 'schema_version: must be 2'],
    [
      'a share above one',
      changed(base, 'candidate.recall.neutral', 1.2),
      'candidate.recall.neutral: must be at most 1',
    ],
    ['no lexicon', changed(base, 'lexicon', undefined), 'lexicon: is missing'],
    ['another lexicon', changed(base, 'lexicon.name', 'empty'), 'lexicon.name: must be "vader"'],
    [
      'a changed label set',
      changed(base, 'held_out.labels', ['negative', 'positive']),
      'held_out.labels',
    ],
    [
      'labels in another order',
      changed(base, 'held_out.labels', ['positive', 'neutral', 'negative']),
      'held_out.labels.0: must be "negative"',
    ],
    [
      'a macro recall its confusion contradicts',
      changed(base, 'candidate.macro_recall', 0.95),
      'candidate.macro_recall is 0.95, but by its confusion 0.77',
    ],
    [
      'recalls of two classes swapped',
      changed(
        night({ candidate: { negative: 0.9, neutral: 0.7, positive: 0.8 } }),
        'candidate.recall',
        { negative: 0.8, neutral: 0.7, positive: 0.9 },
      ),
      'candidate.recall.negative is 0.8, but by its confusion 0.9',
    ],
    [
      'a lexicon that was made worse',
      changed(base, 'lexicon.macro_recall', 0.3),
      'lexicon.macro_recall is 0.3',
    ],
    [
      'more rows than were answered',
      changed(base, 'held_out.rows', 6000),
      'confusion holds 600 rows, not 6000',
    ],
    [
      'classes of another size',
      changed(base, 'held_out.per_class', { negative: 300, neutral: 200, positive: 100 }),
      'confusion holds 200 negative rows, not 300',
    ],
    [
      'a difference that contradicts the figures',
      changed(base, 'candidate_minus_lexicon', difference(0.2)),
      'candidate_minus_lexicon is 0.2',
    ],
    [
      'an interval beside its difference',
      changed(base, 'candidate_minus_lexicon', { ...difference(0.07), low: 0.08, high: 0.09 }),
      'does not hold',
    ],
    [
      'an interval from a handful of draws',
      changed(base, 'candidate_minus_lexicon.resamples', 10),
      'comes of 10 resamples',
    ],
    [
      'a difference to no champion',
      changed(base, 'candidate_minus_champion', difference(0.1)),
      'champion and candidate_minus_champion',
    ],
    [
      'the figures of another model',
      changed(base, 'candidate.version', 'sl-yesterday'),
      'it is about sl-yesterday, and trained was',
    ],
    [
      'held-out rows of another label set',
      night({ rows: labelRows(601) }),
      'are not the 600 that the labels in the lake give now',
    ],
    [
      'the hash of another label set',
      changed(base, 'held_out.sha256', 'a'.repeat(64)),
      'its 600 held-out rows (aaaaaaaaaaaa) are not the 600',
    ],
  ])('%s', async (_, evaluation, reason) => {
    for (const force of [null, GRANT]) {
      const decision = await evaluate(evaluation, force);

      expect(decision).toMatchObject({ promote: false, forced: false });
      expect(decision.reasons.join()).toContain('failed: Evaluation: not to be trusted: ');
      expect(decision.reasons.join()).toContain(reason);
    }
  });

  test('one that compares with a model that is not in service', async () => {
    await putChampion('sl-another');

    const decision = await evaluate(against(0.7), GRANT);

    expect(decision.promote).toBe(false);
    expect(decision.reasons.join()).toContain(
      'it compares with sl-champion, but in service is sl-another',
    );
  });

  test('one that compares with an archive that was changed since it was promoted', async () => {
    const evaluation = against(0.7);
    await putChampion('sl-champion', { digest: 'b'.repeat(64) });

    const decision = await evaluate(evaluation, GRANT);

    expect(decision.promote).toBe(false);
    expect(decision.reasons.join()).toContain(
      'the archive of the champion sl-champion was changed since it was promoted',
    );
  });

  test('one that compares with another best model than requested, or with a changed archive', async () => {
    const evaluation = night({ best: even(0.7) });
    for (const [best, reason] of [
      [null, 'it compares with sl-best as the best model, but requested was none'],
      [{ ...BEST, version: 'sl-other' }, 'but requested was sl-other'],
      [
        { ...BEST, digest: 'b'.repeat(64) },
        'the archive of the best model sl-best was changed since it was promoted',
      ],
    ] as const) {
      await putRequest(best);

      const decision = await evaluate(evaluation, GRANT);

      expect(decision.promote).toBe(false);
      expect(decision.reasons.join()).toContain(reason);
    }
  });

  test.each([
    ['a group twice', 'groups.1.name', 'negation', 'behaviour holds a group twice'],
    ['more passes than sentences', 'groups.0.passed.candidate', 61, 'counts more than its 60'],
    ['a champion that nobody has', 'groups.0.passed.champion', 50, 'must count the champion if'],
  ])('behavioural tests with %s', async (_, path, value, reason) => {
    const decision = await evaluate(changed(night(), `behaviour.${path}`, value), GRANT);

    expect(decision.promote).toBe(false);
    expect(decision.reasons.join()).toContain(`Evaluation: not to be trusted: `);
    expect(decision.reasons.join()).toContain(reason);
  });

  test('behavioural tests whose templates hide a loss', async () => {
    await putChampion();
    const passed = { candidate: 10, champion: 50, lexicon: 50, better: 0, worse: 0 };

    const decision = await evaluate(
      night({ champion: even(0.75), behaviour: { negation: passed } }),
      GRANT,
    );

    expect(decision.reasons.join()).toContain(
      'behaviour.negation has 10 sentences against 50, which 0 better and 0 worse of 20 templates do not give',
    );
  });

  test('not one of a champion or a candidate of an older version, whose digest nobody knows', async () => {
    await putChampion();

    const decision = await evaluate(changed(against(0.75), 'candidate.digest', undefined));

    expect(decision.promote).toBe(true);
    expect(decision.digest).toBeUndefined();
    expect(decision.reasons.join()).toContain('Digest of the model: unknown');
  });

  test('one that compares with a model while none is in service', async () => {
    expect((await evaluate(against(0.7), GRANT)).promote).toBe(false);
  });

  test('labels swapped after the training: the held-out rows are no longer these', async () => {
    const swapped = { negative: 'positive', neutral: 'neutral', positive: 'negative' } as const;
    const evaluation = night();
    await put(
      lake,
      'raw-data/labels/people.ndjson',
      ndjson(ROWS.map((row) => ({ ...row, label: swapped[row.label] }))),
    );

    const decision = await evaluate(evaluation);

    expect(decision.promote).toBe(false);
    expect(decision.reasons.join()).toContain('another label set');
  });
});

describe('a broken rule keeps the model out', () => {
  const nobody = night({
    candidate: { negative: 1, neutral: 0.2, positive: 1 },
    champion: even(0.7),
  });
  const swappedGolden = night().golden.map((answer) => ({
    ...answer,
    label: ({ negative: 'positive', neutral: 'neutral', positive: 'negative' } as const)[
      answer.label
    ],
  }));

  test.each([
    ['a lexicon that is as good', night({ lexicon: even(0.77) }), 'failed: Lexicon (vader)'],
    [
      'a champion that is better by more than the tolerance',
      against(0.785),
      'difference −1.5 points [−3.5, +0.5] at 95 %, worse by more than 1.0 points (needed: at least 77.5 %; seen: 77.0 %)',
    ],
    ['a champion that is certainly better', against(0.775, 0.77, 0.001), 'certainly worse'],
    [
      'a class given up for the others',
      nobody,
      'failed: Recall by class, against the champion: negative +30.0, neutral −50.0',
    ],
    [
      'a candidate that answers as the champion does',
      changed(against(0.77), 'candidate.answers_sha256', against(0.77).champion?.answers_sha256),
      'failed: Different from the champion: no, same predictions on all 600 rows',
    ],
    ['intervals at a laxer level', lax(against(0.75)), 'failed: Level of the intervals: 60.0 %'],
    [
      'labels swapped before the training: the figures are fine, plain sentences are not',
      { ...night(), golden: swappedGolden },
      'failed: Golden tweets: 6 of 8 misread',
    ],
    [
      'golden tweets that were not asked',
      { ...night(), golden: [] },
      'failed: Golden tweets: 8 of 8 were not answered',
    ],
    [
      'golden tweets replaced by easier ones',
      { ...night(), golden: [{ text: 'good', label: 'positive', probability: 1 }] },
      '8 of 8 were not answered',
    ],
  ])('%s', async (_, evaluation, reason) => {
    const compares =
      typeof evaluation === 'object' &&
      evaluation !== null &&
      Reflect.get(evaluation, 'champion') !== null;
    if (compares) await putChampion();

    const decision = await evaluate(evaluation);

    expect(decision).toMatchObject({ promote: false, forced: false });
    expect(decision.reasons.filter((one) => one.startsWith('failed')).join()).toContain(reason);
    // A refusal settles the training: the same data is not learnt again the next night.
    expect(await readJsonObject(lake, 'model-outputs/latest-training.json')).toMatchObject({
      jobName: TRAINED.jobName,
    });
  });

  test('a tiny hold-out, in all or of one class', async () => {
    for (const [rows, reason] of [
      [labelRows(60), 'Held-out rows: 60, 20 of them negative'],
      [
        labelRows(600).filter((row, at) => row.label !== 'neutral' || at % 12 === 0),
        'of them neutral',
      ],
    ] as const) {
      await put(lake, 'raw-data/labels/people.ndjson', ndjson(rows));

      const decision = await evaluate(night({ rows, candidate: even(0.95), lexicon: even(0.4) }));

      expect(decision.promote).toBe(false);
      expect(decision.reasons.filter((one) => one.startsWith('failed')).join()).toContain(reason);
      expect(decision.reasons.join()).toContain('npm run lake -- label');
    }
  });

  test.each([
    ['missing', 'there is no archive of sl-champion'],
    ['corrupt', 'model.tar.gz is not a readable tar.gz: not a gzip file'],
  ])('a champion that is %s', async (_, champion_problem) => {
    await putChampion();

    const decision = await evaluate({ ...night(), champion_problem });

    expect(decision).toMatchObject({ promote: false, champion: null, inService: 'sl-champion' });
    expect(decision.reasons).toContain(
      `failed: Champion (sl-champion): could not be scored: ${champion_problem}`,
    );
  });

  test('a best model of the last days that is better by more than the tolerance', async () => {
    await putChampion();
    await putRequest(BEST);

    const decision = await evaluate(
      night({ champion: even(0.775), best: even(0.785), candidate: even(0.77) }),
    );

    expect(decision.promote).toBe(false);
    // The champion alone would have let it through.
    expect(decision.reasons.filter(isFailed)).toEqual([
      'failed: Best of 90 days (sl-best): macro recall 77.0 % against 78.5 %, difference −1.5 points [−3.5, +0.5] at 95 %, ' +
        'worse by more than 1.0 points (needed: at least 77.5 %; seen: 77.0 %)',
    ]);
  });

  test('a best model that is certainly better, although within the tolerance', async () => {
    await putChampion();
    await putRequest(BEST);

    const decision = await evaluate(
      night({ champion: even(0.775), best: even(0.775), candidate: even(0.77), spread: 0.001 }),
    );

    expect(decision.reasons.filter(isFailed).join()).toMatch(
      /Best of 90 days .* certainly worse \(needed: at least 77\.4 %; seen: 77\.0 %\)/,
    );
  });

  test('a best model that could not be scored', async () => {
    await putRequest(BEST);

    const decision = await evaluate({ ...night(), best_problem: 'model.tar.gz is cut' });

    expect(decision.reasons.filter(isFailed)).toEqual([
      'failed: Best of 90 days (sl-best): could not be scored: model.tar.gz is cut. Restore the archive, or delete it: ' +
        'then the next best is compared',
    ]);
  });

  test('an evaluation of an older release, which had no behavioural tests and no best model', async () => {
    const older = ['behaviour', 'best', 'best_problem', 'candidate_minus_best'].reduce<unknown>(
      (evaluation, name) => without(evaluation, name),
      night(),
    );

    const decision = await evaluate(older);

    // It is read and every other rule applied: only what nobody measured is missing.
    expect(decision.heldOutRows).toBe(600);
    expect(decision.reasons.filter(isFailed)).toEqual([
      'failed: Behaviour: not tested, an older release trained this model. Start a new execution with {"mode":"retrain"}',
    ]);
  });

  describe('behavioural tests', () => {
    const reasonsWith = async (negation: Passed) => {
      await putChampion();
      return evaluate(night({ champion: even(0.75), behaviour: { negation } }));
    };

    test('fewer than the lexicon where the champion has reached it', async () => {
      const decision = await reasonsWith({
        candidate: 46,
        champion: 47,
        lexicon: 50,
        better: 0,
        worse: 1,
      });

      expect(decision.promote).toBe(false);
      expect(decision.reasons.filter(isFailed)).toEqual([
        expect.stringMatching(
          /^failed: Behaviour, sentences passed against the lexicon \(vader\): negation 46 of 60 against 50, .* \(needed: at least negation 47, as the champion has; seen: negation 46\)$/,
        ),
      ]);
    });

    test('fewer than the lexicon, and no model before reached it: said, and no reason to refuse', async () => {
      const decision = await reasonsWith({
        candidate: 7,
        champion: 8,
        lexicon: 54,
        better: 1,
        worse: 2,
      });

      expect(decision.promote).toBe(true);
      expect(decision.reasons).toContain(
        'Behaviour, short of the lexicon: negation 7 of 60 (needed: at least 51). No model in service reaches it there, so this refuses none',
      );
    });

    test('the first model of a lake, which is short of the lexicon, is promoted and told', async () => {
      const decision = await evaluate(
        night({ behaviour: { negation: { candidate: 7, lexicon: 54 } } }),
      );

      expect(decision.promote).toBe(true);
      expect(decision.reasons.join()).toContain('short of the lexicon: negation 7 of 60');
      expect(decision.reasons.filter((reason) => reason.includes('templates better'))).toEqual([]);
    });

    test('worse than the champion in so many templates that it is no chance', async () => {
      const counts = { candidate: 52, champion: 55, lexicon: 20 };

      const chance = await reasonsWith({ ...counts, better: 1, worse: 8 });
      const worse = await reasonsWith({ ...counts, better: 0, worse: 8 });

      expect(chance.promote).toBe(true);
      expect(worse.promote).toBe(false);
      expect(worse.reasons.filter(isFailed)).toEqual([
        expect.stringMatching(
          /^failed: Behaviour, templates better and worse than the champion's \(sl-champion\): negation \+0 −8, .*needed: a chance of more than 0\.71 % in each group, by the sign test; seen: negation 0\.39 %\)$/,
        ),
      ]);
    });
  });

  test('an evaluation that keeps silent about the champion in service', async () => {
    await putChampion();

    expect((await evaluate(night())).reasons.join()).toContain(
      'failed: Champion (sl-champion): could not be scored',
    );
  });
});

function without(evaluation: unknown, name: string): unknown {
  const copy = { ...Object(evaluation) };
  Reflect.deleteProperty(copy, name);
  return copy;
}

function lax(evaluation: Evaluation): unknown {
  const text = JSON.stringify(evaluation).replaceAll('"level":0.95', '"level":0.6');
  const value: unknown = JSON.parse(text);
  return value;
}

describe('where there is nothing to read, the execution ends', () => {
  test.each([
    ['no JSON', '{"metric":'],
    ['a list', '[]'],
    ['nothing', ''],
  ])('%s', async (_, text) => {
    await put(lake, EVALUATION, text === '' ? ' ' : text);

    await expect(step(GRANT)).rejects.toMatchObject({ name: 'EvaluationUnusable' });
    expect(await keysBelow(lake, 'model-outputs/latest')).toEqual([]);
  });

  test('no such object', async () => {
    await expect(step(GRANT)).rejects.toMatchObject({ name: 'EvaluationUnusable' });
  });
});

describe('force', () => {
  test('promotes a model that breaks a rule, and the history says by which grant', async () => {
    const decision = await evaluate(night({ candidate: even(0.6) }), GRANT);

    expect(decision).toMatchObject({ promote: true, forced: true });
    expect(decision.reasons.at(-1)).toBe(
      'FORCED: promoted all the same, by the grant v1: “the champion is broken beyond repair”',
    );
  });

  test('reaches past a champion that is corrupt: else nobody could ever replace it', async () => {
    await putChampion();

    const decision = await evaluate({ ...night(), champion_problem: 'damaged' }, GRANT);

    expect(decision).toMatchObject({ promote: true, forced: true, inService: 'sl-champion' });
  });

  test('is not recorded for a model that keeps all rules', async () => {
    expect(await evaluate(night(), GRANT)).toMatchObject({ promote: true, forced: false });
  });
});

test('the builder of this test makes figures that fit each other', () => {
  expect(measured(even(0.5), { negative: 10, neutral: 10, positive: 10 })).toMatchObject({
    macro_recall: 0.5,
    accuracy: 0.5,
    macro_f1: 0.5,
  });
});
