import { z } from 'zod';

/** Objects below a prefix. Old versions include the markers of deletions, which have no bytes. */
const Objects = z.object({
  current: z.number(),
  bytes: z.number(),
  old: z.number(),
  oldBytes: z.number(),
});
export type Objects = z.infer<typeof Objects>;

/** What a lake keeps after a night. */
export const Kept = z.object({
  objects: z.record(z.string(), Objects),
  /** By table. */
  partitions: z.record(z.string(), z.number()),
  executions: z.number(),
  models: z.number(),
  configs: z.number(),
  trainingJobs: z.number(),
  transformJobs: z.number(),
});
export type Kept = z.infer<typeof Kept>;
