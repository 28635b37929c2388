import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { importPageKey, type ImportLine } from '../../../functions/ingest/source';
import { Forgotten, readForgotten } from '../../../functions/lake/forgotten';
import { putIf, type Lake as Bucket } from '../../../functions/lake/objects';
import type { Session } from '../../cloud/session';
import { UserError } from '../../cloud/user-error';
import { parseTweets } from './parse';

/** As many tweets as a page of an ingest takes. */
const linesAPage = 500;
const longestSlug = 60;

export interface TweetImport {
  /** Of the file's name and content: the same file has the same name wherever it lies. */
  name: string;
  lines: ImportLine[];
}

/** Reads and checks a whole file before anything is written. Throws UserError. */
export function readTweets(path: string): TweetImport {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UserError(
      `${path} cannot be read (${error instanceof Error ? error.message : String(error)}).`,
    );
  }
  const lines = parseTweets(path, bytes);
  const stem = basename(path)
    .toLowerCase()
    .replace(/(\.(json|jsonl|ndjson|gz))+$/, '');
  const slug =
    stem
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, longestSlug)
      .replace(/^-|-$/g, '') || 'tweets';
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return { name: `${slug}-${hash}`, lines };
}

const Ids = z.object({ id: z.string(), author_id: z.string() });

/**
 * Puts the tweets where an execution of mode `import` finds them; pages that lie there already stay. What the lake was
 * told to forget is left out here already. Answers how many pages are new, and how many tweets were left out.
 */
export async function uploadTweets(
  { people, outputs }: Session,
  { name, lines }: TweetImport,
): Promise<{ written: number; leftOut: number }> {
  const bucket: Bucket = { s3: people.labeller.s3, bucket: outputs.BucketName };
  const forgotten = new Forgotten((await readForgotten(bucket)).list);
  const isForgotten = (line: ImportLine): boolean => {
    const ids = 'tweet' in line ? Ids.safeParse(line.tweet).data : undefined;
    return ids !== undefined && forgotten.has(ids);
  };
  let written = 0;
  let leftOut = 0;
  for (let page = 0; page * linesAPage < lines.length; page += 1) {
    const all = lines.slice(page * linesAPage, (page + 1) * linesAPage);
    const part = all.filter((line) => !isForgotten(line));
    leftOut += all.length - part.length;
    const body = gzipSync(part.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const etag = await putIf(bucket, importPageKey(name, page), body, 'application/gzip', {
      ifMatch: null,
    });
    if (etag !== null) written += 1;
  }
  return { written, leftOut };
}
