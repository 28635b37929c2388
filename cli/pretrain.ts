import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { MAX_CORPUS_BYTES } from '../functions/lake/unpack';
import { prefixes } from '../workflows/datasets';
import type { Session } from '../session/session';
import { UserError } from '../session/user-error';
import { LOST, readText, sayLost, type Encoding } from './read-text';
import type { Screen } from './screen';

/** As ml/training/lstm/pretraining.py reads it. */
const CorpusRow = z.object({
  task: z.string().min(1),
  text: z.string(),
  label: z.union([z.string(), z.number().int()]),
});

export interface Corpus {
  path: string;
  key: string;
  content: Buffer;
  rowsByTask: Map<string, number>;
  /** Texts with U+FFFD, the mark of a character that was lost before. */
  damaged: number;
}

/** Reads and checks a corpus before anything is written. Throws UserError that names file and line. */
export function readCorpusFile(path: string, encoding: Encoding | null = null): Corpus {
  const text = readText(path, MAX_CORPUS_BYTES, encoding);
  const rowsByTask = new Map<string, number>();
  let damaged = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const { task, text: rowText } = parseRow(line, `${path}, line ${index + 1}`);
    rowsByTask.set(task, (rowsByTask.get(task) ?? 0) + 1);
    if (rowText.includes(LOST)) damaged += 1;
  }
  if (rowsByTask.size === 0) throw new UserError(`${path} holds no row.`);
  // The key says what the file holds: the same file again is the same object, and the same encoder.
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const name = basename(path)
    .replace(/\.jsonl?(\.gz)?$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return {
    path,
    key: `${prefixes.corpora}${name}-${hash}.jsonl.gz`,
    content: gzipSync(text),
    rowsByTask,
    damaged,
  };
}

function parseRow(line: string, where: string): z.infer<typeof CorpusRow> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UserError(`${where} is not JSON.`);
  }
  const parsed = CorpusRow.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError(
    `${where}: expected {"task": "emotion", "text": "…", "label": 2 or "joy"}: ${parsed.error.issues[0]?.message ?? 'invalid'}`,
  );
}

/** Puts a corpus into the lake; false when it is there already. */
export async function putCorpus(
  { people, outputs }: Session,
  { key, content }: Corpus,
): Promise<boolean> {
  const { s3 } = people.labeller;
  try {
    await s3.send(new HeadObjectCommand({ Bucket: outputs.BucketName, Key: key }));
    return false;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'NotFound')) throw error;
  }
  await s3.send(
    new PutObjectCommand({
      Bucket: outputs.BucketName,
      Key: key,
      Body: content,
      ContentType: 'application/gzip',
    }),
  );
  return true;
}

/** Puts corpora into the lake and says which are new. */
export async function importCorpora(
  session: Session,
  screen: Screen,
  corpora: readonly Corpus[],
): Promise<void> {
  for (const corpus of corpora) {
    const tasks = [...corpus.rowsByTask].map(([task, rows]) => `${task} ${rows}`).join(', ');
    const written = await putCorpus(session, corpus);
    screen.say(
      `${corpus.path}: ${tasks} ${written ? '→' : 'is in the lake already:'} ${corpus.key}`,
    );
  }
  sayLost(
    screen,
    corpora.reduce((sum, { damaged }) => sum + damaged, 0),
  );
  screen.say(
    'The next training pre-trains an encoder on all corpora of the lake; later ones start from that encoder.',
  );
}
