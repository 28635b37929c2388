import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SERVICES } from '../../embedded/gateway/calls/services';
import { administratorName } from './administrator';
import type { CallRow } from './calls';

/** A check of this project that would notice a call that AWS refuses. */
export type Check =
  /** The request was validated against the service's own model: types, required fields, lengths, ranges, patterns. */
  | 'service model'
  /** The embedded cloud's IAM evaluated the deployed policies of the role and of the bucket or secret. */
  | 'IAM here'
  /** The service checked the caller's and the key's policies with the embedded cloud's KMS. */
  | 'key policy'
  /** test/infra/creation/ checks that everything a service requires at a resource's creation exists by then. */
  | 'order of creation'
  /** test/policies/ evaluates the same call in a simulator of AWS's IAM and looks for superfluous statements. */
  | 'policy simulation';

/** The list of calls that test/policies/ simulates; a test there compares the two. */
export const simulatedCallsFile = join(__dirname, 'simulated-calls.json');

/** `role action` of every call that test/policies/ simulates. */
export const simulatedCalls = (): ReadonlySet<string> =>
  new Set(z.array(z.string()).parse(JSON.parse(readFileSync(simulatedCallsFile, 'utf8'))));

/** The operations with which CloudFormation starts to create a template's resources. */
const making: ReadonlySet<string | null> = new Set(
  ['ExecuteChangeSet', 'CreateStack', 'UpdateStack'].map((name) => `cloudformation:${name}`),
);

export interface Checked extends CallRow {
  /** The checks that cover all permissions of the call; empty when there is none. */
  readonly checks: readonly Check[];
}

/** Whether identity policies allow the caller everything: its allowed calls then prove nothing. */
const mayDoAll = (who: string) => who === 'root' || who === `user/${administratorName}`;

/** Adds the checks that cover each call. Leaves out root's calls: they are the embedded cloud's own. */
export function checked(rows: readonly CallRow[], simulated: ReadonlySet<string>): Checked[] {
  return rows
    .filter(({ who }) => who !== 'root')
    .map((row) => {
      const { who, api, permissions, keyUses } = row;
      const actions = [...permissions, ...keyUses.map(({ action }) => action)];
      const checks: Check[] = [];
      if (api !== null && (api.split(':', 1)[0] ?? '') in SERVICES) checks.push('service model');
      if (permissions.length > 0 && !mayDoAll(who)) checks.push('IAM here');
      if (keyUses.length > 0) checks.push('key policy');
      if (making.has(api)) checks.push('order of creation');
      if (actions.length > 0 && actions.every((action) => simulated.has(`${who} ${action}`)))
        checks.push('policy simulation');
      return { ...row, checks };
    });
}
