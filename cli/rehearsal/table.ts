import type { Checked } from './coverage';

const none = 'no check';
const onTheWay = '(checked by a service for its caller)';

/** The permissions of a call; `same` stands for one with the operation's name, such as `athena:GetQueryResults`. */
function permissionsOf({ api, permissions, keyUses }: Checked): string {
  const own = permissions.filter((permission) => permission === api).map(() => 'same');
  const others = permissions.filter((permission) => permission !== api);
  const keys = keyUses.map(({ action, via }) => `${action} via ${via}`);
  return [...own, ...others, ...keys].join(', ') || 'none was checked';
}

const columns = (rows: readonly (readonly string[])[]): string[] => {
  const widths = [0, 1].map((at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

/** Lines of a table by caller: each operation, the checks that cover it, and the permissions that it needs. */
export function callTable(rows: readonly Checked[]): string[] {
  const people = [...new Set(rows.map(({ who }) => who))];
  const lines = columns([
    ['  operation', 'checked by', 'permission'],
    ...rows.map((row) => [
      `  ${row.api ?? onTheWay}${row.denied ? ' (denied at least once)' : ''}`,
      row.checks.join(', ') || none,
      permissionsOf(row),
    ]),
  ]);
  const [head = '', ...body] = lines;
  return [
    head,
    ...people.flatMap((who) => [who, ...body.filter((_, at) => rows[at]?.who === who)]),
  ];
}

/** One line that sums up the table. */
export function describeCoverage(rows: readonly Checked[]): string {
  const unchecked = rows.filter(({ checks }) => checks.length === 0).length;
  const unasked = rows.filter(
    ({ checks }) =>
      checks.length > 0 && !checks.includes('IAM here') && !checks.includes('key policy'),
  );
  const people = new Set(rows.map(({ who }) => who)).size;
  return `${rows.length} calls by ${people} roles and people: of ${unasked.length} no permission was checked, ${unchecked} ${unchecked === 1 ? 'is' : 'are'} covered by no check.`;
}
