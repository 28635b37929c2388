import { z } from 'zod';

/** What the training job leaves in `evaluation.json`, and all that the gate may read. */
export const Label = z.enum(['negative', 'neutral', 'positive']);
export type Label = z.infer<typeof Label>;

export const labels = Label.options;

const Share = z.number().min(0).max(1);
const Rows = z.number().int().nonnegative();
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Signed = z.number().min(-1).max(1);
const PerLabel = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({ negative: value, neutral: value, positive: value });

/** Figures of one system on the held-out rows; recall per class by its true label. */
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

/** Of the macro recall, at the evaluation's level. */
const Interval = z.strictObject({ low: Share, high: Share });

const Counts = z.tuple([Rows, Rows, Rows]);

const Measured = Scores.extend({
  interval: Interval,
  /** A row per true class, a column per answer, in the order of `held_out.labels`. */
  confusion: z.tuple([Counts, Counts, Counts]),
});

/** A model, as it serves. */
export const MeasuredModel = Measured.extend({
  version: z.string().min(1),
  /**
   * Of all that its answers depend on (ml/training/lstm/archive.py): the endpoint has to serve this very model.
   * Unknown of evaluations that were written before there was one.
   */
  digest: Sha256.optional(),
  /** Of every held-out row's answer: models with the same one cannot be told apart. */
  answers_sha256: Sha256,
  calibration: z.strictObject({
    /** Guo et al. (2017): by how much the model is surer than right, over ten bins of its confidence. */
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

/** A kind of text; macro recall only where every class occurs. */
const Slice = z.strictObject({
  name: z.string(),
  rows: Rows,
  systems: z.record(
    z.string(),
    z.strictObject({ accuracy: Share.nullable(), macro_recall: Share.nullable() }),
  ),
});

export const Evaluation = z.strictObject({
  schema_version: z.literal(2),
  metric: z.literal('macro_recall'),
  held_out: z.strictObject({
    rows: Rows,
    per_class: PerLabel(Rows),
    /** Of which texts these are and what they are labelled: functions/model/held-out.ts counts again. */
    sha256: Sha256,
    labels: z.tuple([z.literal('negative'), z.literal('neutral'), z.literal('positive')]),
  }),
  /** Of every interval. */
  level: z.number().gt(0).lt(1),
  candidate: MeasuredModel,
  champion: MeasuredModel.nullable(),
  /** Why the champion in service could not be scored; null where it was, or where there is none. */
  champion_problem: z.string().nullable(),
  lexicon: Measured.extend({ name: z.literal('vader') }),
  linear: Measured.extend({ name: z.string() }),
  /** Always the commonest class of the training rows, which is its name. */
  majority: Measured.extend({ name: Label }),
  candidate_minus_champion: Difference.nullable(),
  candidate_minus_lexicon: Difference,
  candidate_minus_linear: Difference,
  /** The candidate's answers to the request's golden tweets; what is right is said by functions/model/golden-tweets.ts. */
  golden: z.array(z.strictObject({ text: z.string(), label: Label, probability: Share })),
  slices: z.array(Slice),
  /** By number of human labels, all of them last; null unless it was asked for. */
  learning_curve: z
    .array(
      z.strictObject({
        labels: z.number().int().positive(),
        model: z.strictObject({ macro_recall: Share, interval: Interval }),
        linear: Share,
      }),
    )
    .nullable(),
  /** By hash: the texts are in `evaluation.html` alone. */
  worst_mistakes: z.array(
    z.strictObject({ text_hash: Sha256, label: Label, answer: Label, probability: Share }),
  ),
  training: z.strictObject({
    epochs: z.number().int().positive(),
    seconds: z.number().nonnegative(),
    seed: z.number().int(),
    rows: z.strictObject({ train: Rows, validation: Rows, test: Rows, weak: Rows }),
  }),
});
export type Evaluation = z.infer<typeof Evaluation>;

/** Whether a sentence about a rule of the gate says that the rule failed; releases up to 484cd63 wrote `BROKEN`. */
export const isFailed = (reason: string): boolean => /^(failed|BROKEN): /.test(reason);
