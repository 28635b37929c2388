import { z } from 'zod';

/** What the training job leaves in `evaluation.json`, and all that the gate may read. */
export const Label = z.enum(['negative', 'neutral', 'positive']);
export type Label = z.infer<typeof Label>;

const Share = z.number().min(0).max(1);

/** Figures of one system on the held-out rows; recall per class by its true label. */
export const Scores = z.strictObject({
  macro_recall: Share,
  accuracy: Share,
  macro_f1: Share,
  recall: z.strictObject({ negative: Share, neutral: Share, positive: Share }),
});
export type Scores = z.infer<typeof Scores>;

/** A paired bootstrap over the held-out rows: candidate minus the other, in macro recall. */
export const Difference = z.strictObject({
  value: z.number().min(-1).max(1),
  low: z.number().min(-1).max(1),
  high: z.number().min(-1).max(1),
  level: z.number().gt(0).lt(1),
  resamples: z.number().int().positive(),
});
export type Difference = z.infer<typeof Difference>;

export const Evaluation = z.strictObject({
  schema_version: z.literal(1),
  metric: z.literal('macro_recall'),
  held_out: z.strictObject({
    rows: z.number().int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    labels: z.tuple([z.literal('negative'), z.literal('neutral'), z.literal('positive')]),
  }),
  candidate: Scores,
  champion: Scores.extend({ version: z.string() }).nullable(),
  lexicon: Scores.extend({ name: z.string() }),
  majority: Scores,
  candidate_minus_champion: Difference.nullable(),
  candidate_minus_lexicon: Difference,
  training: z.strictObject({
    epochs: z.number().int().positive(),
    seconds: z.number().nonnegative(),
    seed: z.number().int(),
    rows: z.strictObject({
      train: z.number().int().nonnegative(),
      validation: z.number().int().nonnegative(),
      test: z.number().int().nonnegative(),
      weak: z.number().int().nonnegative(),
    }),
  }),
});
export type Evaluation = z.infer<typeof Evaluation>;
