import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { importPageKey } from '../../../functions/ingest/source';
import { putIf, type Lake as Bucket } from '../../../functions/lake/objects';
import type { Session } from '../../cloud/session';
import { UserError } from '../../cloud/user-error';
import { parseTweets, type ImportLine } from './parse';

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
    throw new UserError(`${path} cannot be read (${error instanceof Error ? error.message : String(error)}).`);
  }
  const lines = parseTweets(path, bytes);
  const stem = basename(path).toLowerCase().replace(/(\.(json|jsonl|ndjson|gz))+$/, '');
  const slug = stem.replace(/[^a-z0-9]+/g, '-').slice(0, longestSlug).replace(/^-|-$/g, '') || 'tweets';
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return { name: `${slug}-${hash}`, lines };
}

/** Puts the tweets where an execution of mode `import` finds them; pages that lie there already stay. Answers how many pages are new. */
export async function uploadTweets({ people, outputs }: Session, { name, lines }: TweetImport): Promise<number> {
  const bucket: Bucket = { s3: people.ingestion.s3, bucket: outputs.BucketName };
  let written = 0;
  for (let page = 0; page * linesAPage < lines.length; page += 1) {
    const part = lines.slice(page * linesAPage, (page + 1) * linesAPage);
    const body = gzipSync(part.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const etag = await putIf(bucket, importPageKey(name, page), body, 'application/gzip', { ifMatch: null });
    if (etag !== null) written += 1;
  }
  return written;
}
