import { languageList } from '../functions/model/languages';
import { settingsFor, type EnvironmentName } from '../infra/config';
import { renderedCatalog } from '../queries/catalog';
import { executionParameters, type Query, type QueryValues } from '../queries/query';
import type { Workspace } from '../session/workspace';
import type { Session } from '../session/session';
import { UserError } from '../session/user-error';
import { runSql, type Table } from './athena';

function usage({ name, parameters }: Query): string {
  const options = parameters.map((parameter) =>
    parameter.default === null
      ? `--${parameter.name} <${parameter.type}>`
      : `[--${parameter.name} ${parameter.default}]`,
  );
  return [name, ...options].join(' ');
}

/** `--from-day 2026-11-20 top=3` by name. What is not of that form goes to `refuse`. */
export function parametersFrom(
  given: readonly string[],
  refuse: (message: string) => void,
): Record<string, string> {
  const parameters: Record<string, string> = {};
  const left = [...given];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const [, name, joined] = /^(?:--)?([a-z][a-z0-9_-]*)(?:=(.*))?$/is.exec(word) ?? [];
    const value = joined ?? (word.startsWith('--') ? left.shift() : undefined);
    if (name === undefined || value === undefined)
      refuse(`"${word}" is not a parameter. Write --days 7 or days=7.`);
    else parameters[name.replaceAll('-', '_')] = value;
  }
  return parameters;
}

/** The catalog's questions with what they take; checks need a candidate version and are left to the pipeline. */
export function describeQueries(): string[] {
  const questions = renderedCatalog().filter(({ kind }) => kind === 'question');
  return [
    'Questions and their parameters:',
    ...questions.flatMap((query) => [`  ${query.title}`, `      ${usage(query)}`]),
  ];
}

export interface PreparedQuery {
  sql: string;
  /** One for each `?`, in order. */
  literals: string[];
}

/** Questions about sentiment are about the languages that the environment's model reads. */
const languagesOf = (environment: EnvironmentName, { parameters }: Query): QueryValues =>
  parameters.some((parameter) => parameter.name === 'languages')
    ? { languages: languageList(settingsFor(environment).model.languages) }
    : {};

/** A question of the catalog with its parameters. Throws UserError for a wrong name or value. */
export function prepareQuery(
  environment: EnvironmentName,
  name: string,
  values: QueryValues,
): PreparedQuery {
  const catalog = renderedCatalog();
  const query = catalog.find((candidate) => candidate.name === name);
  if (!query) {
    const names = catalog.filter(({ kind }) => kind === 'question').map((known) => known.name);
    throw new UserError(`There is no query "${name}". These are: ${names.join(', ')}.`);
  }
  try {
    return {
      sql: query.sql,
      literals: executionParameters(query, { ...languagesOf(environment, query), ...values }),
    };
  } catch (error) {
    throw new UserError(
      `${error instanceof Error ? error.message : String(error)}. Usage: npm run lake -- query ${usage(query)}`,
    );
  }
}

export function runNamedQuery(
  workspace: Pick<Workspace, 'signal'>,
  session: Session,
  name: string,
  values: QueryValues = {},
): Promise<Table> {
  const { sql, literals } = prepareQuery(session.environment, name, values);
  return runSql(workspace, session, sql, literals);
}
