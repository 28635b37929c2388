import { readFileSync } from 'node:fs';
import { z } from 'zod';

const decided = {
  action: z.string(),
  resource: z.string(),
  context: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  denied: z.literal(true).optional(),
};

/** The service, such as `s3`, that checked a KMS permission for its caller; only for key uses. */
const via = z.string().optional();

/** A decision of IAM or KMS for a role or a person (`root` or `user/<name>`). */
const Decision = z.union([
  z.strictObject({ role: z.string(), ...decided, via }),
  z.strictObject({ person: z.string(), ...decided, via }),
]);

/** A called operation and the permission checked for it; null when none was checked. */
const Called = z.strictObject({
  api: z.string(),
  by: z.string(),
  permission: z.string().nullable(),
  via,
});

const Line = z.union([Decision, Called]);
export type RecordedLine = z.infer<typeof Line>;

/**
 * Reads a file of embedded/launcher/recorded_calls.py. Throws when the recorder stopped at too many calls, because a
 * name was not replaced by its placeholder.
 */
export const readLines = (file: string): RecordedLine[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Line.parse(JSON.parse(line)));
