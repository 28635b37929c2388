import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readLines } from '../../local/rehearsal/recorded';
import { RecordedCall } from './calls';

const fixture = join(__dirname, 'recorded-calls.json');

/** The calls of the recorded run. */
export const recordedCalls = (): RecordedCall[] =>
  z.array(RecordedCall).parse(JSON.parse(readFileSync(fixture, 'utf8')));

/** What the launcher noted of roles. Throws when it stopped for too many calls: a name lacks its placeholder. */
export const notedCalls = (file: string): RecordedCall[] =>
  readLines(file).flatMap((line) => ('role' in line ? [RecordedCall.parse(line)] : []));

/** Makes the recorded run anew: one line a call, in an order that does not change. */
export const keepAsRecorded = (calls: readonly RecordedCall[]): void =>
  writeFileSync(
    fixture,
    `[\n${lines(calls)
      .map((line) => `  ${line}`)
      .join(',\n')}\n]\n`,
  );

/** One text for each call, to be compared. */
export const lines = (calls: readonly RecordedCall[]): string[] =>
  [...new Set(calls.map((call) => JSON.stringify(call)))].sort();
