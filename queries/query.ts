import { z } from 'zod';

/** One query of the catalog: its SQL in Athena's dialect, and the parameters it takes. */
export const Query = z.strictObject({
  name: z.string().regex(/^[a-z_]+$/),
  kind: z.enum(['check', 'question']),
  /** The question in words: the file's first comment. */
  title: z.string().min(1),
  parameters: z.array(
    z.strictObject({
      name: z.string(),
      type: z.enum(['text', 'day', 'integer', 'count', 'number']),
      /** As written in the file: a value, or `today`, `today-7`; null when it has to be given. */
      default: z.string().nullable(),
    }),
  ),
  /** The parameter that each `?` stands for, in the order of the text. */
  placeholders: z.array(z.string()),
  sql: z.string(),
});
export type Query = z.infer<typeof Query>;
export type QueryValues = Readonly<Record<string, string | number>>;

const DAY_MILLISECONDS = 86_400_000;

/** Athena refuses a longer member of `ExecutionParameters`; the quotation marks of a text count. */
export const MAX_PARAMETER_CHARACTERS = 1024;

/** `today-7` and the like as a day; anything else as it is. */
function resolveDefault(text: string, today: Date): string {
  const relative = /^today(?:-(\d+))?$/.exec(text);
  if (relative === null) return text;
  const day = new Date(today.valueOf() - Number(relative[1] ?? 0) * DAY_MILLISECONDS);
  return day.toISOString().slice(0, 10);
}

/** A value as the SQL literal Athena wants in `ExecutionParameters`; throws on a value of another type. */
function literal(
  query: Query,
  { name, type }: Query['parameters'][number],
  value: string | number,
): string {
  const refuse = (expected: string): never => {
    throw new Error(`${query.name}: ${name} must be ${expected} (got "${value}")`);
  };
  switch (type) {
    case 'text':
      return quote(String(value));
    case 'day':
      return z.iso.date().safeParse(value).success
        ? quote(String(value))
        : refuse('a day of the calendar like 2026-11-24');
    case 'integer':
      return /^-?\d+$/.test(String(value)) ? String(value) : refuse('a whole number');
    case 'count':
      return /^[1-9]\d{0,8}$/.test(String(value))
        ? String(value)
        : refuse('a whole number from 1 to 999999999');
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(String(value)) ? String(value) : refuse('a number');
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Athena's `ExecutionParameters` for a query: one SQL literal for each `?`, in order.
 * Throws when a value is missing, unknown, of another type or longer than Athena takes, or `from_day` is after `to_day`,
 * naming the query and the parameter.
 */
export function executionParameters(
  query: Query,
  values: QueryValues,
  today = new Date(),
): string[] {
  const known = new Map(query.parameters.map((parameter) => [parameter.name, parameter]));
  const unknown = Object.keys(values).find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new Error(
      `${query.name} has no parameter "${unknown}"; it takes ${[...known.keys()].join(', ') || 'none'}`,
    );
  }
  const valueOf = (parameter: Query['parameters'][number]) =>
    values[parameter.name] ??
    (parameter.default === null ? undefined : resolveDefault(parameter.default, today));
  const [from, to] = ['from_day', 'to_day'].map((name) => {
    const parameter = known.get(name);
    return parameter && valueOf(parameter);
  });
  const parameters = query.placeholders.map((name) => {
    const parameter = known.get(name);
    if (parameter === undefined)
      throw new Error(`${query.name}: nothing declares the parameter "${name}"`);
    const value = valueOf(parameter);
    if (value === undefined) throw new Error(`${query.name} needs a value for ${name}`);
    const text = literal(query, parameter, value);
    if (text.length > MAX_PARAMETER_CHARACTERS)
      throw new Error(
        `${query.name}: ${name} has ${text.length} characters; Athena takes ${MAX_PARAMETER_CHARACTERS} at most`,
      );
    return text;
  });
  if (from !== undefined && to !== undefined && from > to)
    throw new Error(`${query.name}: from_day ${from} is after to_day ${to}`);
  return parameters;
}
