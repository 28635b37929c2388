import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { durable, lenient } from '../../workflows/durable';
import { Day } from '../../workflows/payloads';
import { getJson } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';

/** `forgotten.json` beside a model: it was given days or labels of which tweets have been forgotten since. */
export const ForgottenMark = durable(
  'The mark of a model',
  z.object({
    schemaVersion: z.literal(1),
    markedAt: z.string(),
    /** Versions of days that held them, as the model's manifest names them. */
    cleaned: z.array(lenient(z.object({ date: Day, version: z.string() }))),
    /** Label objects that held a label of their texts. */
    labels: z.array(z.string()),
  }),
);
export type ForgottenMark = z.infer<typeof ForgottenMark>;

export const forgottenMarkKey = (modelVersion: string): string =>
  `${prefixes.models}${modelVersion}/forgotten.json`;

/** The mark of a model, or null where it was given nothing that is forgotten. */
export async function readForgottenMark(
  lake: LakeBucket,
  modelVersion: string,
): Promise<ForgottenMark | null> {
  return (await getJson(lake, forgottenMarkKey(modelVersion), ForgottenMark))?.value ?? null;
}

/** As the end of a sentence about the model. */
export const describeMark = ({ markedAt, cleaned, labels }: ForgottenMark): string =>
  `was given tweets that have been forgotten since (marked ${markedAt.slice(0, 10)}: ${cleaned.length} days, ${labels.length} label objects)`;
