/**
 * Operators of recent search that every access to X's API has, and those that only a dearer one has: as
 * X's documentation listed them ("core" and "advanced") when last read, from memory. An operator in neither
 * list is refused as unknown.
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

/** What X's access that is paid for includes. */
export type OperatorsPaid = 'core' | 'all';

/** The first operator of a query that X would refuse for this access, and why; null when there is none. */
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

/** `is` and `has` are operators by what they ask for; the others by their name alone. */
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
