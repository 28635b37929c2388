import { z } from 'zod';

/** A sentiment. The schemas below describe `evaluation.json`, which the training job writes and the gate reads. */
export const Label = z.enum(['negative', 'neutral', 'positive']);
export type Label = z.infer<typeof Label>;

export const labels = Label.options;

const Share = z.number().min(0).max(1);
const Rows = z.number().int().nonnegative();
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Signed = z.number().min(-1).max(1);
const PerLabel = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({ negative: value, neutral: value, positive: value });

/** Scores of one system on the held-out rows. `recall` is per true label. */
export const Scores = z.strictObject({
  macro_recall: Share,
  accuracy: Share,
  macro_f1: Share,
  recall: PerLabel(Share),
});
export type Scores = z.infer<typeof Scores>;

/** A paired bootstrap over the held-out rows: candidate minus the other, in macro recall. */
export const Difference = z.strictObject({
  value: Signed,
  low: Signed,
  high: Signed,
  level: z.number().gt(0).lt(1),
  resamples: z.number().int().positive(),
});
export type Difference = z.infer<typeof Difference>;

/** Confidence interval of the macro recall, at the evaluation's `level`. */
const Interval = z.strictObject({ low: Share, high: Share });

const Counts = z.tuple([Rows, Rows, Rows]);

const Measured = Scores.extend({
  interval: Interval,
  /** One row per true label, one column per predicted label, in the order of `held_out.labels`. */
  confusion: z.tuple([Counts, Counts, Counts]),
});

/** A model as the endpoint serves it. */
export const MeasuredModel = Measured.extend({
  version: z.string().min(1),
  /**
   * Hash of everything that its predictions depend on (ml/training/lstm/archive.py). The endpoint must serve a model
   * with this digest. Unknown in evaluations of older releases.
   */
  digest: Sha256.optional(),
  /** Hash of the predicted labels. Models with the same hash predict the same for every held-out row. */
  answers_sha256: Sha256,
  calibration: z.strictObject({
    /** Expected calibration error over ten bins of confidence (Guo et al. 2017). */
    expected_error: Share,
    bins: z.array(
      z.strictObject({
        from: Share,
        to: Share,
        rows: z.number().int().positive(),
        confidence: Share,
        accuracy: Share,
      }),
    ),
  }),
});
export type MeasuredModel = z.infer<typeof MeasuredModel>;

/** Mean cross entropy (natural logarithm) and macro recall of the network after an epoch. */
const AfterEpoch = z.strictObject({ loss: z.number().nonnegative(), macro_recall: Share });

/**
 * The training, epoch by epoch, counted from 1: on some of the human-labelled rows that it learnt from, and on the as
 * many validation rows that chose `best_epoch`. Both are measured without dropout, weights and smoothing.
 */
export const TrainingCurve = z.strictObject({
  best_epoch: z.number().int().positive(),
  epochs: z
    .array(
      z.strictObject({
        epoch: z.number().int().positive(),
        train: AfterEpoch,
        validation: AfterEpoch,
      }),
    )
    .min(1),
});
export type TrainingCurve = z.infer<typeof TrainingCurve>;

/** Scores on one kind of text. Macro recall is null unless every label occurs. */
const Slice = z.strictObject({
  name: z.string(),
  rows: Rows,
  systems: z.record(
    z.string(),
    z.strictObject({ accuracy: Share.nullable(), macro_recall: Share.nullable() }),
  ),
});

/** Templates of a group, by whether the candidate passes more or fewer of their sentences than the champion. */
const BetterAndWorse = z.strictObject({ better: Rows, worse: Rows });

/** Behavioural tests (ml/training/evaluation/behaviour.json): what a model must do with negations, emoji and the like. */
export const Behaviour = z.strictObject({
  /** Hash of the tests. */
  sha256: Sha256,
  groups: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        sentences: z.number().int().positive(),
        templates: z.number().int().positive(),
        /** Sentences passed. */
        passed: z.strictObject({ candidate: Rows, champion: Rows.nullable(), lexicon: Rows }),
        /** null without a champion. */
        against_champion: BetterAndWorse.nullable(),
      }),
    )
    .min(1),
});
export type Behaviour = z.infer<typeof Behaviour>;

export const Evaluation = z.strictObject({
  schema_version: z.literal(2),
  metric: z.literal('macro_recall'),
  held_out: z.strictObject({
    rows: Rows,
    per_class: PerLabel(Rows),
    /** Hash of the texts and their labels. functions/model/held-out.ts computes it again. */
    sha256: Sha256,
    labels: z.tuple([z.literal('negative'), z.literal('neutral'), z.literal('positive')]),
  }),
  /** Level of every interval. */
  level: z.number().gt(0).lt(1),
  candidate: MeasuredModel,
  champion: MeasuredModel.nullable(),
  /** Why the champion could not be scored; null if it was, or if there is none. */
  champion_problem: z.string().nullable(),
  /**
   * The best model of the last days, if it is not the champion; null if the request named none. Unknown in evaluations
   * of older releases.
   */
  best: MeasuredModel.nullable().optional(),
  /** Why the best model could not be scored. */
  best_problem: z.string().nullable().optional(),
  lexicon: Measured.extend({ name: z.literal('vader') }),
  linear: Measured.extend({ name: z.string() }),
  /** Always predicts the most frequent label of the training rows, which is its name. */
  majority: Measured.extend({ name: Label }),
  candidate_minus_champion: Difference.nullable(),
  candidate_minus_best: Difference.nullable().optional(),
  candidate_minus_lexicon: Difference,
  candidate_minus_linear: Difference,
  /** The candidate's predictions for the golden tweets. functions/model/golden-tweets.ts holds the right labels. */
  golden: z.array(z.strictObject({ text: z.string(), label: Label, probability: Share })),
  /** Unknown in evaluations of older releases. */
  behaviour: Behaviour.optional(),
  slices: z.array(Slice),
  /** By number of human labels, ascending; the last uses all. null unless `learning_curve` was set. */
  learning_curve: z
    .array(
      z.strictObject({
        labels: z.number().int().positive(),
        model: z.strictObject({ macro_recall: Share, interval: Interval }),
        linear: Share,
      }),
    )
    .nullable(),
  /** Hashes only; the texts are in `evaluation.html`. */
  worst_mistakes: z.array(
    z.strictObject({ text_hash: Sha256, label: Label, answer: Label, probability: Share }),
  ),
  training: z.strictObject({
    epochs: z.number().int().positive(),
    seconds: z.number().nonnegative(),
    seed: z.number().int(),
    rows: z.strictObject({ train: Rows, validation: Rows, test: Rows, weak: Rows }),
  }),
  /** Unknown in evaluations of older releases. */
  training_curve: TrainingCurve.optional(),
});
export type Evaluation = z.infer<typeof Evaluation>;

/** The gate's sentences as one text, what failed first: the registry keeps only its first 1,024 characters. */
export const becauseOf = (reasons: readonly string[]): string =>
  [...reasons.filter(isFailed), ...reasons.filter((reason) => !isFailed(reason))].join('; ');

/** The sentences of `becauseOf`, which themselves may hold semicolons. The last may be cut. */
export const reasonsIn = (because: string): string[] =>
  because.split(/; (?=(?:passed|failed|FORCED): |Behaviour, short of|Digest of the model: )/);

/** Whether a rule's sentence says that the rule failed. Releases up to 484cd63 wrote `BROKEN`. */
export const isFailed = (reason: string): boolean => /^(failed|BROKEN): /.test(reason);

/** Whether a rule's sentence says that the rule passed. Releases up to 484cd63 wrote `holds`. */
export const isPassed = (reason: string): boolean => /^(passed|holds): /.test(reason);
