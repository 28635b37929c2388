/* The X stand-in without faults, in a process of its own, over as many invented tweets as asked for. */
import { createServer } from 'node:http';
import type { ArchivedPost } from '../../embedded/x-api/archive';
import { authors } from '../../embedded/x-api/authors';
import { serveXApi } from '../../embedded/x-api/handler';
import { indexed } from '../../embedded/x-api/query';
import { idAt } from '../../embedded/x-api/snowflake';

const count = Number(process.argv[2]);
const SIX_DAYS_MS = 6 * 24 * 3600 * 1000;
const now = Date.now() - 3600 * 1000;

/** Newest first, as search answers. */
const posts: ArchivedPost[] = Array.from({ length: count }, (_, index) => {
  const createdAt = Math.floor(now - (index * SIX_DAYS_MS) / count);
  const author = authors[index % authors.length];
  if (author === undefined) throw new Error('there are no authors');
  const text = `tea number ${index}: what a day at the quiet harbour, I love it 😀 https://t.co/${index}`;
  return {
    id: idAt(createdAt, 1 + (index % 4000)),
    text,
    lang: 'en',
    createdAt,
    author,
    searchable: indexed({ text, lang: 'en', username: author.username }),
    metrics: { retweet_count: 1, reply_count: 0, like_count: index % 50, quote_count: 0 },
  };
});
const server = createServer(
  serveXApi({ posts, release: () => 0 }, { requestsPerWindow: 1_000_000 }),
).listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
