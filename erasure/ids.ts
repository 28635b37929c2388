import { readFileSync } from 'node:fs';
import { UserError } from '../session/user-error';

/** The ids that a person wants erased. */
export interface Wanted {
  tweets: string[];
  authors: string[];
}

const ID = /^\d{1,20}$/;

function checked(id: string, where: string): string {
  if (!ID.test(id))
    throw new UserError(`${where}: "${id}" is not an id. X's ids have 1 to 20 decimal digits.`, 2);
  return id;
}

/** Parses `<tweet id>`, `tweet <id>` or `author <id>`; null for an empty line or a # comment. */
function parseLine(line: string, where: string): { kind: 'tweet' | 'author'; id: string } | null {
  const text = line.replace(/#.*$/, '').trim();
  if (text === '') return null;
  const [, kind = 'tweet', id = text] = /^(tweet|author)[\s:,]+(\S+)$/.exec(text) ?? [];
  return { kind: kind === 'author' ? 'author' : 'tweet', id: checked(id, where) };
}

/** Reads ids from a file, one a line. Throws UserError for a file without ids or with a single invalid line. */
export function readIds(path: string): Wanted {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch {
    throw new UserError(`${path} cannot be read. Check the path and its permissions.`);
  }
  const wanted: Wanted = { tweets: [], authors: [] };
  for (const [index, line] of content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const found = parseLine(line, `${path}, line ${index + 1}`);
    if (found) wanted[found.kind === 'author' ? 'authors' : 'tweets'].push(found.id);
  }
  if (wanted.tweets.length + wanted.authors.length === 0)
    throw new UserError(`${path} has no ids. Write one id a line: "<tweet id>" or "author <id>".`);
  return wanted;
}

/** The ids that the command line names. Throws UserError for an invalid id or file. */
export function wantedIds({
  tweet,
  author,
  file,
}: {
  tweet: string | null;
  author: string | null;
  file: string | null;
}): Wanted {
  if (file !== null) return readIds(file);
  return {
    tweets: tweet === null ? [] : [checked(tweet, '--tweet')],
    authors: author === null ? [] : [checked(author, '--author')],
  };
}
