import { z } from 'zod';
import type { ImportLine } from '../../functions/ingest/source';
import { MAX_NESTING, tooDeepAt } from '../../functions/shared/nesting';
import { parseExactly } from '../../functions/x/exact-json';
import { idText, isObject, originalOf, originalsIn, retweetedIn } from '../../functions/x/record';
import type { Original } from '../../functions/x/record';
import { isOfV1, OF_V1 } from '../../functions/x/tweets';
import { UserError } from '../../session/user-error';
import { textOf, type Encoding } from '../read-text';
import { elementsOf, fieldOf } from './spans';

/** The largest unpacked file. Reading a complete file takes several times its size in memory. */
export const MAX_FILE_BYTES = 256 * 2 ** 20;

/** An answer of X: one tweet or many, with the authors and the posts that they refer to beside them. */
const Response = z.looseObject({
  data: z.union([z.array(z.unknown()), z.looseObject({ id: z.unknown() })]).optional(),
  includes: z
    .looseObject({ users: z.unknown().optional(), tweets: z.unknown().optional() })
    .nullish(),
  meta: z.looseObject({}).optional(),
  errors: z.array(z.unknown()).optional(),
});
/** Tools that lay answers flat put the author into the tweet. */
const WithAuthor = z.object({ author: z.object({ username: z.string() }) });

const isResponse = (value: unknown): value is z.infer<typeof Response> =>
  isObject(value) &&
  !('id' in value) &&
  ('data' in value || 'meta' in value || 'errors' in value) &&
  Response.safeParse(value).success;

interface Beside {
  usernames: ReadonlyMap<string, string>;
  originals: ReadonlyMap<string, Original>;
}
const nothing: Beside = { usernames: new Map(), originals: new Map() };

function besideIn({ includes }: z.infer<typeof Response>): Beside {
  const users: unknown[] = Array.isArray(includes?.users) ? includes.users : [];
  const named = users.flatMap((user) => {
    const id = isObject(user) ? idText(user['id']) : null;
    const username = isObject(user) ? user['username'] : undefined;
    return id !== null && typeof username === 'string' ? [[id, username] as const] : [];
  });
  return { usernames: new Map(named), originals: originalsIn(includes?.tweets) };
}

/** `record` is the tweet's original text in the file: rejected records are kept unchanged. */
function lineOf(record: string, tweet: unknown, { usernames, originals }: Beside): ImportLine {
  const author = isObject(tweet) ? idText(tweet['author_id']) : null;
  const retweeted = retweetedIn(tweet);
  const original =
    retweeted === null ? null : (originals.get(retweeted.id) ?? originalOf(retweeted.record));
  return {
    record,
    author_username:
      usernames.get(author ?? '') ?? WithAuthor.safeParse(tweet).data?.author.username ?? null,
    original,
  };
}

/** The tweets of an answer of X, of a list of answers or tweets, or of one tweet. `text` is that of the value. */
function linesOf(text: string, value: unknown): ImportLine[] {
  if (Array.isArray(value)) {
    return [...elementsOf(text)].flatMap((element, index) => linesOf(element, value[index]));
  }
  if (!isResponse(value)) return [lineOf(text.trim(), value, nothing)];
  const data = fieldOf(text, 'data');
  if (data === undefined || value.data === undefined) return [];
  const tweets = Array.isArray(value.data) ? value.data : [value.data];
  const records = Array.isArray(value.data) ? [...elementsOf(data)] : [data];
  const beside = besideIn(value);
  return records.map((record, index) => lineOf(record, tweets[index], beside));
}

function parseJson(text: string): { value: unknown } | { message: string } {
  try {
    return { value: parseExactly(text) };
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
}

/** JSON Lines. A line that is not JSON goes to quarantine as it is, unless it is the first: then the file is something else. */
function readLines(path: string, content: string): ImportLine[] {
  let isFirst = true;
  return content.split('\n').flatMap((raw, index): ImportLine[] => {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '') return [];
    mustBeShallow(path, line, index + 1);
    const parsed = parseJson(line);
    if ('message' in parsed && isFirst) {
      throw new UserError(
        `${path} is neither JSON nor JSON Lines: line ${index + 1}: ${parsed.message}. Nothing was imported.`,
      );
    }
    isFirst = false;
    return 'message' in parsed ? [{ raw: line }] : linesOf(line, parsed.value);
  });
}

/** Whoever walks through what nests thousands deep overflows the stack. */
function mustBeShallow(path: string, text: string, firstLine: number): void {
  const at = tooDeepAt(text);
  if (at === null) return;
  const line = firstLine + text.slice(0, at).split('\n').length - 1;
  throw new UserError(
    `${path}, line ${line}: nests more than ${MAX_NESTING} deep, and a tweet about ten. Take it out of the file. Nothing was imported.`,
  );
}

/** `tweets.js` of the archive that X gives people of their own account: JavaScript, and no post names its author. */
const ARCHIVE = /^\s*(window\.)?YTD\.\w+\.part\d+\s*=/;

const AS_FROM_API =
  'Fetch the posts by their ids from API v2 (GET /2/tweets?ids=… with ' +
  'tweet.fields=author_id,created_at,lang,public_metrics,note_tweet,referenced_tweets) and import the answers';

/**
 * Reads tweets as X's API v2 gives them: an answer (`data`, `includes`), a list of answers or of tweets, or JSON Lines
 * of either, gzipped or not. Throws UserError for a file that holds no tweet at all.
 */
export function parseTweets(
  path: string,
  bytes: Buffer,
  encoding: Encoding | null = null,
): ImportLine[] {
  const content = textOf(path, bytes, MAX_FILE_BYTES, encoding);
  if (content.trim() === '') throw new UserError(`${path} is empty. Nothing was imported.`);
  if (ARCHIVE.test(content)) {
    throw new UserError(
      `${path} is of an archive of somebody's own account (window.YTD…), whose posts name no author and are of API v1.1: ` +
        `they are not read. ${AS_FROM_API}. Nothing was imported.`,
    );
  }
  const whole = parseJson(content);
  if ('value' in whole) mustBeShallow(path, content, 1);
  const lines = 'value' in whole ? linesOf(content, whole.value) : readLines(path, content);
  const tweets = lines.flatMap((line) => ('record' in line ? [parseExactly(line.record)] : []));
  if (tweets.some(isTweet)) return lines;
  if (tweets.some(isOfArchive)) {
    throw new UserError(`${path}: what it holds ${OF_V1}. Nothing was imported.`);
  }
  throw new UserError(
    `${path} holds no tweet as X's API v2 gives them (an object with id and text). Nothing was imported.`,
  );
}

const isTweet = (value: unknown): boolean =>
  isObject(value) &&
  idText(value['id']) !== null &&
  typeof value['text'] === 'string' &&
  !isOfV1(value);

/** Of API v1.1, also where an archive has packed each post into `{"tweet": …}`. */
const isOfArchive = (value: unknown): boolean =>
  isOfV1(value) || (isObject(value) && isOfV1(value['tweet']));
