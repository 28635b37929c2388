import { createHmac, randomBytes } from 'node:crypto';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { durable, lenient } from '../../workflows/durable';
import { StepError } from '../../workflows/errors';
import { getJson, putJsonIf, uriOf } from './objects';
import type { LakeBucket } from './objects';

/**
 * The list of erased tweets and authors. It holds marks instead of ids: HMACs under a secret that is not in the
 * bucket. Only a reader of the secret can test whether an id is on the list; nobody else can, even by trying all ids.
 */
export const FORGOTTEN_KEY = `${prefixes.plans}forgotten.json`;

const Mark = z.string().regex(/^[0-9a-f]{32}$/);
const Marks = { tweets: z.array(Mark), authors: z.array(Mark) };
/** Marks of `forget` commands that have not finished; the next one searches the complete lake for their ids. */
const Unfinished = z.array(Mark);

/**
 * Marks of a version 1 list, stored beside their salt, so a reader could try ids. A mark does not reveal its id, so it
 * is converted only when the id is seen again.
 */
const Legacy = lenient(z.object({ salt: z.string().min(32), ...Marks }));

/** A version 1 list does not record unfinished commands, so the next command searches everything. */
const PERHAPS_UNFINISHED = '0'.repeat(32);

export const ForgottenList = durable(
  'The list of what was forgotten',
  z.object({
    schemaVersion: z.literal(2),
    /** Mark of a constant: tells whether the list was written under the current secret. null in a version 1 list. */
    check: Mark.nullable(),
    ...Marks,
    unfinished: Unfinished,
    legacy: Legacy.nullable(),
  }),
  {
    1: ({ salt, tweets, authors, ...rest }) => ({
      ...rest,
      check: null,
      tweets: [],
      authors: [],
      unfinished: [PERHAPS_UNFINISHED],
      legacy: { salt, tweets, authors },
    }),
  },
);
export type ForgottenList = z.infer<typeof ForgottenList>;

type Kind = 'tweet' | 'author';
/** Turns an id into its mark. */
export type Marker = (kind: Kind | 'check', id: string) => string;

// Half of SHA-256 rules out collisions within one lake and keeps the list small.
const under =
  (secret: string): Marker =>
  (kind, id) =>
    createHmac('sha256', secret).update(`${kind} ${id}`).digest('hex').slice(0, 32);

/** Minimum length of the secret in characters; CloudFormation generates 64. */
const SHORTEST_SECRET = 32;
const markers = new Map<string, Promise<Marker>>();

/** The marker of a lake. The secret never changes, so each process reads it once. Throws `ContractBroken`. */
export function readMarker(secrets: SecretsManagerClient, secretArn: string): Promise<Marker> {
  const known = markers.get(secretArn) ?? fetchMarker(secrets, secretArn);
  markers.set(secretArn, known);
  // Do not cache a failure: the next call reads the secret again.
  known.catch(() => markers.delete(secretArn));
  return known;
}

async function fetchMarker(secrets: SecretsManagerClient, secretArn: string): Promise<Marker> {
  const { SecretString = '' } = await secrets.send(
    new GetSecretValueCommand({ SecretId: secretArn }),
  );
  if (SecretString.length < SHORTEST_SECRET) {
    throw new StepError(
      'ContractBroken',
      `The secret ${secretArn} holds ${SecretString.length} characters; the list of forgotten ids needs ${SHORTEST_SECRET} or more. Deploy the stack again.`,
    );
  }
  return under(SecretString);
}

/** A marker with a random secret, for tests and benchmarks. */
export const randomMarker = (): Marker => under(randomBytes(32).toString('hex'));

interface Ids {
  tweets: Iterable<string>;
  authors: Iterable<string>;
}

export const emptyList = (marker: Marker): ForgottenList => ({
  schemaVersion: 2,
  check: marker('check', ''),
  tweets: [],
  authors: [],
  unfinished: [],
  legacy: null,
});

/** Adds ids to the list; returns the same object if all of them are on it. */
export function withIds(list: ForgottenList, ids: Ids, marker: Marker): ForgottenList {
  const [tweets, authors] = [[...ids.tweets], [...ids.authors]];
  const grown = {
    ...list,
    tweets: union(
      list.tweets,
      tweets.map((id) => marker('tweet', id)),
    ),
    authors: union(
      list.authors,
      authors.map((id) => marker('author', id)),
    ),
    legacy: list.legacy && withoutIds(list.legacy, tweets, authors),
  };
  const size = ({ tweets: a, authors: b, legacy }: ForgottenList): number =>
    a.length + b.length - (legacy === null ? 0 : legacy.tweets.length + legacy.authors.length);
  return size(grown) === size(list) ? list : grown;
}

/** Removes old marks whose ids now have new marks; null if none remain. */
function withoutIds(
  legacy: NonNullable<ForgottenList['legacy']>,
  tweets: readonly string[],
  authors: readonly string[],
): ForgottenList['legacy'] {
  const old = under(legacy.salt);
  const [marked, markedAuthors] = [
    new Set(tweets.map((id) => old('tweet', id))),
    new Set(authors.map((id) => old('author', id))),
  ];
  const left = {
    salt: legacy.salt,
    tweets: legacy.tweets.filter((mark) => !marked.has(mark)),
    authors: legacy.authors.filter((mark) => !markedAuthors.has(mark)),
  };
  return left.tweets.length + left.authors.length === 0 ? null : left;
}

/** Tells whether a tweet was erased, by its own id or its author's. */
export class Forgotten {
  /** Ids found only by their old marks. */
  readonly knownByOldMarks = { tweets: new Set<string>(), authors: new Set<string>() };
  private readonly marks: Record<Kind, ReadonlySet<string>>;
  private readonly oldMarks: Record<Kind, ReadonlySet<string>>;
  private readonly oldMarker: Marker;
  readonly isEmpty: boolean;

  constructor(
    { tweets, authors, legacy }: ForgottenList,
    private readonly marker: Marker,
  ) {
    this.marks = { tweet: new Set(tweets), author: new Set(authors) };
    this.oldMarks = { tweet: new Set(legacy?.tweets), author: new Set(legacy?.authors) };
    this.oldMarker = under(legacy?.salt ?? '');
    this.isEmpty = [this.marks, this.oldMarks].every(
      ({ tweet, author }) => tweet.size + author.size === 0,
    );
  }

  hasTweet(id: string): boolean {
    return this.knows('tweet', id);
  }

  hasAuthor(id: string): boolean {
    return this.knows('author', id);
  }

  has({ id, author_id }: { id: string; author_id: string }): boolean {
    return this.hasTweet(id) || this.hasAuthor(author_id);
  }

  private knows(kind: Kind, id: string): boolean {
    if (this.marks[kind].size > 0 && this.marks[kind].has(this.marker(kind, id))) return true;
    const old = this.oldMarks[kind];
    if (old.size === 0 || !old.has(this.oldMarker(kind, id))) return false;
    this.knownByOldMarks[kind === 'tweet' ? 'tweets' : 'authors'].add(id);
    return true;
  }
}

/**
 * The lake's list and its ETag; an empty list if nothing was erased. Throws `ContractBroken` when the list was written
 * under another secret: no id would match, and every erased tweet would come back.
 */
export async function readForgotten(
  lake: LakeBucket,
  marker: Marker,
): Promise<{ list: ForgottenList; etag: string | null }> {
  const found = await getJson(lake, FORGOTTEN_KEY, ForgottenList);
  if (found === null) return { list: emptyList(marker), etag: null };
  const { value, etag } = found;
  if (value.check === null) return { list: { ...value, check: marker('check', '') }, etag };
  if (value.check !== marker('check', '')) {
    throw new StepError(
      'ContractBroken',
      `${uriOf(lake, FORGOTTEN_KEY)} was written under another secret than the stack's output ForgottenSecretArn names. ` +
        'Put back the version of the secret that it was written under; docs/erasure.md says how.',
    );
  }
  return { list: value, etag };
}

/** Replaces old marks of known ids by new ones. If another writer is faster, the next call does it. */
export async function renewMarks(
  lake: LakeBucket,
  forgotten: Forgotten,
  marker: Marker,
): Promise<void> {
  const { tweets, authors } = forgotten.knownByOldMarks;
  if (tweets.size + authors.size === 0) return;
  const { list, etag } = await readForgotten(lake, marker);
  const renewed = withIds(list, { tweets, authors }, marker);
  if (renewed !== list) await putJsonIf(lake, FORGOTTEN_KEY, renewed, { ifMatch: etag });
}

const union = (one: readonly string[], other: readonly string[]): string[] =>
  [...new Set([...one, ...other])].sort();
