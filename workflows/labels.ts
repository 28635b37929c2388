import { z } from 'zod';

/**
 * How a text came to be labelled: drawn at random from the lake, chosen because the model was unsure of it, or
 * brought from outside. Labels from before this was kept were brought from outside.
 */
export const Sampling = z.enum(['random', 'uncertain', 'import']);
export type Sampling = z.infer<typeof Sampling>;
