import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import type { SetAside } from '../../workflows/payloads';
import type { Clock } from '../shared/clock';
import { getBytes, listObjects, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { deleteAllVersions, versionsBelow } from '../lake/versions';
import { isTooDeep } from '../shared/nesting';
import type { Unreadables } from '../lake/set-aside';
import { gunzip, jsonOf, UnreadableBytes } from '../lake/unpack';
import type { Search, SearchAnswer } from '../x/client';
import { exactJsonOf } from '../x/exact-json';
import { canBringRetweets } from '../x/queries';
import { idText, isObject, retweetedIn } from '../x/record';
import type { Window } from './window';

export type PageAnswer = Extract<SearchAnswer, { kind: 'page' }>;

/** Returns a window's pages, one per call. */
export interface Source {
  /** Whether X bills each record as a post. */
  readonly charged: boolean;
  /** Most posts X may bill for one result: itself, and the posts it retweets, quotes or replies to. */
  readonly postsAResult: number;
  /** Users X may bill for one result: its author, or none. */
  readonly usersAResult: number;
  nextPage(window: Window, maxResults: number): Promise<SearchAnswer>;
}

export const fromX = (search: Search, query: string, authorNames: boolean): Source => ({
  charged: true,
  usersAResult: authorNames ? 1 : 0,
  // A post quotes at most one post and replies to at most one other.
  postsAResult: canBringRetweets(query) ? 3 : 1,
  nextPage: (window, maxResults) =>
    search({
      query,
      maxResults,
      authorNames,
      sinceId: window.since_id,
      startTime: window.start_time,
      endTime: window.end_time,
      untilId: window.until_id,
      nextToken: window.next_token,
    }),
});

/** Folder of one import: tweets that people bring, in pages of at most 500. */
export const importFolder = (name: string): string => `${prefixes.imports}${name}/`;
export const importPageKey = (name: string, page: number): string =>
  `${importFolder(name)}${String(page).padStart(5, '0')}.ndjson.gz`;

const Original = z.strictObject({ text: z.string(), authorId: z.string().nullable() });
/** A tweet as X's API v2 returns it, as text, with its author's handle and the original of a retweet. */
const TweetLine = z.strictObject({
  record: z.string(),
  author_username: z.string().nullable(),
  /** The complete post that it retweets; null if it is no retweet or the response did not include it. */
  original: Original.nullable(),
});
/** One line of an import: a tweet, or the text of a line that is not JSON. */
export const ImportLine = z.union([
  TweetLine,
  z.strictObject({ raw: z.string() }),
  // Written by earlier releases, which kept the tweet's fields and not its text.
  z
    .strictObject({ tweet: z.unknown(), author_username: z.string().nullable() })
    .transform(({ tweet, author_username }): z.infer<typeof TweetLine> => ({
      record: JSON.stringify(tweet) ?? 'null',
      author_username,
      original: null,
    })),
]);
export type ImportLine = z.infer<typeof ImportLine>;

const PAGE = /\/\d{5}\.ndjson\.gz$/;

/** Reads an import's pages. An unreadable page counts as empty and is reported in `unreadables`. Throws `InvalidInput` for an empty import. */
export async function fromImport(
  lake: LakeBucket,
  name: string,
  clock: Clock,
  unreadables: Unreadables,
): Promise<Source> {
  const keys = (await listObjects(lake, importFolder(name))).map(({ key }) => key);
  const pages = keys.filter((key) => PAGE.test(key)).length;
  return {
    charged: false,
    postsAResult: 1,
    usersAResult: 0,
    nextPage: async ({ next_token }) => {
      if (pages === 0) {
        // Checked only when a page is requested: a repeated call after the end of the import requests none.
        throw new StepError(
          'InvalidInput',
          `import: no tweets below ${uriOf(lake, importFolder(name))}; put some there with npm run lake -- import-tweets <file>`,
        );
      }
      const page = Number(next_token ?? 0);
      const lines = await readPage(lake, importPageKey(name, page), unreadables);
      // A line that is not JSON stays text, and is rejected because it is not an object.
      const tweets = lines.map((line) => {
        const text = textOf(line);
        return (isTooDeep(text) ? undefined : exactJsonOf(text)) ?? text;
      });
      const now = clock.now();
      return {
        kind: 'page',
        tweets,
        body: { recordAt: (index) => textOf(lines[index]), isTextAt: () => true },
        ...besideThem(lines, tweets),
        included: 0,
        users: 0,
        nextToken: page + 1 < pages ? String(page + 1) : null,
        fetchedAt: now.toISOString(),
        serverTime: now,
        usedUpUntil: null,
        dayUsedUp: null,
      };
    },
  };
}

const textOf = (line: ImportLine | undefined): string =>
  line === undefined ? '' : 'raw' in line ? line.raw : line.record;

/** What came with a page's tweets: handles by author id, and retweeted posts by id. */
function besideThem(
  lines: readonly ImportLine[],
  tweets: readonly unknown[],
): Pick<PageAnswer, 'usernames' | 'originals'> {
  const usernames = new Map<string, string>();
  const originals = new Map<string, z.infer<typeof Original>>();
  for (const [index, line] of lines.entries()) {
    const tweet = tweets[index];
    if ('raw' in line || !isObject(tweet)) continue;
    const author = idText(tweet['author_id']);
    if (author !== null && line.author_username !== null)
      usernames.set(author, line.author_username);
    const retweeted = retweetedIn(tweet);
    if (retweeted !== null && line.original !== null) originals.set(retweeted.id, line.original);
  }
  return { usernames, originals };
}

/**
 * Deletes an import whose tweets are stored, including old versions: it may hold tweets that the lake has erased.
 * Unreadable pages are kept, so that they can be fixed. If more pages were unreadable than are named, nothing is
 * deleted.
 */
export async function removeImport(
  lake: LakeBucket,
  name: string,
  unreadable: SetAside | undefined,
): Promise<void> {
  const { count, objects } = unreadable ?? { count: 0, objects: [] };
  if (count > objects.length) return;
  const kept = new Set(objects.map(({ key }) => key));
  for await (const found of versionsBelow(lake, importFolder(name))) {
    if (!kept.has(found.key)) await deleteAllVersions(lake, found);
  }
}

async function readPage(
  lake: LakeBucket,
  key: string,
  unreadables: Unreadables,
): Promise<ImportLine[]> {
  const object = await getBytes(lake, key);
  if (object === null) {
    throw new StepError('InvalidInput', `import: ${uriOf(lake, key)} is missing`);
  }
  try {
    return gunzip(object.bytes)
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => importLine(line));
  } catch (error) {
    if (!(error instanceof UnreadableBytes)) throw error;
    unreadables.add(key, error.message);
    return [];
  }
}

/** Parses one line. Anything else goes to the quarantine unchanged. */
function importLine(line: string): ImportLine {
  const parsed = isTooDeep(line) ? undefined : ImportLine.safeParse(jsonOf(line)).data;
  return parsed ?? { raw: line };
}
