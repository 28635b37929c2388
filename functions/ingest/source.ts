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

/** Gives a window's pages, one a call. */
export interface Source {
  /** Whether each record costs what X charges for a post. */
  readonly charged: boolean;
  /** How many posts X may charge for one result at most: itself, and those it passes on, quotes or replies to. */
  readonly postsAResult: number;
  /** How many users X may charge for one result: its author, or none. */
  readonly usersAResult: number;
  nextPage(window: Window, maxResults: number): Promise<SearchAnswer>;
}

export const fromX = (search: Search, query: string, authorNames: boolean): Source => ({
  charged: true,
  usersAResult: authorNames ? 1 : 0,
  // A post quotes one and replies to another at most.
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

/** Below it lie the folders of tweets that people bring, in pages of at most 500. */
export const importFolder = (name: string): string => `${prefixes.imports}${name}/`;
export const importPageKey = (name: string, page: number): string =>
  `${importFolder(name)}${String(page).padStart(5, '0')}.ndjson.gz`;

const Original = z.strictObject({ text: z.string(), authorId: z.string().nullable() });
/** A tweet as X's API v2 gives it, as the text it came in, and what stood beside it of author and original. */
const TweetLine = z.strictObject({
  record: z.string(),
  author_username: z.string().nullable(),
  /** The post that it passes on, whole; null where it passes on none, or that did not come. */
  original: Original.nullable(),
});
/** A line of an import: a tweet, or the text of a line that was not JSON. */
export const ImportLine = z.union([
  TweetLine,
  z.strictObject({ raw: z.string() }),
  // As earlier releases wrote it, which kept the tweet's fields and not its text.
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

/** A page that cannot be read counts as an empty one, and is named in `unreadables`. */
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
        // Not before a page is wanted: a call that is repeated after the end of the import wants none.
        throw new StepError(
          'InvalidInput',
          `import: there is nothing below ${uriOf(lake, importFolder(name))}; npm run lake -- import-tweets <file> puts tweets there`,
        );
      }
      const page = Number(next_token ?? 0);
      const lines = await readPage(lake, importPageKey(name, page), unreadables);
      // A line that is no JSON stands for itself, and is refused as no object.
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

/** What came beside a page's tweets: handles by author, and the posts that they pass on by id. */
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
 * Removes an import whose tweets are stored, old versions included: whoever brought it cannot tell which of its tweets
 * the lake was told to forget, and those are in no other object. Pages that could not be read stay, to be fixed; where
 * more of them were found than are named, nothing is removed.
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

/** A line that is something else goes to the quarantine as it is. */
function importLine(line: string): ImportLine {
  const parsed = isTooDeep(line) ? undefined : ImportLine.safeParse(jsonOf(line)).data;
  return parsed ?? { raw: line };
}
