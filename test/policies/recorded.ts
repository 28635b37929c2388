import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readLines } from '../../cli/rehearsal/recorded';
import { simulatedCallsFile } from '../../cli/rehearsal/coverage';
import { RecordedCall, type Call } from './calls';

const fixture = join(__dirname, 'recorded-calls.json');

/** The calls of the recorded run. */
export const recordedCalls = (): RecordedCall[] =>
  z.array(RecordedCall).parse(JSON.parse(readFileSync(fixture, 'utf8')));

/**
 * What the launcher noted of roles, but for what services asked KMS on the way. Throws when it stopped for too many
 * calls: a name lacks its placeholder.
 */
export const notedCalls = (file: string): RecordedCall[] =>
  readLines(file).flatMap((line) =>
    'role' in line && line.via === undefined ? [RecordedCall.parse(line)] : [],
  );

/** `AnalyticsRole kms:Decrypt s3`, of what services asked KMS for roles on the way; with `(denied)` where it refused. */
export const notedKeyUses = (file: string): string[] => [
  ...new Set(
    readLines(file).flatMap((line) =>
      'role' in line && line.via !== undefined
        ? [`${line.role} ${line.action} ${line.via}${line.denied ? ' (denied)' : ''}`]
        : [],
    ),
  ),
];

/** The same of calls that name their service by kms:ViaService. */
export const keyUsesOf = (calls: readonly Call[]): string[] =>
  calls.flatMap(({ role, action, context }) =>
    [context?.['kms:ViaService'] ?? []]
      .flat()
      .map((service) => `${role} ${action} ${service.split('.')[0] ?? ''}`),
  );

/** Makes the recorded run anew: one line a call, in an order that does not change. */
export const keepAsRecorded = (calls: readonly RecordedCall[]): void =>
  writeFileSync(
    fixture,
    `[\n${lines(calls)
      .map((line) => `  ${line}`)
      .join(',\n')}\n]\n`,
  );

/** Writes down for the rehearsal's table which calls are simulated, as `role action`. */
export const keepAsSimulated = (simulated: readonly string[]): void =>
  writeFileSync(simulatedCallsFile, `${JSON.stringify(simulated, null, 2)}\n`);

/** One text for each call, to be compared. */
export const lines = (calls: readonly RecordedCall[]): string[] =>
  [...new Set(calls.map((call) => JSON.stringify(call)))].sort();
