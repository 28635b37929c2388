import { MAX_QUERY_CHARACTERS, buildQueries } from '../../functions/x/queries';

const RULES = { language: 'en', excludeRetweets: true };
const queryOf = (...keywords: string[]) => buildQueries(keywords, RULES)[0]?.query;

test('joins words with OR and adds the filters once', () => {
  expect(buildQueries(['tea', 'coffee'], RULES)).toEqual([
    { name: 'keywords', query: '(tea OR coffee) lang:en -is:retweet' },
  ]);
});

test('leaves out the filters that are not wanted', () => {
  const [query] = buildQueries(['tea'], { language: null, excludeRetweets: false });

  expect(query?.query).toBe('(tea)');
});

test.each([
  ['a phrase', 'electric  car', '"electric car"'],
  ['a word with an apostrophe', "don't", `"don't"`],
  ['a word X would read as an operator', 'from:nasa', '"from:nasa"'],
  ['a negation', '-tea', '"-tea"'],
  ['OR', 'OR', '"OR"'],
  ['and', 'and', '"and"'],
  ['not', 'Not', '"Not"'],
])('quotes %s', (_, keyword, term) => {
  expect(queryOf(keyword)).toBe(`(${term}) lang:en -is:retweet`);
});

test.each(['#tea', '@nasa', '$tsla', 'naïve', '日本', 'a_b'])('leaves %s as it is', (keyword) => {
  expect(queryOf(keyword)).toBe(`(${keyword}) lang:en -is:retweet`);
});

test('splits a long list into queries that X takes, with each keyword in exactly one', () => {
  const keywords = Array.from({ length: 120 }, (_, index) => `keyword${index}`);

  const queries = buildQueries(keywords, RULES);

  expect(queries.map(({ name }) => name)).toEqual([
    'keywords-1',
    'keywords-2',
    'keywords-3',
    'keywords-4',
  ]);
  expect(queries.every(({ query }) => query.length <= MAX_QUERY_CHARACTERS)).toBe(true);
  expect(queries.flatMap(({ query }) => query.match(/keyword\d+/g))).toEqual(keywords);
});

test('takes the longest keyword that fits and refuses one character more', () => {
  const room = MAX_QUERY_CHARACTERS - '() lang:en -is:retweet'.length;

  expect(queryOf('a'.repeat(room))).toHaveLength(MAX_QUERY_CHARACTERS);
  expect(() => queryOf('tea', 'a'.repeat(room + 1))).toThrow(
    `keywords.1: must not be longer than ${room} characters`,
  );
});

test.each([
  ['an empty keyword', '  ', 'must not be empty'],
  ['a double quote', 'say "hi"', 'must not hold a double quote'],
  ['a keyword without a letter or digit', '!!!', 'must hold a letter or a digit'],
])('refuses %s and names it', (_, keyword, demand) => {
  expect(() => queryOf('tea', keyword)).toThrow(
    expect.objectContaining({
      name: 'InvalidInput',
      message: expect.stringContaining(`keywords.1: ${demand}`),
    }),
  );
});
