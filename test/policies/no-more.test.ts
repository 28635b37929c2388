import { declaredCalls } from './declared-calls';
import { policiesOfTheLake } from './granted';
import { serviceCalls } from './service-calls';
import { administrator, callAllowed, isAllowed } from './simulate';
import { describeRow, tableOf } from './table';

/* No more than is meant: test/policies/intent.ts as a table of several hundred questions. */
const policies = policiesOfTheLake();
const table = tableOf(policies);
const answer = async (rows: typeof table, { ofResources } = policies) => {
  const wrong: string[] = [];
  for (const row of rows)
    if ((await isAllowed(row.principal, row.request, { ofResources })) !== row.allow)
      wrong.push(describeRow(row));
  return wrong;
};

/** As `answer`, up to the first wrong one: a table of some thousand rows is asked once for each denial. */
async function isAnyWrong(rows: typeof table, { ofResources }: typeof policies): Promise<boolean> {
  for (const row of rows)
    if ((await isAllowed(row.principal, row.request, { ofResources })) !== row.allow) return true;
  return false;
}

test('the table is as long as it is meant to be', () => {
  expect(table.length).toBeGreaterThan(1000);
  expect(table.filter(({ allow }) => allow).length).toBeGreaterThan(80);
});

test.each([...new Set(table.map(({ who }) => who))])(
  '%s may do what is meant, and no more',
  async (who) => {
    expect(await answer(table.filter((row) => row.who === who))).toEqual([]);
  },
  30_000,
);

const denials = policies.ofResources.filter(
  ({ statement, kind, id }) =>
    statement.Effect === 'Deny' && (kind === 'bucket' || !id.startsWith('StreamScoring')),
);

test.each(denials.map((one) => [one.id, one] as const))(
  'without %s something is allowed that should not be',
  async (id, { kind }) => {
    const ofResources = policies.ofResources.filter((one) => one.id !== id);
    const service = {
      bucket: 's3:',
      key: 'kms:',
      queue: 'sqs:',
      topic: 'sns:',
      secret: 'secretsmanager:',
    }[kind];
    const rows = table.filter(({ request, allow }) => !allow && request.action.startsWith(service));

    expect(await isAnyWrong(rows, { ...policies, ofResources })).toBe(true);
  },
  30_000,
);

test('services and administrators are allowed what they are declared to do', async () => {
  const refused: string[] = [];
  for (const { principal, ...request } of serviceCalls)
    if (!(await isAllowed(asked(principal), request, policies)))
      refused.push(`${principal} ${request.action} ${request.resource}`);

  expect(refused).toEqual([]);
});

const permissions = policies.ofResources.filter(({ statement }) => statement.Effect === 'Allow');

test.each(permissions.map((one) => [one.id, one] as const))(
  'without %s a declared call is refused',
  async (id) => {
    const ofResources = policies.ofResources.filter((one) => one.id !== id);
    const without = { ...policies, ofResources };
    let refused = 0;
    for (const call of declaredCalls.filter(({ action }) => action.startsWith('kms:')))
      if (!(await callAllowed(call, without))) refused += 1;
    for (const { principal, ...request } of serviceCalls)
      if (!(await isAllowed(asked(principal), request, without))) refused += 1;

    expect(refused).toBeGreaterThan(0);
  },
);

/** A service has no policies of its own; a person is taken to have every permission. */
function asked(principal: string) {
  return principal.endsWith('.amazonaws.com')
    ? { arn: principal, statements: [] }
    : administrator(principal);
}
