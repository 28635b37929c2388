import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { datasets } from '../../../workflows/datasets';
import { Label } from '../../../workflows/evaluation';
import type { Sampling } from '../../../workflows/labels';
import type { Session } from '../../cloud/session';

/** A row of the data set `labels`. */
export interface LabelRecord {
  text_hash: string;
  text: string;
  label: Label;
  source: string;
  imported_at: string;
  sampling: Sampling;
}

const Known = z.object({ text_hash: z.string(), label: Label, imported_at: z.string() });

/** The newest label of each text that the lake has one of, by the text's hash. */
export async function labelsInLake(session: Session): Promise<Map<string, Label>> {
  const newest = new Map<string, z.infer<typeof Known>>();
  for (const key of await labelKeys(session)) {
    for (const line of (await textOf(session, key)).split('\n')) {
      const row = Known.safeParse(line.trim() === '' ? null : jsonOrNull(line)).data;
      const before = row && newest.get(row.text_hash);
      if (row && (!before || before.imported_at <= row.imported_at)) newest.set(row.text_hash, row);
    }
  }
  return new Map([...newest].map(([hash, { label }]) => [hash, label]));
}

function jsonOrNull(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return value;
  } catch {
    return null;
  }
}

async function labelKeys({ people, outputs }: Session): Promise<string[]> {
  const keys: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await people.labeller.s3.send(
      new ListObjectsV2Command({
        Bucket: outputs.BucketName,
        Prefix: datasets.labels.prefix,
        ContinuationToken,
      }),
    );
    keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return keys;
}

async function textOf({ people, outputs }: Session, Key: string): Promise<string> {
  const { Body } = await people.labeller.s3.send(
    new GetObjectCommand({ Bucket: outputs.BucketName, Key }),
  );
  const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** Writes labels as one object, whole or not at all. */
export async function putLabels(
  { people, outputs }: Session,
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
