import { z } from 'zod';
import { explain } from '../../functions/shared/explain';
import { Refused } from './door';

export interface Route {
  method: 'GET' | 'POST';
  /** Its groups are the parameters. */
  path: RegExp;
  /** Whether it changes something; refused unless `mayAct`. */
  acts?: boolean;
  answer: (parameters: readonly string[], body: unknown) => Promise<unknown>;
}

/** The body of a request. Throws Refused (400) for another than the schema describes. */
export function take<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Refused(400, explain(parsed.error, body, 'the request'));
  return parsed.data;
}
