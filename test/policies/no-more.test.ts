import { declaredCalls } from './declared-calls';
import { matches } from './needed';
import { policiesOfTheLake } from './granted';
import { serviceCalls } from './service-calls';
import { administrator, callAllowed, isAllowed } from './simulate';
import type { Request } from './simulate';
import { describeRow, tableOf } from './table';

/* No more than is meant: test/policies/intent.ts as a table of several hundred questions. */
const policies = policiesOfTheLake();
const table = tableOf(policies);
const isWrong = async (row: (typeof table)[number], { ofResources } = policies) =>
  (await isAllowed(row.principal, row.request, { ofResources })) !== row.allow;
const answer = async (rows: typeof table) => {
  const wrong: string[] = [];
  for (const row of rows) if (await isWrong(row)) wrong.push(describeRow(row));
  return wrong;
};

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
  async (id, { kind, statement }) => {
    const ofResources = policies.ofResources.filter((one) => one.id !== id);
    const service = {
      bucket: 's3:',
      key: 'kms:',
      queue: 'sqs:',
      topic: 'sns:',
      secret: 'secretsmanager:',
    }[kind];
    const { Action, NotAction, Resource = ['*'] } = statement;
    const resources = Resource.map(String);
    const isAbout = ({ action, resource }: Request) =>
      action.startsWith(service) &&
      (NotAction ? !matches(NotAction, action) : matches(Action, action)) &&
      matches(resources, resource);
    const rows = table.filter(({ request, allow }) => !allow && isAbout(request));

    let passed: string | null = null;
    for (const row of rows) {
      if (!(await isWrong(row, { ...policies, ofResources }))) continue;
      passed = describeRow(row);
      break;
    }

    expect(passed).not.toBeNull();
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
    const isRefused = async () => {
      for (const { principal, ...request } of serviceCalls)
        if (!(await isAllowed(asked(principal), request, without))) return true;
      for (const call of declaredCalls.filter(({ action }) => action.startsWith('kms:')))
        if (!(await callAllowed(call, without))) return true;
      return false;
    };

    expect(await isRefused()).toBe(true);
  },
);

/** A service has no policies of its own; a person is taken to have every permission. */
function asked(principal: string) {
  return principal.endsWith('.amazonaws.com')
    ? { arn: principal, statements: [] }
    : administrator(principal);
}
