import { z } from 'zod';

/**
 * How a text came to be labelled: drawn at random from the lake, chosen because the model was unsure of it, or
 * brought from outside. Labels from before this was kept were brought from outside.
 */
export const Sampling = z.enum(['random', 'uncertain', 'import']);
export type Sampling = z.infer<typeof Sampling>;

/** The key (workflows/text-key.ts) of a text of which nothing is left: a label of it would be one of all such tweets. */
export const NO_TEXT_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * A label that says it was given later than this is none: the newest label of a text counts, so it would count for ever.
 * A day is for clocks that are wrong.
 */
export const latestImport = (now: Date): string =>
  new Date(now.getTime() + 86_400_000).toISOString();
