import { readFileSync } from 'node:fs';
import { UserError } from '../session/user-error';

/** What a person wants forgotten. */
export interface Wanted {
  tweets: string[];
  authors: string[];
}

const ID = /^\d{1,20}$/;

function checked(id: string, where: string): string {
  if (!ID.test(id))
    throw new UserError(`${where}: "${id}" is no id: X's ids are 1 to 20 decimal digits.`, 2);
  return id;
}

/** A line is a tweet's id, or `tweet <id>` or `author <id>`; empty lines and those behind a # say nothing. */
function parseLine(line: string, where: string): { kind: 'tweet' | 'author'; id: string } | null {
  const text = line.replace(/#.*$/, '').trim();
  if (text === '') return null;
  const [, kind = 'tweet', id = text] = /^(tweet|author)[\s:,]+(\S+)$/.exec(text) ?? [];
  return { kind: kind === 'author' ? 'author' : 'tweet', id: checked(id, where) };
}

/** Ids from a file; a single line that is none refuses the file. Throws UserError. */
export function readIds(path: string): Wanted {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch {
    throw new UserError(`${path} cannot be read.`);
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
    throw new UserError(`${path} names no id.`);
  return wanted;
}

/** What the command line names. Throws UserError. */
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
