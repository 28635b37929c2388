import type { Call } from './calls';
import type { Granted, Policies } from './granted';
import { callAllowed } from './simulate';

/** Roles that work while the stack is deployed, never in a run: CDK's own constructs write most of their statements. */
export const isOfDeployment = (role: string): boolean => role.startsWith('Images');

/** The first of the calls that the policies without one statement refuse; undefined when none needs it. */
export async function neededBy(
  { id, role, statement }: Granted,
  calls: readonly Call[],
  policies: Policies,
): Promise<Call | undefined> {
  const without = {
    ...policies,
    granted: policies.granted.filter((one) => one.id !== id || one.role !== role),
  };
  return firstRefused(
    calls.filter((call) => call.role === role && matches(statement.Action, call.action)),
    without,
  );
}

/** Actions of a statement that none of the calls needs. */
export async function unneededActions(
  { id, role, statement }: Granted,
  calls: readonly Call[],
  policies: Policies,
): Promise<string[]> {
  const unneeded: string[] = [];
  for (const action of statement.Action) {
    const rest = statement.Action.filter((other) => other !== action);
    const granted = policies.granted.flatMap((one) => {
      if (one.id !== id || one.role !== role) return [one];
      return rest.length > 0 ? [{ ...one, statement: { ...statement, Action: rest } }] : [];
    });
    const users = calls.filter((call) => call.role === role && matches([action], call.action));
    if (!(await firstRefused(users, { ...policies, granted }))) unneeded.push(action);
  }
  return unneeded;
}

async function firstRefused(calls: readonly Call[], policies: Policies): Promise<Call | undefined> {
  for (const call of calls) if (!(await callAllowed(call, policies))) return call;
  return undefined;
}

/** Whether one of the patterns of a statement's actions, or of its resources, is for this one. */
export const matches = (patterns: readonly string[], action: string): boolean =>
  patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action));
