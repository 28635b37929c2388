/** Fields of ingest plans and of executions as older releases named them, and their names today. */
const todaysNames = new Map([
  ['covered_until', 'watermark'],
  ['doubles', 'duplicates'],
  ['owed_from', 'due_from'],
  ['parked', 'queued'],
  ['unparked', 'resent'],
  ['whole', 'complete'],
]);

/** Copies plain JSON data and gives the fields of its objects today's names, at every depth. */
export const withTodaysNames = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withTodaysNames)
    : typeof value === 'object' && value !== null
      ? fieldsWithTodaysNames(value)
      : value;

/** The same for one object. */
export const fieldsWithTodaysNames = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      todaysNames.get(name) ?? name,
      withTodaysNames(value),
    ]),
  );
