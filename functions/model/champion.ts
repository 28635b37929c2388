import { z } from 'zod';
import { durable } from '../../workflows/durable';
import { Champion } from '../../workflows/payloads';
import { getJson, putJson } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { CHAMPION_KEY, LATEST_TRAINING_KEY } from './names';

/** The model in service and the ETag of the object that says so; null before the first promotion. */
export const readChampion = (lake: LakeBucket): Promise<{ value: Champion; etag: string } | null> =>
  getJson(lake, CHAMPION_KEY, Champion);

/** The last training whose candidate was promoted or refused. Training on the same data again would change nothing. */
export const LastTraining = durable(
  'The record of the last training',
  z.object({
    schemaVersion: z.literal(2),
    jobName: z.string(),
    fingerprint: z.string(),
    decidedAt: z.string(),
  }),
  { 1: ({ settledAt, ...same }) => ({ ...same, decidedAt: settledAt }) },
);
export type LastTraining = z.infer<typeof LastTraining>;

export async function readLastTraining(lake: LakeBucket): Promise<LastTraining | null> {
  return (await getJson(lake, LATEST_TRAINING_KEY, LastTraining))?.value ?? null;
}

/**
 * Records the last training. The gate calls this when it refuses a candidate, and the promotion when it promotes one.
 * The training does not: a model that was trained but never evaluated must be trained again by the next run.
 */
export const recordLastTraining = (
  lake: LakeBucket,
  training: Omit<LastTraining, 'schemaVersion'>,
): Promise<void> =>
  putJson(lake, LATEST_TRAINING_KEY, { schemaVersion: 2, ...training } satisfies LastTraining);
