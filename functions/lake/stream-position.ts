import { z } from 'zod';
import { streamPositions } from '../../workflows/datasets';
import { durable } from '../../workflows/durable';
import { getJson, putJson } from './objects';
import type { LakeBucket } from './objects';

/** The last record of a shard that the stream scorer took. */
export const StreamPosition = durable(
  'The position of the stream scorer',
  z.object({
    schemaVersion: z.literal(1),
    sequenceNumber: z.string(),
    takenAt: z.iso.datetime(),
  }),
);

const keyOf = (shard: string): string => `${streamPositions}${shard}.json`;

export const keepPosition = (
  lake: LakeBucket,
  shard: string,
  sequenceNumber: string,
  now: Date,
): Promise<void> =>
  putJson(lake, keyOf(shard), {
    schemaVersion: 1,
    sequenceNumber,
    takenAt: now.toISOString(),
  } satisfies z.infer<typeof StreamPosition>);

/** Null before the first batch of the shard. */
export const readPosition = async (lake: LakeBucket, shard: string): Promise<string | null> =>
  (await getJson(lake, keyOf(shard), StreamPosition))?.value.sequenceNumber ?? null;
