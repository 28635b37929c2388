import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import type { SetAside } from '../../workflows/payloads';
import type { Clock } from '../clock';
import { getBytes, listObjects, uriOf } from '../lake/objects';
import type { Lake } from '../lake/objects';
import { deleteAllVersions, versionsBelow } from '../lake/versions';
import { isTooDeep } from '../lake/nesting';
import type { Unreadables } from '../lake/set-aside';
import { gunzip, jsonOf, UnreadableBytes } from '../lake/unpack';
import type { Search, SearchAnswer } from '../x/client';
import type { Window } from './window';

export type PageAnswer = Extract<SearchAnswer, { kind: 'page' }>;

/** Gives a window's pages, one a call. */
export interface Source {
  /** Whether each record costs what X charges for a post. */
  readonly charged: boolean;
  nextPage(window: Window, maxResults: number): Promise<SearchAnswer>;
}

export const fromX = (search: Search, query: string): Source => ({
  charged: true,
  nextPage: (window, maxResults) =>
    search({
      query,
      maxResults,
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

/** A line of an import: a tweet as X's API v2 gives it, or the text of a line that was not JSON. */
export const ImportLine = z.union([
  z.strictObject({ tweet: z.unknown(), author_username: z.string().nullable() }),
  z.strictObject({ raw: z.string() }),
]);
export type ImportLine = z.infer<typeof ImportLine>;
const Author = z.object({ author_id: z.string() });

const PAGE = /\/\d{5}\.ndjson\.gz$/;

/** A page that cannot be read counts as an empty one, and is named in `unreadables`. */
export async function fromImport(
  lake: Lake,
  name: string,
  clock: Clock,
  unreadables: Unreadables,
): Promise<Source> {
  const keys = (await listObjects(lake, importFolder(name))).map(({ key }) => key);
  const pages = keys.filter((key) => PAGE.test(key)).length;
  return {
    charged: false,
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
      const now = clock.now();
      return {
        kind: 'page',
        tweets: lines.map((line) => ('tweet' in line ? line.tweet : line.raw)),
        body: {
          recordAt: (index) => {
            const line = lines[index];
            return line && 'raw' in line ? line.raw : (JSON.stringify(line?.tweet) ?? '');
          },
          isTextAt: () => true,
        },
        usernames: new Map(
          lines.flatMap((line) => {
            const author =
              'tweet' in line ? Author.safeParse(line.tweet).data?.author_id : undefined;
            return 'tweet' in line && author !== undefined && line.author_username !== null
              ? [[author, line.author_username] as const]
              : [];
          }),
        ),
        nextToken: page + 1 < pages ? String(page + 1) : null,
        fetchedAt: now.toISOString(),
        serverTime: now,
        usedUpUntil: null,
        dayUsedUp: null,
      };
    },
  };
}

/**
 * Removes an import whose tweets are stored, old versions included: whoever brought it cannot tell which of its tweets
 * the lake was told to forget, and those are in no other object. Pages that could not be read stay, to be fixed; where
 * more of them were found than are named, nothing is removed.
 */
export async function removeImport(
  lake: Lake,
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

async function readPage(lake: Lake, key: string, unreadables: Unreadables): Promise<ImportLine[]> {
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
