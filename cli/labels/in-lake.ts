import { PutObjectCommand } from '@aws-sdk/client-s3';
import { allLabels, type LabelLine } from '../../functions/lake/labels';
import type { z } from 'zod';
import { Unreadables } from '../../functions/lake/set-aside';
import { decidedLabels } from '../../functions/model/held-out';
import type { Label } from '../../workflows/evaluation';
import type { Sampling } from '../../workflows/labels';
import type { Session } from '../../session/session';

/** What of a session reading and writing labels needs. */
export interface LabelSession {
  people: Pick<Session['people'], 'labeller'>;
  outputs: Pick<Session['outputs'], 'BucketName'>;
}

/** A row of the data set `labels`, as it is written now. */
export type LabelRecord = z.infer<typeof LabelLine> & { sampling: Sampling };

/**
 * The label that counts of each text that the lake has one of, by the text's hash, as for the gate. What is no label is
 * passed over: the runs report it.
 */
export async function labelsInLake({ people, outputs }: LabelSession): Promise<Map<string, Label>> {
  const lake = { s3: people.labeller.s3, bucket: outputs.BucketName };
  return decidedLabels(await allLabels(lake, new Unreadables()));
}

/** Writes labels as one object, whole or not at all. */
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
