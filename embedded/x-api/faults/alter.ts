import type { ArchivedPost } from '../archive';
import { authors } from '../authors';
import { plain } from '../render';
import { compareIds, idAt, timeOf } from '../snowflake';
import type { Due } from './due';

const hour = 3_600_000;

/** Applies the script's faults that change the posts themselves, before they are rendered. */
export function altered(page: readonly ArchivedPost[], due: Due): ArchivedPost[] {
  let posts = [...page];
  for (const { tweets, characters } of due.all('long')) {
    posts = first(posts, tweets, (post) => [
      { ...post, text: repeated(plain(post.text), characters) },
    ]);
  }
  for (const { tweets } of due.all('withheld')) {
    posts = first(posts, tweets, (post) => [withheld(post)]);
  }
  for (const { tweets, how } of due.all('references')) {
    posts = first(posts, tweets, (post) => [referring[how](post)]);
  }
  for (const { tweets, versions } of due.all('edited')) {
    posts = first(posts, tweets, (post) => edited(post, versions));
  }
  return posts.sort((a, b) => compareIds(b.id, a.id));
}

const first = (
  posts: readonly ArchivedPost[],
  count: number,
  alter: (post: ArchivedPost) => ArchivedPost[],
): ArchivedPost[] => posts.flatMap((post, index) => (index < count ? alter(post) : [post]));

/** A post of another author, one hour older. */
function original(post: ArchivedPost): ArchivedPost {
  const at = authors.findIndex(({ id }) => id === post.author.id) + 1;
  const createdAt = timeOf(post.id) - hour;
  return {
    ...post,
    id: idAt(createdAt, Number(BigInt(post.id) & 4095n)),
    createdAt,
    author: authors[at % authors.length] ?? post.author,
  };
}

/** Adds a reference to a post. */
const referring = {
  retweet: (post: ArchivedPost) => ({
    ...post,
    references: [{ type: 'retweeted' as const, post: original(post) }],
  }),
  quote: (post: ArchivedPost) => ({
    ...post,
    references: [{ type: 'quoted' as const, post: { ...original(post), text: 'a quoted post' } }],
  }),
  reply: (post: ArchivedPost) => ({
    ...post,
    references: [
      { type: 'replied_to' as const, post: { ...original(post), text: 'an answered post' } },
    ],
  }),
};

/** Repeats the text up to this length, with a last word that shows whether the text is complete. */
function repeated(text: string, characters: number): string {
  const end = ' the-end';
  const room = characters - end.length;
  const times = Math.ceil(room / (text.length + 1));
  return `${Array.from({ length: times }, () => text)
    .join(' ')
    .slice(0, room)}${end}`;
}

const withheld = (post: ArchivedPost): ArchivedPost => ({
  ...post,
  text: `This Post from @${post.author.username} has been withheld in Germany in response to a legal demand.`,
  withheld: { copyright: false, country_codes: ['DE'] },
});

/** An edit is a separate post. Each version's history has the ids of the versions before it. */
function edited(post: ArchivedPost, versions: 'both' | 'newest'): ArchivedPost[] {
  const createdAt = timeOf(post.id) - 60_000;
  const id = idAt(createdAt, Number(BigInt(post.id) & 4095n));
  const before = { ...post, id, createdAt, text: `${post.text} (first version)`, history: [id] };
  const newest = { ...post, history: [id, post.id] };
  return versions === 'both' ? [newest, before] : [newest];
}
