import { z } from 'zod';
import { Label } from '../../workflows/evaluation';
import type { Sampling } from '../../workflows/labels';

/** A text without a human label, with the predictions of lexicon and model. */
export const Unlabelled = z.object({
  text_hash: z.string(),
  text: z.string(),
  lexicon_label: Label,
  model_label: Label.nullable(),
  model_confidence: z.coerce.number().nullable(),
});
export type Unlabelled = z.infer<typeof Unlabelled>;

export interface Drawn extends Unlabelled {
  sampling: Extract<Sampling, 'random' | 'uncertain'>;
}

/**
 * Alternates between a random text and the one that the model is least sure of; all random without a model. Only random
 * draws may be held out: hard texts alone would not tell how good a model is.
 */
export function* draw(
  texts: readonly Unlabelled[],
  random: () => number = Math.random,
): Generator<Drawn> {
  const left = new Map(texts.map((text) => [text.text_hash, text]));
  const unsure = texts
    .filter(({ model_confidence }) => model_confidence !== null)
    .sort((a, b) => (a.model_confidence ?? 1) - (b.model_confidence ?? 1));
  for (let turn = 0; left.size > 0; turn += 1) {
    const hardest =
      turn % 2 === 1 ? unsure.find(({ text_hash }) => left.has(text_hash)) : undefined;
    const any = [...left.values()][Math.floor(random() * left.size)];
    const text = hardest ?? any;
    if (!text) return;
    left.delete(text.text_hash);
    yield { ...text, sampling: hardest ? 'uncertain' : 'random' };
  }
}
