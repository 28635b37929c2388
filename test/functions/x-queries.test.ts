import fc from 'fast-check';
import { compileQuery } from '../../embedded/x-api/query';
import keywords from '../cases/keywords.json';
import queries from '../cases/queries.json';
import { KEYWORDS, MAX_QUERY_CHARACTERS, buildQueries } from '../../functions/x/queries';

const RULES = { language: 'en', excludeRetweets: true, operators: 'core' as const };
const build = (keywords: string[], rules = RULES) =>
  buildQueries([{ name: KEYWORDS, keywords }], rules);
const queryOf = (...keywords: string[]) => build(keywords)[0]?.query;

test('joins words with OR and adds the filters once', () => {
  expect(build(['tea', 'coffee'])).toEqual([
    { name: 'keywords', query: '(tea OR coffee) lang:en -is:retweet' },
  ]);
});

test('leaves out the filters that are not wanted', () => {
  const [query] = buildQueries(
    [{ name: KEYWORDS, keywords: ['tea'], language: null, excludeRetweets: false }],
    RULES,
  );

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

test.each(['#tea', '@nasa', 'naïve', '日本', 'a_b'])('leaves %s as it is', (keyword) => {
  expect(queryOf(keyword)).toBe(`(${keyword}) lang:en -is:retweet`);
});

test('splits a long list into queries that X takes, with each keyword in exactly one', () => {
  const keywords = Array.from({ length: 120 }, (_, index) => `keyword${index}`);

  const queries = build(keywords);

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
])('refuses %s and names it', (_, keyword, demand) => {
  expect(() => queryOf('tea', keyword)).toThrow(
    expect.objectContaining({
      name: 'InvalidInput',
      message: expect.stringContaining(`keywords.1: ${demand}`),
    }),
  );
});

test("takes a query in X's own language as it is", () => {
  const query = '(tea OR "green tea") -is:retweet lang:en has:links';

  expect(buildQueries([{ name: 'tea', query }], RULES)).toEqual([{ name: 'tea', query }]);
});

test('several named queries keep their names, and a long one is numbered', () => {
  const many = Array.from({ length: 60 }, (_, index) => `keyword${index}`);

  const queries = buildQueries(
    [
      { name: 'tea', keywords: ['tea'], language: null },
      { name: 'many', keywords: many },
    ],
    RULES,
  );

  expect(queries.map(({ name }) => name)).toEqual(['tea', 'many-1', 'many-2']);
  expect(queries[0]?.query).toBe('(tea) -is:retweet');
});

test.each([
  [
    'a query that is too long',
    { query: 'a '.repeat(260) + 'b' },
    'queries.q.query: must not be longer than 512',
  ],
  ['an empty query', { query: ' ' }, 'queries.q.query: must not be empty'],
  ['an open quotation', { query: '"tea' }, 'opens a quotation'],
  ['parentheses that do not match', { query: '(tea OR (coffee)' }, 'parentheses'],
  ['an operator of a dearer access', { query: 'tea place:paris' }, 'operator place:'],
  ['is:nullcast', { query: 'tea -is:nullcast' }, 'operator is:nullcast'],
  ['a cashtag', { keywords: ['tea', '$tsla'] }, 'queries.q.keywords.1: uses the operator $'],
  ['an operator that X does not have', { query: 'tea frm:nasa' }, 'operator frm:'],
  ['an empty keyword', { keywords: ['tea', ''] }, 'queries.q.keywords.1: must not be empty'],
])('refuses %s by name', (_, given, message) => {
  expect(() => buildQueries([{ name: 'q', ...given }], RULES)).toThrow(
    expect.objectContaining({ name: 'InvalidInput', message: expect.stringContaining(message) }),
  );
});

test('takes every operator of the access that is paid for', () => {
  const rules = { ...RULES, operators: 'all' as const };

  expect(buildQueries([{ name: 'q', query: 'tea place:paris $tsla' }], rules)).toHaveLength(1);
});

test('an operator in quotes is a word', () => {
  expect(buildQueries([{ name: 'q', query: '"place:paris"' }], RULES)).toHaveLength(1);
});

test.each([
  [
    'a name used twice',
    [
      { name: 'a', query: 'tea' },
      { name: 'a', query: 'coffee' },
    ],
    'the name a',
  ],
  [
    'the same search twice',
    [
      { name: 'a', query: 'tea' },
      { name: 'b', query: 'tea' },
    ],
    'b asks the same as a',
  ],
])('refuses %s', (_, named, message) => {
  expect(() => buildQueries(named, RULES)).toThrow(message);
});

test.each(keywords)('a keyword is searched for, or refused by name: $case', (given) => {
  if (given.refused === undefined) {
    expect(queryOf(given.keyword)).toBe(`(${given.term}) lang:en -is:retweet`);
    expect(() => compileQuery(queryOf(given.keyword) ?? '')).not.toThrow();
  } else {
    expect(() => queryOf('tea', given.keyword)).toThrow(`keywords.1: ${given.refused}`);
  }
});

test.each(queries)('$query is refused before X is asked, or it is not', ({ query, refused }) => {
  const built = () => buildQueries([{ name: 'q', query }], RULES);
  if (refused === null) {
    expect(built()).toEqual([{ name: 'q', query }]);
  } else {
    expect(built).toThrow(
      expect.objectContaining({
        name: 'InvalidInput',
        message: expect.stringMatching(/^queries\.q\.query: /),
      }),
    );
    expect(built).toThrow(refused);
  }
});

test('what is asked of X, however terms are put together, its stub takes, and the reverse', () => {
  const term = fc.constantFrom(
    ...['tea', '🍕', '"green tea"', '#tea', '@nasa', 'from:nasa', '"or"', '日本'],
    ...['lang:en', 'is:retweet', 'has:links'],
  );
  const negated = term.map((word) => `-${word}`);
  const { query } = fc.letrec<{ query: string; part: string; group: string }>((tie) => ({
    group: tie('query').map((inner) => `(${inner})`),
    part: fc.oneof(
      { maxDepth: 2 },
      term,
      negated,
      tie('group'),
      tie('group').map((it) => `-${it}`),
    ),
    query: fc
      .array(fc.array(tie('part'), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
      .map((sides) => sides.map((side) => side.join(' ')).join(' OR ')),
  }));
  const takes = (ask: () => unknown): boolean => {
    try {
      ask();
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(
      query.filter(({ length }) => length <= MAX_QUERY_CHARACTERS),
      (asked) => {
        const ours = takes(() => buildQueries([{ name: 'q', query: asked }], RULES));
        expect(ours).toBe(takes(() => compileQuery(asked)));
      },
    ),
    { numRuns: 1000 },
  );
});
