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
  /** Of the first file's name and the files' contents: the same files have the same name wherever they lie. */
  name: string;
  /** Number of the files' records. */
  records: number;
  /** Lines with U+FFFD, the mark of a character that was lost before. */
  damaged: number;
  /** The records of each page, a page of one file. */
  pages: () => Iterable<ImportLine[]>;
}

/**
 * Reads and checks every file completely before anything is written. One file's records are in memory at a time, so
 * several files are read again when they are written. Throws UserError.
 */
export function readTweets(
  paths: readonly string[],
  encoding: Encoding | null = null,
): TweetImport {
  // Releases that kept the file's order wrote other pages: theirs and ours must not lie in one folder.
  const hash = createHash('sha256').update('by id\n');
  let [records, damaged] = [0, 0];
  let lines: ImportLine[] = [];
  for (const path of paths) {
    const bytes = readBytes(path, MAX_FILE_BYTES);
    hash.update(`${bytes.length} `).update(bytes);
    lines = parseTweets(path, bytes, encoding);
    records += lines.length;
    damaged += lines.filter((line) => JSON.stringify(line).includes(LOST)).length;
  }
  const [first = ''] = paths;
  const stem = basename(first)
    .toLowerCase()
    .replace(/(\.(json|jsonl|ndjson|gz))+$/, '');
  const slug =
    stem
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, longestSlug)
      .replace(/^-|-$/g, '') || 'tweets';
  const only = paths.length === 1 ? lines : null;
  return {
    name: `${slug}-${hash.digest('hex').slice(0, 16)}`,
    records,
    damaged,
    *pages() {
      for (const path of paths) {
        yield* pagesOf(byId(only ?? parseTweets(path, readBytes(path, MAX_FILE_BYTES), encoding)));
      }
    },
  };
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
export async function uploadTweets(
  bucket: Bucket,
  { name, pages }: Pick<TweetImport, 'name' | 'pages'>,
): Promise<number> {
  let [page, written] = [0, 0];
  for (const lines of pages()) {
    const body = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const etag = await putIf(bucket, importPageKey(name, page), body, 'application/gzip', {
      ifMatch: null,
    });
    if (etag !== null) written += 1;
    page += 1;
  }
  return written;
}
