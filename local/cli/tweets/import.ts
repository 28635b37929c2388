import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { importPageKey, type ImportLine } from '../../../functions/ingest/source';
import {
  Forgotten,
  readForgotten,
  readMarker,
  renewMarks,
} from '../../../functions/lake/forgotten';
import { putIf, type Lake as Bucket } from '../../../functions/lake/objects';
import type { Session } from '../../cloud/session';
import { readBytes } from '../read-text';
import { MAX_FILE_BYTES, parseTweets } from './parse';

/** As many tweets as a page of an ingest takes. */
const linesAPage = 500;
/** A page waits in an ingest's plan, in a Lambda of half a gigabyte: several times what 500 long posts take. */
const bytesAPage = 8 * 2 ** 20;
const longestSlug = 60;

export interface TweetImport {
  /** Of the file's name and content: the same file has the same name wherever it lies. */
  name: string;
  lines: ImportLine[];
}

/** Reads and checks a whole file before anything is written. Throws UserError. */
export function readTweets(path: string): TweetImport {
  const bytes = readBytes(path, MAX_FILE_BYTES);
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

/** The lines of each page, bounded by number and by bytes; a line that is larger alone has a page of its own. */
export function pagesOf(lines: readonly ImportLine[], mostBytes = bytesAPage): ImportLine[][] {
  const pages: ImportLine[][] = [];
  let bytes = 0;
  for (const line of lines) {
    const size = Buffer.byteLength(JSON.stringify(line));
    const page = pages.at(-1);
    if (page === undefined || page.length === linesAPage || bytes + size > mostBytes) {
      pages.push([line]);
      bytes = size;
    } else {
      page.push(line);
      bytes += size;
    }
  }
  return pages;
}

/**
 * Puts the tweets where an execution of mode `import` finds them; pages that lie there already stay. What the lake was
 * told to forget is left out here already. Answers how many pages are new, and how many tweets were left out.
 */
export async function uploadTweets(
  { people, outputs }: Session,
  { name, lines }: TweetImport,
): Promise<{ written: number; leftOut: number }> {
  const bucket: Bucket = { s3: people.ingestion.s3, bucket: outputs.BucketName };
  const marker = await readMarker(people.ingestion.secrets, outputs.ForgottenSecretArn);
  const forgotten = new Forgotten((await readForgotten(bucket, marker)).list, marker);
  const isForgotten = (line: ImportLine): boolean => {
    const ids = 'tweet' in line ? Ids.safeParse(line.tweet).data : undefined;
    return ids !== undefined && forgotten.has(ids);
  };
  let written = 0;
  let leftOut = 0;
  for (const [page, all] of pagesOf(lines).entries()) {
    const part = all.filter((line) => !isForgotten(line));
    leftOut += all.length - part.length;
    const body = gzipSync(part.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const etag = await putIf(bucket, importPageKey(name, page), body, 'application/gzip', {
      ifMatch: null,
    });
    if (etag !== null) written += 1;
  }
  await renewMarks(bucket, forgotten, marker);
  return { written, leftOut };
}
