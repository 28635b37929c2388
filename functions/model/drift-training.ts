import { z } from 'zod';
import { durable } from '../../workflows/durable';
import { prefixes } from '../../workflows/datasets';
import { getJson, putJson } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import type { FunctionSettings } from '../settings/settings';
import { DAY_MS } from '../shared/clock';

/** The last comparison that gave a result, for the next training: docs/model.md, "Drift". */
export const LastDrift = durable(
  'The record of the last drift',
  z.object({
    schemaVersion: z.literal(1),
    runId: z.string(),
    comparedAt: z.iso.datetime(),
    /** The model that was in service. */
    modelVersion: z.string(),
    /** Names of the measures beyond their limits. */
    beyond: z.array(z.string()),
  }),
);
export type LastDrift = z.infer<typeof LastDrift>;

export const DRIFT_KEY = `${prefixes.models}drift.json`;

const KEY = `${prefixes.models}drift-training.json`;

export const DriftTraining = durable(
  'The record of the last training because of drift',
  z.object({
    schemaVersion: z.literal(1),
    executionArn: z.string(),
    at: z.iso.datetime(),
    beyond: z.array(z.string()),
  }),
);

/**
 * Whether an execution trains although nothing that a training reads has changed: the last run found the tweets beyond a
 * limit of drift for the model in service, and no training for that reason began within `retrainEveryDays` days. Records
 * that it does, before the training starts: an attempt that fails counts, and a redrive of the execution may try again.
 */
export async function claimDriftTraining(
  lake: LakeBucket,
  { retrain, retrainEveryDays }: FunctionSettings['drift'],
  run: { executionArn: string; modelVersion: string | undefined; startedAt: string },
): Promise<boolean> {
  if (!retrain) return false;
  const drift = (await getJson(lake, DRIFT_KEY, LastDrift))?.value;
  if (!drift || drift.beyond.length === 0 || drift.modelVersion !== run.modelVersion) return false;
  const before = (await getJson(lake, KEY, DriftTraining))?.value;
  const age = before ? Date.parse(run.startedAt) - Date.parse(before.at) : Infinity;
  if (before?.executionArn !== run.executionArn && age < retrainEveryDays * DAY_MS) return false;
  await putJson(lake, KEY, {
    schemaVersion: 1,
    executionArn: run.executionArn,
    at: run.startedAt,
    beyond: drift.beyond,
  } satisfies z.infer<typeof DriftTraining>);
  return true;
}
