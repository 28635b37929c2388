import type { ArchivedPost } from './archive';
import type { Request } from './request';

/** Maximum weight of `text`; a longer post has its complete text in `note_tweet`. */
const shortText = 280;
/** Maximum length of a retweet's text; the retweeted post has the complete text. */
const retweetText = 140;
/** Characters of weight 1 in X's counting; all others have weight 2. */
const light = /[\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]/u;

type Fields = Pick<Request, 'postFields' | 'userFields' | 'expansions'>;

/** A text as its author wrote it. */
export const plain = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** X sends &, < and > as entities. A text that is already escaped stays unchanged. */
const escaped = (text: string): string =>
  plain(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const weightOf = (character: string): number => (light.test(character) ? 1 : 2);

/** The longest beginning of the text with at most this weight. */
function beginning(text: string, most: number): string {
  const characters = [...text];
  let left = most;
  const end = characters.findIndex((character) => (left -= weightOf(character)) < 0);
  return characters.slice(0, end === -1 ? undefined : end).join('');
}

/** The texts of a post, not escaped: `text`, and the complete text if it is longer. */
function textsOf(post: ArchivedPost): { text: string; note: string | null } {
  const original = post.references?.find(({ type }) => type === 'retweeted')?.post;
  const complete = plain(post.text);
  if (original) {
    const text = [...`RT @${original.author.username}: ${plain(original.text)}`];
    const isCut = text.length > retweetText;
    return {
      text: isCut ? `${text.slice(0, retweetText - 1).join('')}…` : text.join(''),
      note: null,
    };
  }
  if (beginning(complete, shortText) === complete) return { text: complete, note: null };
  // X appends a link to the complete post: 23 characters, an ellipsis and a space.
  const link = `https://t.co/${BigInt(post.id).toString(36).slice(-10).padStart(10, '0')}`;
  return { text: `${beginning(complete, shortText - 26)}… ${link}`, note: complete };
}

/** A post with the requested fields. */
export function renderPost(
  post: ArchivedPost,
  { postFields, expansions }: Fields,
): Record<string, unknown> {
  const { text, note } = textsOf(post);
  const references = post.references?.map(({ type, post: { id } }) => ({ type, id }));
  const optional: Record<string, unknown> = {
    author_id: post.author.id,
    conversation_id: post.id,
    created_at: new Date(post.createdAt).toISOString(),
    lang: post.lang,
    possibly_sensitive: false,
    public_metrics: {
      ...post.metrics,
      bookmark_count: 0,
      impression_count: post.metrics.like_count * 37,
    },
    reply_settings: 'everyone',
    ...(note !== null && { note_tweet: { text: escaped(note) } }),
    ...(references && { referenced_tweets: references }),
    ...(post.withheld && { withheld: post.withheld }),
  };
  // X also returns the fields that it expands.
  const isAsked = (name: string): boolean =>
    postFields.has(name) ||
    (name === 'author_id' && expansions.has('author_id')) ||
    (name === 'referenced_tweets' && [...expansions].some((path) => path.startsWith(name)));
  return {
    id: post.id,
    text: escaped(text),
    edit_history_tweet_ids: post.history ?? [post.id],
    ...Object.fromEntries(Object.entries(optional).filter(([name]) => isAsked(name))),
  };
}

/** The requested authors and referenced posts, each once; undefined if none were requested. */
export function includesOf(
  page: readonly ArchivedPost[],
  fields: Fields,
): { users?: Record<string, unknown>[]; tweets?: Record<string, unknown>[] } | undefined {
  const { expansions, userFields } = fields;
  const referenced = page.flatMap(({ references }) => references?.map(({ post }) => post) ?? []);
  const expanded = [
    ...(expansions.has('author_id') ? page : []),
    ...(expansions.has('referenced_tweets.id.author_id') ? referenced : []),
  ];
  const users = new Map(expanded.map(({ author }) => [author.id, author]));
  const withTweets = [...expansions].some((path) => path.startsWith('referenced_tweets.id'));
  const tweets = new Map(withTweets ? referenced.map((post) => [post.id, post]) : []);
  if (users.size + tweets.size === 0) return undefined;
  return {
    ...(users.size > 0 && {
      users: [...users.values()].map((user) => renderAuthor(user, userFields)),
    }),
    ...(tweets.size > 0 && {
      tweets: [...tweets.values()].map((post) => renderPost(post, fields)),
    }),
  };
}

function renderAuthor(
  author: ArchivedPost['author'],
  fields: Set<string>,
): Record<string, unknown> {
  const optional: Record<string, unknown> = {
    description: 'An invented account.',
    protected: false,
    public_metrics: {
      followers_count: author.followers,
      following_count: Math.round(author.followers ** 0.6),
      tweet_count: Math.round(author.followers * 1.7),
      listed_count: Math.round(author.followers / 90),
    },
    verified: false,
  };
  const asked = Object.entries(optional).filter(([name]) => fields.has(name));
  return {
    id: author.id,
    name: author.name,
    username: author.username,
    ...Object.fromEntries(asked),
  };
}
