import { persons, type Person } from './persons';

/** What the simulation says of one command. */
export interface Answer {
  readonly name: string;
  /** The first call that is refused to somebody with that document alone; null where none is. */
  readonly byPerson: ReadonlyMap<Person, string | null>;
  /** Whose documents are enough. */
  readonly together: readonly (readonly Person[])[];
  /** Whether anybody may in production as it is shipped. */
  readonly asShipped: boolean;
}
export type Answers = Answer[];

const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

/** The part of docs/permissions.md that is kept equal to the simulation. */
export function pageOf(answers: readonly Answer[], embedded: readonly string[]): string {
  const rows = answers.map(({ name, byPerson, together }) => [
    `\`${name}\``,
    ...persons.map((person) => {
      const refusal = byPerson.get(person) ?? null;
      return refusal === null ? '✓' : refusal.replace(/^.*:/, '');
    }),
    together
      .filter((one) => one.length > 1)
      .map((one) => one.join(' + '))
      .join(', or '),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const header = ['command', ...persons, 'together'];
  const open = answers.filter(({ asShipped }) => asShipped).map(({ name }) => name);
  const closed = answers.filter(({ asShipped }) => !asShipped).map(({ name }) => name);
  return [
    line(header),
    line(header.map(() => '---')),
    ...rows.map(line),
    '',
    `In \`prod\` as it is shipped \`people\` names nobody. Whom IAM lets may call ${list(open)} there; to everybody, an administrator of the account included, these are refused: ${list(closed)}.`,
    `In no account: ${list(embedded)}.`,
    '',
  ].join('\n');
}
