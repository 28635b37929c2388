import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Query } from './query';

/**
 * Every query of this folder. A query is one file below `checks/` (answers the offending rows; none means
 * pass) or `questions/`. Its comments declare it:
 *
 *     -- Who posted most of each sentiment?
 *     -- parameters: from_day day = today-7, top count = 5
 *     … where dt >= ? /* from_day *\/ …
 *
 * The first line is the title; each `?` names the parameter it stands for, since Athena counts them. What several
 * queries need stands once in `shared/`: a line `-- include: latest_predictions` is replaced with that file. It is no view:
 * Athena would read every day of it, since a condition on the day does not reach into a window over tweets.
 * Read when the app is synthesized and by the command line; Lambdas get the result as `queries.json`
 * beside their bundle.
 */
export function renderedCatalog(folder = __dirname): Query[] {
  return [...readFolder(folder, 'check', 'checks'), ...readFolder(folder, 'question', 'questions')];
}

const readFolder = (folder: string, kind: Query['kind'], name: string): Query[] =>
  readdirSync(join(folder, name))
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) =>
      parseQuery(basename(file, '.sql'), kind, included(join(folder, name, file), folder)),
    );

/** A file's text, in which each line `-- include: sentiments` has become the text of `shared/sentiments.sql`. */
const included = (file: string, folder: string): string =>
  readFileSync(file, 'utf8').replaceAll(/^ *-- include: ([a-z_]+)$/gm, (_, name: string) =>
    included(join(folder, 'shared', `${name}.sql`), folder),
  );

/** One file as a query; throws with its name when a comment or a placeholder is not as described above. */
export function parseQuery(name: string, kind: Query['kind'], sql: string): Query {
  const [, title] = /^-- (.+)\n/.exec(sql) ?? [];
  const [, declared] = /^-- parameters: (.+)$/m.exec(sql) ?? [];
  if (title === undefined)
    throw new Error(`${name}.sql: its first line must be a comment that says the question`);

  const parameters = (declared ?? '')
    .split(', ')
    .filter((text) => text !== '')
    .map((text) => {
      const [, parameter, type, fallback] = /^([a-z_]+) ([a-z]+)(?: = (\S+))?$/.exec(text) ?? [];
      if (parameter === undefined)
        throw new Error(`${name}.sql: cannot read the parameter "${text}"`);
      return { name: parameter, type, default: fallback ?? null };
    });
  const placeholders = [...sql.matchAll(/\? \/\* ([a-z_]+) \*\//g)].map(
    ([, parameter]) => parameter,
  );
  const sent = withoutLineComments(sql);
  const unnamed = withoutBlockComments(sent).split('?').length - 1 - placeholders.length;
  if (unnamed !== 0)
    throw new Error(`${name}.sql: ${unnamed} placeholders lack their name, as in ? /* from_day */`);
  const names = parameters.map((parameter) => parameter.name);
  const stray = [
    ...placeholders.filter((parameter) => !names.includes(String(parameter))),
    ...names.filter((parameter) => !placeholders.includes(parameter)),
  ];
  if (stray.length > 0)
    throw new Error(`${name}.sql: declared and used parameters differ: ${stray.join(', ')}`);
  return Query.parse({ name, kind, title, parameters, placeholders, sql: sent });
}

/**
 * What is sent: how Athena counts a `?` or an apostrophe in a comment is not documented.
 * A `--` inside of a text stays.
 */
const withoutLineComments = (sql: string): string =>
  sql
    .replaceAll(/('(?:[^']|'')*')|[ \t]*--[^\n]*/g, (_, text: string | undefined) => text ?? '')
    .replaceAll(/^\n+|\n+(?=\n)/g, '');

const withoutBlockComments = (sql: string): string => sql.replaceAll(/\/\*.*?\*\//gs, '');
