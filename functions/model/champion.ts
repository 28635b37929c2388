import { z } from 'zod';
import { durable } from '../../workflows/durable';
import { Champion } from '../../workflows/payloads';
import { getJson, putJson } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { CHAMPION_KEY, LATEST_TRAINING_KEY } from './names';

/** The model in service and the ETag of the object that says so; null before the first promotion. */
export const readChampion = (lake: LakeBucket): Promise<{ value: Champion; etag: string } | null> =>
  getJson(lake, CHAMPION_KEY, Champion);

/** The last training whose outcome is settled, promoted or refused: the same data again would teach nothing. */
export const SettledTraining = durable(
  'The record of the last training',
  z.object({
    schemaVersion: z.literal(1),
    jobName: z.string(),
    fingerprint: z.string(),
    settledAt: z.string(),
  }),
);
export type SettledTraining = z.infer<typeof SettledTraining>;

export async function readSettledTraining(lake: LakeBucket): Promise<SettledTraining | null> {
  return (await getJson(lake, LATEST_TRAINING_KEY, SettledTraining))?.value ?? null;
}

/**
 * Written by the gate that refuses a model and by the promotion that puts it into service, not by the
 * training: a model that was trained but never evaluated must be trained again by the next night.
 */
export const settleTraining = (
  lake: LakeBucket,
  training: Omit<SettledTraining, 'schemaVersion'>,
): Promise<void> =>
  putJson(lake, LATEST_TRAINING_KEY, { schemaVersion: 1, ...training } satisfies SettledTraining);
