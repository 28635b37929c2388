import { readFileSync } from 'node:fs';
import { z } from 'zod';

const decided = {
  action: z.string(),
  resource: z.string(),
  context: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  denied: z.literal(true).optional(),
};

/** That KMS was asked, by which service (`s3`) on its caller's way: of key uses only. */
const via = z.string().optional();

/** What IAM, or KMS, decided for a role, or for a person: `root`, or `user/<name>`. */
const Decision = z.union([
  z.strictObject({ role: z.string(), ...decided, via }),
  z.strictObject({ person: z.string(), ...decided, via }),
]);

/** An operation that was called; the permission that was asked for it, null where none was. */
const Called = z.strictObject({
  api: z.string(),
  by: z.string(),
  permission: z.string().nullable(),
  via,
});

const Line = z.union([Decision, Called]);
export type RecordedLine = z.infer<typeof Line>;

/**
 * What embedded/launcher/recorded_calls.py has written to a file. Throws when it stopped for too many calls: a name lacks
 * its placeholder.
 */
export const readLines = (file: string): RecordedLine[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Line.parse(JSON.parse(line)));
