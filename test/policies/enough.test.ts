import { concrete, describeCall } from './calls';
import { declaredCalls } from './declared-calls';
import { policiesOfTheLake } from './granted';
import { isOfDeployment, neededBy, unneededActions } from './needed';
import { simulatedCalls } from '../../cli/rehearsal/coverage';
import { keepAsSimulated, recordedCalls } from './recorded';
import { callAllowed } from './simulate';
import { unusedActions } from './unused-actions';

/*
 * Enough, and no statement too many: every call of the recorded run, and every declared one, is allowed, and
 * each statement taken away refuses one of them. docs/permissions.md says how to read this.
 */
const policies = policiesOfTheLake();
const recorded = recordedCalls();
const calls = [...recorded.flatMap((call) => concrete(call, policies.assets)), ...declaredCalls];
const granted = policies.granted.filter(({ role }) => !isOfDeployment(role));
const roles = [...new Set(granted.map(({ role }) => role))];

test('the recorded run was refused nothing, and every role with a policy makes a call', () => {
  expect(recorded.filter(({ denied }) => denied)).toEqual([]);
  expect(roles.filter((role) => !calls.some((call) => call.role === role))).toEqual([]);
});

test('the rehearsal knows what is simulated: RECORD_CALLS=anew npx jest test/policies/enough keeps it', () => {
  const simulated = [...new Set(calls.map(({ role, action }) => `${role} ${action}`))].sort();
  if (process.env['RECORD_CALLS'] === 'anew') keepAsSimulated(simulated);

  expect([...simulatedCalls()]).toEqual(simulated);
});

test.each(roles)('%s is allowed every recorded and every declared call', async (role) => {
  const refused: string[] = [];
  for (const call of calls.filter((one) => one.role === role))
    if (!(await callAllowed(call, policies))) refused.push(describeCall(call));

  expect(refused).toEqual([]);
});

test.each(granted.map((one) => [one.role, one.id, one] as const))(
  '%s: without %s a call is refused',
  async (_, id, statement) => {
    const call = await neededBy(statement, calls, policies);

    expect(call ? '' : `nothing needs ${id}: ${statement.statement.Action.join(', ')}`).toBe('');
  },
);

test('granted actions that no call uses are acknowledged one by one, and none that is used', async () => {
  const unneeded: string[] = [];
  for (const statement of granted)
    for (const action of await unneededActions(statement, calls, policies))
      unneeded.push(`${statement.role} ${action}`);

  expect([...new Set(unneeded)].sort()).toEqual(
    unusedActions.map(({ role, action }) => `${role} ${action}`).sort(),
  );
}, 30_000);
