/** X's prices in US dollars, and whether authors are read (and billed) too. */
interface Prices {
  readonly usdPerPost: number;
  readonly usdPerUser: number;
  readonly authorNames: boolean;
}

/** What X charges for posts and users that it returned, in US dollars. */
export const priceOf = (
  { usdPerPost, usdPerUser }: Pick<Prices, 'usdPerPost' | 'usdPerUser'>,
  { posts, users }: { posts: number; users: number },
): number => Number((posts * usdPerPost + users * usdPerUser).toFixed(6));

/** What X may charge for so many posts at most: each by another author, where names are asked for. */
export const highestPrice = (prices: Prices, posts: number): number =>
  priceOf(prices, { posts, users: prices.authorNames ? posts : 0 });

/** What may come of X for so many posts, for messages. */
export const postsAndAuthors = (
  { authorNames }: Pick<Prices, 'authorNames'>,
  posts: string,
): string => (authorNames ? `${posts} and as many authors` : posts);
