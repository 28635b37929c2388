import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { durable } from '../../workflows/durable';
import { getJson } from './objects';
import type { Lake } from './objects';

/**
 * Which tweets and authors must not come back. Their ids are kept as salted hashes only: the list answers
 * whether an id is on it, and does not say which ids are.
 */
export const FORGOTTEN_KEY = `${prefixes.plans}forgotten.json`;

const Mark = z.string().regex(/^[0-9a-f]{32}$/);
export const ForgottenList = durable(
  'The list of what was forgotten',
  z.object({
    schemaVersion: z.literal(1),
    salt: z.string().min(32),
    tweets: z.array(Mark),
    authors: z.array(Mark),
  }),
);
export type ForgottenList = z.infer<typeof ForgottenList>;

interface Ids {
  tweets: Iterable<string>;
  authors: Iterable<string>;
}

export const emptyList = (): ForgottenList => ({
  schemaVersion: 1,
  salt: randomBytes(16).toString('hex'),
  tweets: [],
  authors: [],
});

/** The list with more ids on it; the very same list where all of them are on it already. */
export function withIds(list: ForgottenList, { tweets, authors }: Ids): ForgottenList {
  const grown = {
    ...list,
    salt: list.salt,
    tweets: union(
      list.tweets,
      [...tweets].map((id) => markOf(list.salt, 'tweet', id)),
    ),
    authors: union(
      list.authors,
      [...authors].map((id) => markOf(list.salt, 'author', id)),
    ),
  };
  const size = ({ tweets: a, authors: b }: ForgottenList) => a.length + b.length;
  return size(grown) === size(list) ? list : grown;
}

/** Answers whether a tweet was forgotten: by its own id or by its author's. */
export class Forgotten {
  private readonly tweets: ReadonlySet<string>;
  private readonly authors: ReadonlySet<string>;
  readonly isEmpty: boolean;

  constructor(private readonly list: ForgottenList) {
    this.tweets = new Set(list.tweets);
    this.authors = new Set(list.authors);
    this.isEmpty = this.tweets.size + this.authors.size === 0;
  }

  hasTweet(id: string): boolean {
    return this.tweets.size > 0 && this.tweets.has(markOf(this.list.salt, 'tweet', id));
  }

  hasAuthor(id: string): boolean {
    return this.authors.size > 0 && this.authors.has(markOf(this.list.salt, 'author', id));
  }

  has({ id, author_id }: { id: string; author_id: string }): boolean {
    return this.hasTweet(id) || this.hasAuthor(author_id);
  }
}

/** The lake's list and its ETag; an empty one where nothing was ever forgotten. */
export async function readForgotten(
  lake: Lake,
): Promise<{ list: ForgottenList; etag: string | null }> {
  const found = await getJson(lake, FORGOTTEN_KEY, ForgottenList);
  return found === null
    ? { list: emptyList(), etag: null }
    : { list: found.value, etag: found.etag };
}

// Half of SHA-256: two ids of a lake never meet by chance, and the list stays small.
const markOf = (salt: string, kind: 'tweet' | 'author', id: string): string =>
  createHmac('sha256', salt).update(`${kind} ${id}`).digest('hex').slice(0, 32);

const union = (one: readonly string[], other: readonly string[]): string[] =>
  [...new Set([...one, ...other])].sort();
