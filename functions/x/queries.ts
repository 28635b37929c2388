import { StepError } from '../../workflows/errors';
import type { NamedQuery } from '../../workflows/payloads';
import { refusedOperator, refusedStructure } from './operators';
import type { OperatorsPaid } from './operators';

/** X refuses a longer query. */
export const MAX_QUERY_CHARACTERS = 512;

const PLAIN_WORD = /^[#@$]?[\p{L}\p{N}_]+$/u;
// TypeScript takes the flag, which knows emoji of several characters, in a literal from ES2024 on.
const EMOJI = new RegExp(
  '\\p{RGI_Emoji}|\\p{Extended_Pictographic}|\\p{Regional_Indicator}{2}',
  'v',
);
/** One character, and no variant: X wants variants in quotes. */
const PLAIN_EMOJI = new RegExp('^(?:\\p{Emoji_Presentation}|\\p{Extended_Pictographic})$', 'v');
// X refuses these unquoted, in small letters too, as ambiguous.
const OPERATOR = /^(and|or|not)$/i;

export interface QueryRules {
  /** Language tag X is to filter by; null takes every language. */
  language: string | null;
  excludeRetweets: boolean;
  operators: OperatorsPaid;
}

export interface Query {
  name: string;
  query: string;
}

/** The name of the query that stands for keywords without one. */
export const KEYWORDS = 'keywords';

/**
 * Named queries as X takes them; a list of keywords too long for one query becomes several. `path` is where
 * each came from, for messages. Throws `InvalidInput` for what X would refuse: before the first call, by name.
 */
export function buildQueries(named: readonly NamedQuery[], rules: QueryRules): Query[] {
  const queries = named.flatMap((one) => {
    const path = one.name === KEYWORDS && one.query === undefined ? '' : `queries.${one.name}.`;
    const own = {
      ...rules,
      language: one.language === undefined ? rules.language : one.language,
      excludeRetweets: one.excludeRetweets ?? rules.excludeRetweets,
    };
    return one.query === undefined
      ? joinKeywords(one.name, one.keywords ?? [], own, path)
      : [{ name: one.name, query: checkQuery(one.query, rules.operators, `${path}query`) }];
  });
  for (const [index, { name, query }] of queries.entries()) {
    const twin = queries
      .slice(0, index)
      .find((other) => other.name === name || other.query === query);
    if (twin) {
      throw new StepError(
        'InvalidInput',
        twin.name === name
          ? `queries: the name ${name} is used twice`
          : `queries: ${name} asks the same as ${twin.name}`,
      );
    }
  }
  return queries;
}

/** Keywords joined with OR. A phrase, an emoji of several characters, and a word that X would read as an operator, is quoted. */
function joinKeywords(
  name: string,
  keywords: readonly string[],
  rules: QueryRules,
  path: string,
): Query[] {
  const filters = [
    rules.language && `lang:${rules.language}`,
    rules.excludeRetweets && '-is:retweet',
  ].filter(Boolean);
  const wrap = (terms: readonly string[]) => [`(${terms.join(' OR ')})`, ...filters].join(' ');
  const groups: string[][] = [];
  for (const [index, keyword] of keywords.entries()) {
    const at = `${path}keywords.${index}`;
    const term = searchTerm(keyword, at);
    const refused = refusedOperator(term, rules.operators);
    if (refused !== null) throw refusal(at, refused, keyword);
    if (wrap([term]).length > MAX_QUERY_CHARACTERS) {
      const room = MAX_QUERY_CHARACTERS - wrap(['']).length;
      throw refusal(
        at,
        `must not be longer than ${room} characters with its quotes, or X refuses the query`,
        term,
      );
    }
    const group = groups.at(-1);
    if (group?.includes(term)) continue;
    if (group && wrap([...group, term]).length <= MAX_QUERY_CHARACTERS) {
      group.push(term);
    } else {
      groups.push([term]);
    }
  }
  return groups.map((terms, index) => ({
    name: groups.length === 1 ? name : `${name}-${index + 1}`,
    query: wrap(terms),
  }));
}

function searchTerm(keyword: string, at: string): string {
  const words = keyword.trim().replace(/\s+/g, ' ');
  if (words === '') {
    throw refusal(at, 'must not be empty', keyword);
  }
  if (words.includes('"')) {
    throw refusal(at, 'must not hold a double quote', keyword);
  }
  if (!/[\p{L}\p{N}]/u.test(words) && !EMOJI.test(words)) {
    throw refusal(
      at,
      'must hold a letter, a digit or an emoji: X looks for words, and finds no punctuation',
      keyword,
    );
  }
  const isPlain = (PLAIN_WORD.test(words) && !OPERATOR.test(words)) || PLAIN_EMOJI.test(words);
  return isPlain ? words : `"${words}"`;
}

/** A query in X's own language, looked at for what X is known to refuse. */
function checkQuery(given: string, operators: OperatorsPaid, at: string): string {
  const query = given.trim();
  const unquoted = query.replace(/"[^"]*"/g, '');
  const refuse = (demand: string) => refusal(at, demand, query);
  if (query === '') throw refuse('must not be empty');
  if (query.length > MAX_QUERY_CHARACTERS) {
    throw refuse(
      `must not be longer than ${MAX_QUERY_CHARACTERS} characters, or X refuses it; it has ${query.length}`,
    );
  }
  if (unquoted.includes('"')) throw refuse('opens a quotation that it does not close');
  if (!isBalanced(unquoted)) throw refuse('has parentheses that do not match');
  const refused = refusedOperator(query, operators) ?? refusedStructure(query);
  if (refused !== null) throw refuse(refused);
  return query;
}

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const sign of text) {
    depth += sign === '(' ? 1 : sign === ')' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth === 0;
}

function refusal(at: string, demand: string, got: string): StepError {
  const shown = got.length > 60 ? `${got.slice(0, 60)}…` : got;
  return new StepError('InvalidInput', `${at}: ${demand} (got ${JSON.stringify(shown)})`);
}

const NO_RETWEETS = /(^|\s)-is:(retweet|nativeretweet)(?=\s|$)/;

/**
 * Whether an answer to this query can hold retweets: unless all of it is under `-is:retweet`. One that stands in
 * parentheses, or beside an OR, may be of a part alone.
 */
export function canBringRetweets(query: string): boolean {
  const unquoted = query.replace(/"[^"]*"/g, '""');
  let depth = 0;
  const outside = [...unquoted]
    .map((sign) => {
      if (sign === '(') depth += 1;
      const isOutside = depth === 0;
      if (sign === ')') depth -= 1;
      return isOutside ? sign : ' ';
    })
    .join('');
  return /\bOR\b/.test(outside) || !NO_RETWEETS.test(outside);
}
