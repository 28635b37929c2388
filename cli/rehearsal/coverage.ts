import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SERVICES } from '../../embedded/gateway/calls/services';
import { administratorName } from './administrator';
import type { CallRow } from './calls';

/** A check of this project that would notice if AWS refused a call. */
export type Check =
  /** Each field of the request was checked against the service's own model: type, required, lengths, ranges, patterns. */
  | 'service model'
  /** The embedded cloud's IAM asked the deployed policies of the role, and of the bucket or secret. */
  | 'IAM here'
  /** The embedded cloud's KMS was asked by the service on the way: the caller's policies and the key's. */
  | 'key policy'
  /** test/infra/creation/ looks whether what a service checks when a resource is made is there by then. */
  | 'order of creation'
  /** test/policies/ asks a simulator of AWS's IAM the same call, and whether any statement is too many. */
  | 'policy simulation';

/** Where test/policies/ keeps which calls it puts to its simulator; its test holds the two together. */
export const simulatedCallsFile = join(__dirname, 'simulated-calls.json');

/** `role action`, of every call that test/policies/ puts to its simulator. */
export const simulatedCalls = (): ReadonlySet<string> =>
  new Set(z.array(z.string()).parse(JSON.parse(readFileSync(simulatedCallsFile, 'utf8'))));

/** With these CloudFormation begins to make the resources of a template. */
const making: ReadonlySet<string | null> = new Set(
  ['ExecuteChangeSet', 'CreateStack', 'UpdateStack'].map((name) => `cloudformation:${name}`),
);

export interface Checked extends CallRow {
  /** That cover all of its permissions; empty where none does. */
  readonly checks: readonly Check[];
}

/** Who may do everything is refused nothing by an identity policy, so that it shows nothing. */
const mayDoAll = (who: string) => who === 'root' || who === `user/${administratorName}`;

/** The checks behind each call; what root did is the embedded cloud's own work. `simulated` is as simulatedCalls has it. */
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
