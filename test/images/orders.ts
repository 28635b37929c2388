import { z } from 'zod';

/** What `sealed.ts` is to run. */
export const Orders = z.object({
  root: z.string(),
  optMl: z.string(),
  workdir: z.string(),
  program: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  /** Texts that a program which serves is asked about; without them the program is one that ends by itself. */
  texts: z.array(z.string()).optional(),
  limitSeconds: z.number(),
});
export type Orders = z.infer<typeof Orders>;

/** How it went. */
export const Outcome = z.object({
  code: z.number(),
  /** The end of what the program wrote. */
  said: z.string(),
  answer: z.object({ readyMillis: z.number(), status: z.number(), body: z.string() }).optional(),
  /** How long the program took to end after SIGTERM. */
  stopMillis: z.number().optional(),
});
export type Outcome = z.infer<typeof Outcome>;
