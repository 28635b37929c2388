/**
 * Search operators of every X API tier ("core") and of the more expensive ones ("advanced"), from memory of X's
 * documentation. An operator in neither list is rejected as unknown.
 */
const CORE = [
  'from',
  'to',
  'url',
  'retweets_of',
  'in_reply_to_tweet_id',
  'retweets_of_tweet_id',
  'quotes_of_tweet_id',
  'context',
  'entity',
  'conversation_id',
  'list',
  'lang',
  'is:retweet',
  'is:reply',
  'is:quote',
  'is:verified',
  'has:hashtags',
  'has:links',
  'has:mentions',
  'has:media',
  'has:images',
  'has:videos',
  'has:video_link',
];
const ADVANCED = [
  'bio',
  'bio_name',
  'bio_location',
  'place',
  'place_country',
  'point_radius',
  'bounding_box',
  'sample',
  'source',
  'followers_count',
  'following_count',
  'tweets_count',
  'listed_count',
  'url_title',
  'url_description',
  'url_contains',
  'is:nullcast',
  'has:cashtags',
  'has:geo',
];

/** Operators that our X API tier includes. */
export type OperatorsPaid = 'core' | 'all';

/** Why X would reject the first unsupported operator of a query; null if all are supported. */
export function refusedOperator(query: string, paid: OperatorsPaid): string | null {
  for (const operator of operatorsIn(query)) {
    const isAdvanced = operator === '$' || named(ADVANCED, operator);
    if (isAdvanced && paid === 'core') {
      return `uses the operator ${shown(operator)}, which X's core access does not have; x.operators in infra/config.ts says what you pay for`;
    }
    if (!isAdvanced && !named(CORE, operator)) {
      return `uses the operator ${shown(operator)}, which X's recent search does not know; put words that hold a colon in quotes`;
    }
  }
  return null;
}

const shown = (operator: string): string =>
  operator === '$' ? '$ (cashtag)' : operator.includes(':') ? operator : `${operator}:`;

/** `is:` and `has:` are looked up with their value, other operators by name. */
const named = (list: readonly string[], operator: string): boolean =>
  list.includes(operator) || list.includes(operator.split(':')[0] ?? '');

/** Operators outside quotes: `from`, `is:retweet`, and `$` for a cashtag. */
function operatorsIn(query: string): string[] {
  const unquoted = query.replace(/"[^"]*"/g, '""');
  return [
    ...[...unquoted.matchAll(/(?<![\p{L}\p{N}_])([a-z_]+):([a-z_]*)/giu)].map(
      ([, name = '', value = '']) =>
        /^(is|has)$/i.test(name) ? `${name}:${value}`.toLowerCase() : name.toLowerCase(),
    ),
    ...(/(?:^|[\s(-])\$\p{L}/u.test(unquoted) ? ['$'] : []),
  ];
}

/** Operators that only narrow a search: X requires a search term beside them. */
const NARROWING = /^(lang|is|has|sample)$/i;

type Token = '(' | ')' | 'OR' | { word: string; quoted: boolean; negated: boolean } | '-(';

/**
 * Why X would reject the structure of a query; null if it is valid. Quotation marks and parentheses must already be
 * balanced.
 */
export function refusedStructure(query: string): string | null {
  const tokens = tokensOf(query);
  let next = 0;

  /** Whether every side of an OR has a search term; a string is the reason why X rejects it. */
  const either = (): boolean | string => {
    let finds: boolean | string = true;
    for (;;) {
      const side = together();
      if (typeof side === 'string') return side;
      finds = finds && side;
      if (tokens[next] !== 'OR') return finds;
      next += 1;
    }
  };

  /** Whether any of the adjacent terms is a search term. */
  const together = (): boolean | string => {
    let finds: boolean | null = null;
    for (let token = tokens[next]; token !== undefined; token = tokens[next]) {
      if (token === ')' || token === 'OR') break;
      next += 1;
      if (typeof token === 'object') {
        finds = (finds ?? false) || (!token.negated && !isNarrowing(token));
        continue;
      }
      const group = either();
      if (typeof group === 'string') return group;
      next += 1;
      finds = (finds ?? false) || (token === '(' && group);
    }
    if (finds !== null) return finds;
    return tokens.includes('OR')
      ? 'has an OR or a parenthesis without something to look for on each side of it'
      : 'has parentheses with nothing between them';
  };

  const ambiguous = tokens.find(
    (token) => typeof token === 'object' && !token.quoted && /^(and|or|not)$/i.test(token.word),
  );
  if (typeof ambiguous === 'object') {
    return `has the bare word ${ambiguous.word}, which X refuses as ambiguous: write OR in capitals, a blank for "and", a - before what is not wanted, or put the word in quotes`;
  }
  const whole = either();
  if (typeof whole === 'string') return whole;
  return whole
    ? null
    : 'must name something to look for (a word, a phrase, an emoji, #tag, @user, from:user), on each side of an OR: lang:, is:, has: and what has a - before it only narrow a search, and X refuses them alone';
}

const isNarrowing = ({ word, quoted }: { word: string; quoted: boolean }): boolean =>
  !quoted && NARROWING.test(/^([a-z_]+):/i.exec(word)?.[1] ?? '');

/** Words, phrases and operators with their values (`url:"…"`), parentheses and ORs. */
function tokensOf(query: string): Token[] {
  const pattern = /(-?)(\()|(\))|(-?)((?:[^\s()"]|"[^"]*")+)/g;
  return [...query.matchAll(pattern)].map(([, groupMinus, open, close, minus, word = '']) => {
    if (open) return groupMinus ? '-(' : '(';
    if (close) return ')';
    if (word === 'OR' && !minus) return 'OR';
    return { word, quoted: word.startsWith('"'), negated: minus === '-' };
  });
}
