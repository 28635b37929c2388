import { PutObjectCommand } from '@aws-sdk/client-s3';
import { allLabels, type LabelLine } from '../../functions/lake/labels';
import type { z } from 'zod';
import { Unreadables } from '../../functions/lake/set-aside';
import { decidedLabels } from '../../functions/model/held-out';
import type { Label } from '../../workflows/evaluation';
import type { Sampling } from '../../workflows/labels';
import type { Session } from '../../session/session';

/** The parts of a session that reading and writing labels needs. */
export interface LabelSession {
  people: Pick<Session['people'], 'labeller'>;
  outputs: Pick<Session['outputs'], 'BucketName'>;
}

/** A row of the data set `labels`, in its current version. */
export type LabelRecord = z.infer<typeof LabelLine> & { sampling: Sampling };

/**
 * The label that counts for each text, by the text's hash; the same rule as the gate's. Skips invalid rows: the runs
 * report them.
 */
export async function labelsInLake({ people, outputs }: LabelSession): Promise<Map<string, Label>> {
  const lake = { s3: people.labeller.s3, bucket: outputs.BucketName };
  return decidedLabels(await allLabels(lake, new Unreadables()));
}

/** Writes labels as one object. */
export async function putLabels(
  { people, outputs }: LabelSession,
  key: string,
  rows: readonly LabelRecord[],
): Promise<void> {
  await people.labeller.s3.send(
    new PutObjectCommand({
      Bucket: outputs.BucketName,
      Key: key,
      Body: rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
      ContentType: 'application/x-ndjson',
    }),
  );
}
