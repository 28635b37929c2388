import { z } from 'zod';

/** Changes the fields of an object to those of the next version. */
export type Migration = (older: Record<string, unknown>) => Record<string, unknown>;

/** A kind of object that one release writes and another reads. */
export interface Durable {
  /** Its name, as the subject of a sentence: `A plan of the ingest`. */
  readonly what: string;
  /** Field that holds the version. An object without it is of version 1. */
  readonly field: 'schema_version' | 'schemaVersion';
  readonly version: number;
}

const known = new Map<z.ZodType, Durable>();

/** The properties of a schema made by `durable`; undefined for other schemas. */
export const durableOf = (schema: z.ZodType): Durable | undefined => known.get(schema);

/** Message for an object of a newer version. */
export const tooNew = (
  { what, version }: Pick<Durable, 'what' | 'version'>,
  found: unknown,
): string =>
  `${what} is of version ${String(found)}, and this release of sentiment-lake reads versions up to ${version}. ` +
  'Nothing was changed. Use the release that wrote it, or a newer one (docs/upgrading.md)';

/**
 * Makes the schema of an object that outlives a release. The schema declares its version as a literal
 * `schema_version` or `schemaVersion`. Older versions are read through `migrations`, keyed by the version they start
 * from; an object without a version is of version 1. Unknown fields are kept, so that rewriting an object of a newer
 * release loses nothing. A newer version fails with a message that says what to do.
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
    // The schema's own literal reports a value that is no version.
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

/** A part of a durable object. Keeps unknown fields, which a newer release may have added. */
export function lenient<Schema extends z.ZodObject>(schema: Schema): z.ZodType<z.output<Schema>>;
export function lenient(schema: z.ZodObject): z.ZodType {
  return schema.loose();
}
