import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { lenient } from '../../workflows/durable';
import { fingerprintOf } from '../lake/fingerprints';
import { listObjects, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';

/**
 * The encoder that trainings start from: pre-trained on the corpora below `raw-data/corpora/`. Its version names
 * their content, so other corpora are another encoder, and the same ones are never learnt twice.
 */
export const EncoderChoice = lenient(
  z.object({
    version: z.string(),
    corpora: z.array(lenient(z.object({ uri: z.string(), etag: z.string() }))),
    /** Folder of the encoder's files; null while no training has made it, and the next one is to. */
    uri: z.string().nullable(),
  }),
);
export type EncoderChoice = z.infer<typeof EncoderChoice>;

/** As ml/training/lstm/pretraining.py names them; the description is written last. */
export const encoderFiles = ['encoder.npz', 'encoder.json'] as const;

const folderOf = (version: string): string => `${prefixes.models}encoders/${version}/`;

/** Increase it when the network reads a text otherwise: an encoder of the network before would have learnt another one. */
const NETWORK = '3';

/** Null without any corpus: training then starts from word vectors alone. */
export async function chooseEncoder(lake: LakeBucket): Promise<EncoderChoice | null> {
  const corpora = await listObjects(lake, prefixes.corpora);
  if (corpora.length === 0) {
    return null;
  }
  const hash = createHash('sha256')
    .update(`${NETWORK} ${fingerprintOf(corpora)}`)
    .digest('hex');
  const version = `enc-${hash.slice(0, 16)}`;
  const folder = folderOf(version);
  const found = await listObjects(lake, folder);
  const isWhole = encoderFiles.every((name) => found.some(({ key }) => key === folder + name));
  return {
    version,
    corpora: corpora.map(({ key, etag }) => ({ uri: uriOf(lake, key), etag })),
    uri: isWhole ? uriOf(lake, folder) : null,
  };
}

/** Keeps the encoder that a training made on its way; nothing where it made none. Each file is replaced whole. */
export async function keepEncoder(
  lake: LakeBucket,
  version: string,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  for (const name of encoderFiles) {
    const content = files.get(name);
    if (content === undefined) {
      return;
    }
    await lake.s3.send(
      new PutObjectCommand({
        Bucket: lake.bucket,
        Key: folderOf(version) + name,
        Body: content,
        ContentType: name.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      }),
    );
  }
}
