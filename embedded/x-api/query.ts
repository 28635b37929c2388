/** A post as the query sees it. */
export interface Searchable {
  text: string;
  lang: string;
  username: string;
  /** The kinds of its references to other posts. */
  refers?: readonly ('retweeted' | 'quoted' | 'replied_to')[];
}

type Predicate = (post: Indexed) => boolean;

/** A post that is prepared for search. */
export interface Indexed extends Searchable {
  /** The text's words in lower case, with one space before, between and after them. */
  words: string;
  lower: string;
}

interface Clause {
  matches: Predicate;
  /** Whether X accepts it alone: X rejects queries of only `lang:`, `is:` and negations. */
  standsAlone: boolean;
  /** Its position, for messages. */
  at?: number;
}

interface Token {
  kind: 'open' | 'close' | 'or' | 'term' | 'phrase';
  negated: boolean;
  value: string;
  /** Position of the token, for messages. */
  at: number;
}

export const indexed = (post: Searchable): Indexed => ({
  ...post,
  words: wordsOf(post.text),
  lower: post.text.toLowerCase(),
});

/** A query to which X would respond with 400; `message` explains the error to its author. */
export class QueryError extends Error {}

export const maxQueryLength = 512;

// The `v` flag supports emoji of several characters. TypeScript accepts it in a literal only from ES2024.
const token = new RegExp(
  [
    '\\p{RGI_Emoji}',
    '\\p{Extended_Pictographic}',
    // Scripts without spaces between words: each character is a word.
    '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]\\p{M}*',
    '(?:(?![\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}])[\\p{L}\\p{N}\\p{M}_])+',
  ].join('|'),
  'gv',
);
/** Variation selectors, which only change an emoji's appearance. */
const look = /[\uFE0E\uFE0F]/g;

/** Splits a text into words as in X's index: punctuation separates words (`don't` is "don t"), an emoji is a word. */
export function wordsOf(text: string): string {
  const words = text.toLowerCase().match(token) ?? [];
  return ` ${words
    .map((word) => word.replace(look, ''))
    .filter(Boolean)
    .join(' ')} `;
}

function tokenize(query: string): Token[] {
  const pattern = /\s*(?:(-?)(\()|(\))|(-?)"([^"]*)"|(-?)([^\s()"]+))/gy;
  const tokens: Token[] = [];
  while (pattern.lastIndex < query.trimEnd().length) {
    const at = pattern.lastIndex + query.slice(pattern.lastIndex).search(/\S/);
    const match = pattern.exec(query);
    if (!match) throw new QueryError(`a quotation mark is not closed (at position ${at + 1})`);
    const [, groupMinus, open, close, phraseMinus, phrase, termMinus, term = ''] = match;
    if (open) tokens.push({ kind: 'open', negated: groupMinus === '-', value: '(', at });
    else if (close) tokens.push({ kind: 'close', negated: false, value: ')', at });
    else if (phrase !== undefined) {
      tokens.push({ kind: 'phrase', negated: phraseMinus === '-', value: phrase, at });
    } else if (term === 'OR' && !termMinus) {
      tokens.push({ kind: 'or', negated: false, value: term, at });
    } else tokens.push({ kind: 'term', negated: termMinus === '-', value: term, at });
  }
  return tokens;
}

const none: Predicate = () => false;
const has: Record<string, Predicate> = {
  hashtags: (post) => /#[\p{L}\p{N}_]/u.test(post.text),
  mentions: (post) => /@\w/.test(post.text),
  links: (post) => /https?:\/\//.test(post.text),
  media: none,
  images: none,
};

const refersBy: Record<string, 'retweeted' | 'quoted' | 'replied_to'> = {
  retweet: 'retweeted',
  quote: 'quoted',
  reply: 'replied_to',
};

function textClause(value: string, at: number): Clause {
  const words = wordsOf(value);
  if (words === '  ') {
    throw new QueryError(`no viable alternative at character '${value}' (at position ${at + 1})`);
  }
  return { matches: (post) => post.words.includes(words), standsAlone: true };
}

function tagClause(value: string): Clause {
  const pattern = new RegExp(`${value.toLowerCase()}(?![\\p{L}\\p{N}_])`, 'u');
  return { matches: (post) => pattern.test(post.lower), standsAlone: true };
}

function termClause({ value, at }: Token): Clause {
  const where = `(at position ${at + 1})`;
  const operator = /^([a-z_]+):(.*)$/.exec(value);
  if (!operator) {
    // X rejects a bare and/or as ambiguous, and suggests OR, a space or quotation marks.
    if (/^(and|or)$/i.test(value)) {
      const joiner = value.toLowerCase() === 'or' ? 'an uppercase OR' : 'a space';
      throw new QueryError(
        `Ambiguous use of ${value} as a keyword. Use ${joiner} to logically join two clauses, ` +
          `or "${value}" to find occurrences of ${value} in text ${where}`,
      );
    }
    if (/^[#@][\p{L}\p{N}_]+$/u.test(value)) return tagClause(value);
    return textClause(value, at);
  }
  const [, name, argument = ''] = operator;
  if (!argument) throw new QueryError(`${name}: needs a value ${where}`);
  if (name === 'lang') return { matches: (post) => post.lang === argument, standsAlone: false };
  if (name === 'from') {
    const username = argument.replace(/^@/, '').toLowerCase();
    return { matches: (post) => post.username.toLowerCase() === username, standsAlone: true };
  }
  if (name === 'is') {
    const way = refersBy[argument];
    if (way) return { matches: (post) => post.refers?.includes(way) ?? false, standsAlone: false };
    if (argument === 'verified') return { matches: none, standsAlone: false };
  }
  const property = name === 'has' ? has[argument] : undefined;
  if (property) return { matches: property, standsAlone: false };
  throw new QueryError(`${name}:${argument} is not an operator that this stub supports ${where}`);
}

/**
 * Compiles X's query language: words, "phrases", #tags, @mentions, OR, implicit AND (which binds
 * closer than OR), parentheses, negation, `lang:`, `from:`, `is:`, `has:`. Throws QueryError.
 */
export function compileQuery(query: string): (post: Indexed) => boolean {
  if (!query.trim()) throw new QueryError('the query is empty');
  if (query.length > maxQueryLength) {
    throw new QueryError(
      `the query has ${query.length} characters; at most ${maxQueryLength} are allowed`,
    );
  }
  const tokens = tokenize(query);
  let next = 0;

  const either = (): Clause => {
    const clauses = [both()];
    while (tokens[next]?.kind === 'or') {
      next += 1;
      clauses.push(both());
    }
    return {
      matches: (post) => clauses.some((clause) => clause.matches(post)),
      standsAlone: clauses.every((clause) => clause.standsAlone),
      at: clauses.find((clause) => !clause.standsAlone)?.at,
    };
  };

  const both = (): Clause => {
    const clauses: Clause[] = [];
    for (let token = tokens[next]; token; token = tokens[next]) {
      if (token.kind === 'or' || token.kind === 'close') break;
      clauses.push(single(token));
    }
    const [begins] = clauses;
    if (!begins) {
      const at = tokens[next]?.at ?? query.length;
      throw new QueryError(`a search term is missing (at position ${at + 1})`);
    }
    return {
      matches: (post) => clauses.every((clause) => clause.matches(post)),
      standsAlone: clauses.some((clause) => clause.standsAlone),
      at: begins.at,
    };
  };

  const single = (token: Token): Clause => {
    next += 1;
    let clause: Clause;
    if (token.kind === 'open') {
      clause = either();
      if (tokens[next]?.kind !== 'close') {
        throw new QueryError(`a parenthesis is not closed (opened at position ${token.at + 1})`);
      }
      next += 1;
    } else if (token.kind === 'phrase') clause = textClause(token.value, token.at);
    else clause = termClause(token);
    if (!token.negated) return { ...clause, at: clause.at ?? token.at };
    return { matches: (post) => !clause.matches(post), standsAlone: false, at: token.at };
  };

  const root = either();
  const rest = tokens[next];
  if (rest)
    throw new QueryError(`"${rest.value}" is not expected here (at position ${rest.at + 1})`);
  if (!root.standsAlone) {
    const at = (root.at ?? 0) + 1;
    throw new QueryError(
      `is/has/lang and negations cannot be used as a standalone operator (at position ${at})`,
    );
  }
  return root.matches;
}
