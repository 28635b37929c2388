import { randomFrom, shuffled } from '../random';
import type { SearchAnswer } from '../search';
import { idAt, timeOf } from '../snowflake';
import type { Due } from './due';
import type { malformations, nullings, strangeTexts } from './script';

type Post = Record<string, unknown>;
/** The sent response; an item of `data` may not be a post. */
export type Sent = Omit<SearchAnswer, 'data' | 'meta'> & {
  data?: unknown[];
  meta?: Record<string, unknown>;
  errors?: unknown[];
};

const DAY_MS = 24 * 60 * 60 * 1000;

// An undefined field is left out of the JSON.
const malformed: Record<(typeof malformations)[number], (post: Post) => unknown> = {
  'no-id': (post) => ({ ...post, id: undefined }),
  'id-not-a-number': (post) => ({ ...post, id: `x${String(post['id'])}` }),
  'number-for-id': (post) => ({ ...post, id: Number(post['id']) }),
  'no-text': (post) => ({ ...post, text: undefined }),
  'null-text': (post) => ({ ...post, text: null }),
  'no-created-at': (post) => ({ ...post, created_at: undefined }),
  'bad-created-at': (post) => ({ ...post, created_at: 'yesterday' }),
  'future-created-at': (post) => ({
    ...post,
    created_at: new Date(timeOf(String(post['id'])) + 30 * DAY_MS).toISOString(),
  }),
  'negative-metric': (post) => ({ ...post, public_metrics: { like_count: -1 } }),
  'a-string': (post) => `post ${String(post['id'])}`,
  null: () => null,
};

/** Changes each metric of a post. */
const metrics = (post: Post, change: (value: unknown) => unknown): Post => ({
  ...post,
  ...(post['public_metrics'] !== undefined && {
    public_metrics: Object.fromEntries(
      Object.entries(Object(post['public_metrics'])).map(([name, value]) => [name, change(value)]),
    ),
  }),
});

const nulled: Record<(typeof nullings)[number], (post: Post) => Post> = {
  metrics: (post) => ({ ...post, public_metrics: null }),
  'each-metric': (post) => metrics(post, () => null),
  digits: (post) => metrics(post, String),
  lang: (post) => ({ ...post, lang: null }),
};

const texts: Record<(typeof strangeTexts)[number], string> = {
  emoji: '👩‍👩‍👧‍👦 love 🏳️‍🌈 1️⃣ 🇫🇷 hate',
  'right-to-left': 'love שלום مرحبا \u202Ehate\u202C',
  'lone-surrogate': 'love \uD83D and \uDE00 hate',
  'control-characters': 'love \u0000\u0007\u001B[31m hate',
  'line-separators': 'love\u2028hate\u2029\u0085\r\nlove',
  'only-a-url': 'https://t.co/love',
};

/** Applies the script's faults that change the response. */
export function changed(answer: SearchAnswer, due: Due, previous: readonly Post[]): Sent {
  let sent: Sent = answer;
  const { data } = answer;
  if (data !== undefined) {
    sent = { ...answer, data: changedPosts(data, due, previous) };
  }
  for (const { what } of due.all('no-author')) {
    if (what === 'includes') {
      sent = { ...sent, includes: { users: [] } };
    }
  }
  if (due.has('partial-errors')) {
    sent = { ...sent, errors: [notFound] };
  }
  if (due.has('unknown-fields')) {
    sent = {
      ...sent,
      ...{ experiments: { enabled: true }, matching_rules: null },
      meta: { ...sent.meta, sampled: 0.5 },
      data: sent.data?.map((post) =>
        isPost(post) ? { ...post, mood: 'fine', nested: { a: [1, null] } } : post,
      ),
    };
  }
  for (const { how } of due.all('meta')) {
    sent = { ...sent, meta: metaChanges[how](answer) };
  }
  return sent;
}

function changedPosts(data: readonly Post[], due: Due, previous: readonly Post[]): unknown[] {
  let posts: unknown[] = [...data];
  for (const { seconds } of due.all('clock-skew')) {
    posts = posts.map((post) => (isPost(post) ? skewed(post, seconds) : post));
  }
  for (const { text, tweets } of due.all('text')) {
    posts = alterFirst(posts, tweets, (post) => ({ ...post, text: texts[text] }));
  }
  for (const { what } of due.all('no-author')) {
    if (what === 'author_id')
      posts = alterFirst(posts, 1, (post) => ({ ...post, author_id: undefined }));
  }
  for (const { how, tweets } of due.all('nulls')) {
    posts = alterFirst(posts, tweets, nulled[how]);
  }
  for (const { how, tweets } of due.all('malformed')) {
    posts = alterFirst(posts, tweets, malformed[how]);
  }
  for (const { tweets } of due.all('duplicates')) {
    const again = previous.length > 0 ? previous : data;
    posts = [...again.slice(-tweets), ...posts];
  }
  for (const { how } of due.all('order')) {
    if (how === 'oldest-first') posts = posts.toReversed();
    if (how === 'shuffled') posts = shuffled(posts, randomFrom(JSON.stringify(posts)));
  }
  return posts;
}

/** Changes the first posts that no other fault has changed. */
function alterFirst(posts: unknown[], count: number, alter: (post: Post) => unknown): unknown[] {
  return posts.map((post, index) => (index < count && isPost(post) ? alter(post) : post));
}

const isPost = (value: unknown): value is Post => typeof value === 'object' && value !== null;

const skewed = (post: Post, seconds: number): Post => {
  const created = Date.parse(String(post['created_at']));
  return Number.isNaN(created)
    ? post
    : { ...post, created_at: new Date(created + seconds * 1000).toISOString() };
};

const notFound = {
  value: '1',
  detail: 'Could not find user with id: [1].',
  title: 'Not Found Error',
  resource_type: 'user',
  parameter: 'author_id',
  resource_id: '1',
  type: 'https://api.twitter.com/2/problems/resource-not-found',
};

const metaChanges = {
  none: () => undefined,
  'no-ids': ({ meta }: SearchAnswer) => ({ ...meta, newest_id: undefined, oldest_id: undefined }),
  'ids-swapped': ({ meta }: SearchAnswer) => ({
    ...meta,
    newest_id: meta.oldest_id,
    oldest_id: meta.newest_id,
  }),
  'ids-ahead': ({ meta }: SearchAnswer) => moved(meta, DAY_MS),
  'ids-behind': ({ meta }: SearchAnswer) => moved(meta, -DAY_MS),
  'wrong-count': ({ meta }: SearchAnswer) => ({ ...meta, result_count: meta.result_count + 7 }),
};

const moved = (meta: SearchAnswer['meta'], millis: number): SearchAnswer['meta'] => ({
  ...meta,
  ...(meta.newest_id !== undefined && { newest_id: idAt(timeOf(meta.newest_id) + millis) }),
  ...(meta.oldest_id !== undefined && { oldest_id: idAt(timeOf(meta.oldest_id) + millis) }),
});
