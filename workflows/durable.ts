import { z } from 'zod';

/** How the fields of an object of one version become those of the next. */
export type Migration = (older: Record<string, unknown>) => Record<string, unknown>;

/** A kind of object that one release writes and another one reads. */
export interface Durable {
  /** As the subject of a sentence. */
  readonly what: string;
  /** Which field carries the version; an object without it is of version 1. */
  readonly field: 'schema_version' | 'schemaVersion';
  readonly version: number;
}

const known = new Map<z.ZodType, Durable>();

/** What is known of a schema that `durable` made. */
export const durableOf = (schema: z.ZodType): Durable | undefined => known.get(schema);

/** Why an object of a newer version is not read. */
export const tooNew = (
  { what, version }: Pick<Durable, 'what' | 'version'>,
  found: unknown,
): string =>
  `${what} is of version ${String(found)}, and this release of sentiment-lake reads versions up to ${version}. ` +
  'Nothing was changed. Use the release that wrote it, or a newer one (docs/upgrading.md)';

/**
 * The schema of an object that outlives a release. It declares its version as a literal, `schema_version` or
 * `schemaVersion`. Read are: objects without one, which are of version 1; older versions, through `migrations` (by
 * the version that each starts from); the same version with fields that this release does not know, which a rewrite
 * keeps. A newer version fails with a message that says what to do.
 *
 * Throws when the schema declares no version, or a migration is missing.
 */
export function durable<Schema extends z.ZodObject>(
  what: string,
  schema: Schema,
  migrations?: Record<number, Migration>,
): z.ZodType<z.output<Schema>>;
export function durable(
  what: string,
  schema: z.ZodObject,
  migrations: Record<number, Migration> = {},
): z.ZodType {
  const field = 'schema_version' in schema.shape ? 'schema_version' : 'schemaVersion';
  const literal: unknown = schema.shape[field];
  const version = literal instanceof z.ZodLiteral ? literal.value : undefined;
  if (typeof version !== 'number') {
    throw new Error(`The schema of ${what} must declare its version: ${field}: z.literal(1)`);
  }
  for (let from = 1; from < version; from += 1) {
    if (!migrations[from]) throw new Error(`${what} has no migration from version ${from}`);
  }
  const made = z.preprocess((value, context) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    let fields: Record<string, unknown> = { ...value };
    const found = fields[field] ?? 1;
    // Anything else than a version is what the schema's literal complains about.
    if (typeof found !== 'number' || !Number.isInteger(found) || found < 1) return value;
    if (found > version) {
      context.addIssue({
        code: 'custom',
        path: [field],
        message: tooNew({ what, version }, found),
      });
      return z.NEVER;
    }
    for (let from = found; from < version; from += 1) {
      fields = migrations[from]?.(fields) ?? fields;
    }
    return { ...fields, [field]: version };
  }, schema.loose());
  known.set(made, { what, field, version });
  return made;
}

/** A part of a durable object: keeps fields that a newer release has added to it. */
export function lenient<Schema extends z.ZodObject>(schema: Schema): z.ZodType<z.output<Schema>>;
export function lenient(schema: z.ZodObject): z.ZodType {
  return schema.loose();
}
