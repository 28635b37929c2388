import { SERVICES } from '../gateway/calls/services';
import { declaredCalls } from '../../test/policies/declared-calls';
import { recordedCalls } from '../../test/policies/recorded';
import { administratorName } from './administrator';
import type { CallRow } from './calls';

/** A check of this project that would notice if AWS refused a call. */
export type Check =
  /** Each field of the request was checked against the service's own model: type, required, lengths, ranges, patterns. */
  | 'service model'
  /** The embedded cloud's IAM asked the deployed policies of the role, and of the bucket, key or secret. */
  | 'IAM here'
  /** test/policies/ asks a simulator of AWS's IAM the same call, and whether any statement is too many. */
  | 'policy simulation';

/** `role action`, of every call that test/policies/ puts to its simulator. */
const simulated = (): ReadonlySet<string> =>
  new Set([...recordedCalls(), ...declaredCalls].map(({ role, action }) => `${role} ${action}`));

export interface Checked extends CallRow {
  /** That cover all of its permissions; empty where none does. */
  readonly checks: readonly Check[];
}

/** Who may do everything is refused nothing by an identity policy, so that it shows nothing. */
const mayDoAll = (who: string) => who === 'root' || who === `user/${administratorName}`;

/** The checks behind each call; what root did is the embedded cloud's own work. */
export function checked(rows: readonly CallRow[]): Checked[] {
  const known = simulated();
  return rows
    .filter(({ who }) => who !== 'root')
    .map((row) => {
      const { who, api, permissions } = row;
      const checks: Check[] = [];
      if (api !== null && (api.split(':', 1)[0] ?? '') in SERVICES) checks.push('service model');
      if (permissions.length > 0 && !mayDoAll(who)) checks.push('IAM here');
      if (permissions.length > 0 && permissions.every((action) => known.has(`${who} ${action}`)))
        checks.push('policy simulation');
      return { ...row, checks };
    });
}
