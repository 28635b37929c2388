import { StepError } from '../../workflows/errors';

/** X refuses a longer query. */
export const MAX_QUERY_CHARACTERS = 512;

const PLAIN_WORD = /^[#@$]?[\p{L}\p{N}_]+$/u;
// X refuses these unquoted, in small letters too, as ambiguous.
const OPERATOR = /^(and|or|not)$/i;

export interface QueryRules {
  /** Language tag X is to filter by; null takes every language. */
  language: string | null;
  excludeRetweets: boolean;
}

/**
 * The keywords as X queries, joined with OR; a list too long for one query becomes several.
 * A phrase, and a word that X would read as an operator, is quoted.
 * Throws `InvalidInput` for a keyword that cannot be searched for.
 */
export function buildQueries(
  keywords: readonly string[],
  rules: QueryRules,
): { name: string; query: string }[] {
  const filters = [
    rules.language && `lang:${rules.language}`,
    rules.excludeRetweets && '-is:retweet',
  ].filter(Boolean);
  const wrap = (terms: readonly string[]) => [`(${terms.join(' OR ')})`, ...filters].join(' ');
  const groups: string[][] = [];
  for (const [index, keyword] of keywords.entries()) {
    const term = searchTerm(keyword, index);
    if (wrap([term]).length > MAX_QUERY_CHARACTERS) {
      const room = MAX_QUERY_CHARACTERS - wrap(['']).length;
      throw refused(
        index,
        `must not be longer than ${room} characters with its quotes, or X refuses the query`,
        term,
      );
    }
    const group = groups.at(-1);
    if (group && wrap([...group, term]).length <= MAX_QUERY_CHARACTERS) {
      group.push(term);
    } else {
      groups.push([term]);
    }
  }
  return groups.map((terms, index) => ({
    name: groups.length === 1 ? 'keywords' : `keywords-${index + 1}`,
    query: wrap(terms),
  }));
}

function searchTerm(keyword: string, index: number): string {
  const words = keyword.trim().replace(/\s+/g, ' ');
  if (words === '') {
    throw refused(index, 'must not be empty', keyword);
  }
  if (words.includes('"')) {
    throw refused(index, 'must not hold a double quote', keyword);
  }
  if (!/[\p{L}\p{N}]/u.test(words)) {
    throw refused(index, 'must hold a letter or a digit', keyword);
  }
  return PLAIN_WORD.test(words) && !OPERATOR.test(words) ? words : `"${words}"`;
}

const refused = (index: number, demand: string, keyword: string): StepError => {
  const shown = keyword.length > 60 ? `${keyword.slice(0, 60)}…` : keyword;
  return new StepError(
    'InvalidInput',
    `keywords.${index}: ${demand} (got ${JSON.stringify(shown)})`,
  );
};
