import { PutObjectCommand } from '@aws-sdk/client-s3';
import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { z } from 'zod';
import { Label } from '../../workflows/evaluation';
import { datasets } from '../../workflows/datasets';
import type { Column } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import { MAX_TEXTS_A_CALL, predict } from './endpoint';
import type { Endpoint, Prediction } from './endpoint';
import type { Clock } from '../shared/clock';
import { addPartitions } from '../lake/catalog';
import type { Catalog } from '../lake/catalog';
import { uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';

/** A row of `scored`; a test holds it to datasets.json. */
export const ScoredRow = z.strictObject({
  tweet_id: z.string(),
  label: Label,
  negative: z.number(),
  neutral: z.number(),
  positive: z.number(),
  model_version: z.string(),
  scored_at: z.date(),
  /** Files of older releases lack the column. */
  unknown_words: z
    .union([z.bigint().transform(Number), z.number()])
    .nullable()
    .default(null),
});
export type ScoredRow = z.infer<typeof ScoredRow>;

/**
 * Predicts the sentiment of each tweet, in order, in batches of `MAX_TEXTS_A_CALL`. Throws `ScoringFailed` when the
 * endpoint fails, or when it serves another model than `modelVersion`.
 */
export async function scoreInBatches(
  endpoint: Endpoint,
  tweets: readonly { id: string; text: string }[],
  { clock = endpoint.clock, modelVersion }: { clock?: Clock; modelVersion?: string } = {},
): Promise<ScoredRow[]> {
  const rows: ScoredRow[] = [];
  for (let start = 0; start < tweets.length; start += MAX_TEXTS_A_CALL) {
    const batch = tweets.slice(start, start + MAX_TEXTS_A_CALL);
    const texts = batch.map(({ text }) => text);
    const { model_version, predictions } = await predict(endpoint, texts);
    if (modelVersion !== undefined && model_version !== modelVersion) {
      throw new StepError(
        'ScoringFailed',
        `The endpoint ${endpoint.name} answers as ${model_version}, but the champion is ${modelVersion}`,
      );
    }
    const scored_at = clock.now();
    for (const [index, { id: tweet_id }] of batch.entries()) {
      const prediction = predictions[index];
      if (prediction === undefined) throw new Error(`no prediction for ${tweet_id}`);
      rows.push({ tweet_id, ...columnsOf(prediction), model_version, scored_at });
    }
  }
  return rows;
}

/** The columns of a prediction. */
export const columnsOf = ({ label, probabilities, unknown_words }: Prediction) => ({
  label,
  ...probabilities,
  unknown_words: unknown_words ?? null,
});

/**
 * Writes a day's predictions as one Parquet object; the same name overwrites itself. Adds the day to the catalog unless
 * it is among `known`, and then to these.
 */
export async function writeScored(
  lake: LakeBucket,
  catalog: Catalog,
  day: string,
  name: string,
  rows: readonly ScoredRow[],
  known = new Set<string>(),
): Promise<void> {
  const folder = `${datasets.scored.prefix}dt=${day}/`;
  await lake.s3.send(
    new PutObjectCommand({
      Bucket: lake.bucket,
      Key: `${folder}${name}.parquet`,
      Body: toParquet(rows),
      ContentType: 'application/vnd.apache.parquet',
    }),
  );
  if (known.has(day)) return;
  await addPartitions(catalog, 'scored', [{ values: [day], location: uriOf(lake, folder) }]);
  known.add(day);
}

/** The rows of an object of predictions; null if it is not Parquet, or has other columns. */
export async function scoredRows(bytes: Uint8Array): Promise<ScoredRow[] | null> {
  let rows: unknown;
  try {
    rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
  } catch {
    return null;
  }
  return z.array(ScoredRow).safeParse(rows).data ?? null;
}

export function toParquet(rows: readonly ScoredRow[]): Uint8Array {
  const columns = datasets.scored.columns;
  const buffer = parquetWriteBuffer({
    columnData: columns.map(({ name, type }) => ({
      name,
      data: rows.map((row) => {
        const value: unknown = Reflect.get(row, name);
        // The writer takes whole numbers of 64 bits as BigInt only.
        return type === 'bigint' && typeof value === 'number' ? BigInt(value) : value;
      }),
    })),
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(schemaElement)],
  });
  return new Uint8Array(buffer);
}

function schemaElement({ name, type, required }: Column) {
  const repetition_type = required ? ('REQUIRED' as const) : ('OPTIONAL' as const);
  switch (type) {
    case 'string':
      return {
        name,
        repetition_type,
        type: 'BYTE_ARRAY' as const,
        converted_type: 'UTF8' as const,
      };
    case 'double':
      return { name, repetition_type, type: 'DOUBLE' as const };
    case 'bigint':
      return { name, repetition_type, type: 'INT64' as const };
    case 'timestamp':
      // As Spark writes it: microseconds since the epoch, in UTC.
      return {
        name,
        repetition_type,
        type: 'INT64' as const,
        converted_type: 'TIMESTAMP_MICROS' as const,
        logical_type: {
          type: 'TIMESTAMP' as const,
          isAdjustedToUTC: true,
          unit: 'MICROS' as const,
        },
      };
    case 'array<string>':
      throw new Error(
        `The column ${name} is a list, which the Parquet writer of predictions does not write`,
      );
  }
}
