import { callsIn, commandNames, namesWithEnvironment, roleOf, type CommandCalls } from './commands';
import { sentBy } from './sent';

/*
 * People at the command line: docs/permissions.md, "People and commands". What a command calls is compared with what its
 * code can send; then each person's policy document, with the policies that are deployed, answers whether they may.
 */
const WHERE = 'test/policies/people/commands.ts, callsIn()';
const table = new Map<string, CommandCalls>(Object.entries(callsIn('dev')));
const inAccounts = [...table].flatMap(([name, made]) =>
  'calls' in made ? [[name, made.calls] as const] : [],
);

/** Sent by every command that takes up a role, or that looks who calls: STS asks nothing for the latter. */
const ofAll = ['sts:AssumeRole', 'sts:GetCallerIdentity'];

test('every command of the command line is in the table', () => {
  const missing = commandNames
    .filter((name) => !table.has(name))
    .map((name) => `${name}: say in ${WHERE} which calls it makes, and as whom`);
  const needless = [...table.keys()].filter((name) => !commandNames.includes(name));
  const embedded = [...table].flatMap(([name, made]) => ('embeddedOnly' in made ? [name] : []));

  expect([missing, needless]).toEqual([[], []]);
  expect(
    embedded
      .filter((name) => namesWithEnvironment.includes(name))
      .map((name) => `${name} has an environment: say in ${WHERE} what it calls in an account`),
  ).toEqual([]);
});

test.each(inAccounts)('%s: the table has what its code can send, and no more', (name, calls) => {
  const { operations, people } = sentBy(name, Object.keys(roleOf));
  const known = new Set(calls.map(({ operation }) => operation));
  const roles = new Set(calls.map(({ as }) => as));
  const sent = [...operations].filter(([operation]) => !ofAll.includes(operation));

  expect([
    ...sent
      .filter(([operation]) => !known.has(operation))
      .map(([operation, place]) => `${place} can send ${operation}: add it to ${name} in ${WHERE}`),
    ...[...known]
      .filter((operation) => operation !== null && !ofAll.includes(operation))
      .filter((operation) => !operations.has(operation ?? ''))
      .map((operation) => `nothing of ${name} sends ${operation}: take it out of ${WHERE}`),
    ...Object.entries(roleOf).flatMap(([person, role]) =>
      people.has(person) === roles.has(role)
        ? []
        : [`${name} ${people.has(person) ? 'takes up' : 'never takes up'} ${role}: ${WHERE}`],
    ),
  ]).toEqual([]);
});
