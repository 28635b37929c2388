import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { importPageKey, type ImportLine } from '../../functions/ingest/source';
import { putIf, type LakeBucket as Bucket } from '../../functions/lake/objects';
import { exactJsonOf } from '../../functions/x/exact-json';
import { padId } from '../../functions/x/ids';
import { idText, isObject } from '../../functions/x/record';
import { LOST, readBytes, type Encoding } from '../read-text';
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
  /** Lines with U+FFFD, the mark of a character that was lost before. */
  damaged: number;
}

/** Reads and checks a complete file before anything is written. Throws UserError. */
export function readTweets(path: string, encoding: Encoding | null = null): TweetImport {
  const bytes = readBytes(path, MAX_FILE_BYTES);
  const lines = byId(parseTweets(path, bytes, encoding));
  const stem = basename(path)
    .toLowerCase()
    .replace(/(\.(json|jsonl|ndjson|gz))+$/, '');
  const slug =
    stem
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, longestSlug)
      .replace(/^-|-$/g, '') || 'tweets';
  // Releases that kept the file's order wrote other pages: theirs and ours must not lie in one folder.
  const hash = createHash('sha256').update('by id\n').update(bytes).digest('hex').slice(0, 16);
  const damaged = lines.filter((line) => JSON.stringify(line).includes(LOST)).length;
  return { name: `${slug}-${hash}`, lines, damaged };
}

/**
 * The lines in the order of their tweets' ids, which is that of their time; then the lines without an id. The ingest
 * writes an object for each day of a page and looks for each day's tweets in the lake: in the order of a file that has
 * none, 500 tweets are of hundreds of days.
 */
function byId(lines: readonly ImportLine[]): ImportLine[] {
  return lines
    .map((line) => ({ line, id: padId(idOf(line) ?? LAST_ID) }))
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .map(({ line }) => line);
}

const LAST_ID = '9'.repeat(20);

function idOf(line: ImportLine): string | null {
  const tweet = 'record' in line ? exactJsonOf(line.record) : null;
  return isObject(tweet) ? idText(tweet['id']) : null;
}

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
 * Puts the tweets where an execution of mode `import` finds them, and removes them in the end; pages that lie there
 * already stay. Answers how many pages are new.
 */
export async function uploadTweets(bucket: Bucket, { name, lines }: TweetImport): Promise<number> {
  let written = 0;
  for (const [page, part] of pagesOf(lines).entries()) {
    const body = gzipSync(part.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const etag = await putIf(bucket, importPageKey(name, page), body, 'application/gzip', {
      ifMatch: null,
    });
    if (etag !== null) written += 1;
  }
  return written;
}
