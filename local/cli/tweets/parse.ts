import { z } from 'zod';
import type { ImportLine } from '../../../functions/ingest/source';
import { MAX_NESTING, tooDeepAt } from '../../../functions/lake/nesting';
import { UserError } from '../../cloud/user-error';
import { textOf, type Encoding } from '../read-text';

/** Of a file, unpacked: read as a whole, it takes several times as much memory. */
export const MAX_FILE_BYTES = 256 * 2 ** 20;

const Users = z.array(z.object({ id: z.string(), username: z.string() }));
/** An answer of X: one tweet or many, with the authors beside them. */
const Response = z.looseObject({
  data: z.union([z.array(z.unknown()), z.looseObject({ id: z.unknown() })]).optional(),
  includes: z.looseObject({ users: z.unknown().optional() }).optional(),
  meta: z.looseObject({}).optional(),
  errors: z.array(z.unknown()).optional(),
});
const Tweet = z.looseObject({ id: z.string(), text: z.string() });
/** Tools that lay answers flat put the author into the tweet. */
const WithAuthor = z.object({ author: z.object({ username: z.string() }) });
const Author = z.object({ author_id: z.string() });
const OldTweet = z.object({ id_str: z.string() });

const isResponse = (value: unknown): value is z.infer<typeof Response> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return (
    !('id' in value) &&
    ('data' in value || 'meta' in value || 'errors' in value) &&
    Response.safeParse(value).success
  );
};

function lineOf(tweet: unknown, usernames: ReadonlyMap<string, string>): ImportLine {
  const author = Author.safeParse(tweet).data?.author_id;
  const beside = author === undefined ? undefined : usernames.get(author);
  return {
    tweet,
    author_username: beside ?? WithAuthor.safeParse(tweet).data?.author.username ?? null,
  };
}

/** The tweets of an answer of X, of a list of answers or tweets, or of one tweet. */
function linesOf(value: unknown): ImportLine[] {
  if (Array.isArray(value)) return value.flatMap((element: unknown) => linesOf(element));
  if (!isResponse(value)) return [lineOf(value, new Map())];
  const users = Users.safeParse(value.includes?.users).data ?? [];
  const usernames = new Map(users.map(({ id, username }) => [id, username]));
  const data =
    value.data === undefined ? [] : Array.isArray(value.data) ? value.data : [value.data];
  return data.map((tweet: unknown) => lineOf(tweet, usernames));
}

function parseJson(text: string): { value: unknown } | { message: string } {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
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
    return 'message' in parsed ? [{ raw: line }] : linesOf(parsed.value);
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
  const whole = parseJson(content);
  if ('value' in whole) mustBeShallow(path, content, 1);
  const lines = 'value' in whole ? linesOf(whole.value) : readLines(path, content);
  if (lines.some((line) => 'tweet' in line && Tweet.safeParse(line.tweet).success)) return lines;
  const old = lines.some((line) => 'tweet' in line && OldTweet.safeParse(line.tweet).success);
  throw new UserError(
    `${path} holds no tweet as X's API v2 gives them (an object with id and text, as strings)` +
      `${old ? ': these look like API v1.1' : ''}. Nothing was imported.`,
  );
}
