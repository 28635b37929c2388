import { z } from 'zod';

/**
 * Why a text was labelled: it was drawn at random, chosen because the model was uncertain, or imported. Labels without
 * this field were imported.
 */
export const Sampling = z.enum(['random', 'uncertain', 'import']);
export type Sampling = z.infer<typeof Sampling>;

/** The key (workflows/text-key.ts) of an empty text. A label for it would apply to all tweets without words. */
export const NO_TEXT_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * Labels dated further in the future are ignored: the newest label of a text counts, so such a label would win for ever.
 * One day allows for wrong clocks.
 */
export const latestImport = (now: Date): string =>
  new Date(now.getTime() + 86_400_000).toISOString();
