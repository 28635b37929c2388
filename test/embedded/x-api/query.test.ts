import { compileQuery, indexed } from '../../../embedded/x-api/query';

const finds = (query: string, text: string): boolean =>
  compileQuery(query)(indexed({ text, lang: 'en', username: 'calm_otter' }));

test.each([
  ['love', 'I LOVE this', true],
  ['love', 'beloved', false],
  ['love cats', 'cats I love', true],
  ['love cats', 'I love dogs', false],
  ['"love cats"', 'we love cats!', true],
  ['"love cats"', 'cats love us', false],
  ['cats OR dogs', 'two dogs', true],
  ['(cats OR dogs) -loud', 'loud dogs', false],
  ['(cats OR dogs) -loud', 'quiet dogs', true],
  // AND binds closer than OR.
  ['red cats OR dogs', 'dogs', true],
  ['red cats OR dogs', 'red', false],
  ['dogs -(loud OR wet)', 'wet dogs', false],
  ["don't", "I don't know", true],
  ['#fail', 'epic #FAIL', true],
  ['#fail', '#failure', false],
  ['@anonymous', '@anonymous hello', true],
  ['from:calm_otter', 'anything', true],
  ['from:other', 'anything', false],
  ['hello lang:en', 'hello', true],
  ['hello lang:de', 'hello', false],
  ['hello -is:retweet', 'hello', true],
  ['hello is:retweet', 'hello', false],
  ['look has:links', 'look http://a.b', true],
  ['"and"', 'this and that', true],
  ['🍕', 'a slice of🍕!', true],
  ['🍕', 'a slice of cake', false],
  ['"❤️"', 'I ❤ this', true],
  ['"👍🏽"', 'good 👍🏽', true],
  ['"👍🏽"', 'good 👍', false],
  ['"🇫🇷"', 'vive la 🇫🇷', true],
  ['"🇫🇷"', 'vive le 🇨🇦', false],
  ['"1️⃣"', 'number 1️⃣ of all', true],
  ['"👩‍👩‍👧‍👦"', 'us 👩‍👩‍👧‍👦', true],
  ['日本', 'これは日本語です', true],
  ['日本', '本日は晴天', false],
  ['(cats OR dogs) (has:links OR -is:quote)', 'two dogs', true],
])('%s against "%s" is %s', (query, text, expected) => {
  expect(finds(query, text)).toBe(expected);
});

test.each([
  ['', 'empty'],
  ['this and that', 'Ambiguous use of and as a keyword'],
  ['cats or dogs', 'uppercase OR'],
  ['cats OR', 'a search term is missing'],
  ['(cats', 'a parenthesis is not closed'],
  ['cats)', '")" is not expected'],
  ['"cats', 'a quotation mark is not closed'],
  ['point_radius:[1]', 'point_radius:[1] is not an operator'],
  ['sentiment:good', 'sentiment:good is not an operator'],
  ['lang:en -is:retweet', 'standalone operator (at position 1)'],
  ['-cats', 'standalone operator (at position 1)'],
  ['cats OR lang:en', 'standalone operator (at position 9)'],
  ['cats (dogs OR -is:quote) OR (has:links OR -birds)', 'standalone operator'],
  ['(cats OR -dogs)', 'standalone operator'],
  ['from:', 'from: needs a value'],
  ['!!!', "no viable alternative at character '!!!'"],
  ['()', 'a search term is missing'],
  ['a'.repeat(513), '513 characters; at most 512 are allowed'],
])('refuses %s', (query, message) => {
  expect(() => compileQuery(query)).toThrow(message);
});
