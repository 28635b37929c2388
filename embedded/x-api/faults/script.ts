import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../../../session/user-error';

const Count = z.number().int().positive();

/** Rules of a fault. It applies to the searches that match all of its rules. */
const when = {
  /** Number of the search since the server's start, from 1; or several numbers. */
  request: z.union([Count, z.array(Count).min(1)]).optional(),
  /** Number of the page, from 1; or several numbers. */
  page: z.union([Count, z.array(Count).min(1)]).optional(),
  /** A part of the query. */
  query: z.string().min(1).optional(),
  /** Maximum number of times that the fault applies. */
  times: z.union([Count, z.literal('always')]).default(1),
};

const fault = <Kind extends string, Shape extends z.ZodRawShape>(kind: Kind, shape: Shape) =>
  z.strictObject({ ...when, fault: z.literal(kind), ...shape });

export const malformations = [
  'no-id',
  'id-not-a-number',
  'number-for-id',
  'no-text',
  'null-text',
  'no-created-at',
  'bad-created-at',
  'future-created-at',
  'negative-metric',
  'a-string',
  'null',
] as const;

export const nullings = ['metrics', 'each-metric', 'digits', 'lang'] as const;

export const strangeTexts = [
  'emoji',
  'right-to-left',
  'lone-surrogate',
  'control-characters',
  'line-separators',
  'only-a-url',
] as const;

/** Faults that replace the response. */
const Instead = [
  /** 429 of the 15-minute limit. X sends the reset in headers, and no Retry-After. */
  fault('rate-limit', {
    headers: z.boolean().default(true),
    resetSeconds: z
      .number()
      .int()
      .default(15 * 60),
  }),
  /** 429 of the 24-hour limit. Its reset is later than that of the 15-minute limit in the same response. */
  fault('day-limit', {
    of: z.enum(['app', 'user']).default('app'),
    resetSeconds: z
      .number()
      .int()
      .default(12 * 60 * 60),
  }),
  /** 429 of the monthly cap, for which waiting is useless. */
  fault('monthly-cap', { headers: z.boolean().default(false) }),
  fault('status', {
    status: z.number().int().min(400).max(599),
    body: z.enum(['problem', 'html', 'empty']).default('problem'),
  }),
  /** Accepts the request and never responds. */
  fault('timeout', {}),
  fault('reset', { when: z.enum(['before-answer', 'mid-body']).default('before-answer') }),
  /** A complete HTTP response with incomplete JSON. */
  fault('truncated-json', {}),
  /** The error for a `since_id` or `start_time` before X's seven days. */
  fault('stale-start', {}),
  /** X rejects its own `next_token`. Applies only to follow-up pages. */
  fault('token-refused', {}),
] as const;

/** Faults that change the contents of a response. */
const Within = [
  /** Repeats tweets of the previous page. */
  fault('duplicates', { tweets: Count.default(3) }),
  /** No data, but a `next_token`. The next page has the tweets of this one. */
  fault('empty-page', {}),
  /** Some tweets are not available: `errors` in addition to `data`. */
  fault('partial-errors', {}),
  fault('unknown-fields', {}),
  fault('no-author', { what: z.enum(['includes', 'author_id']).default('includes') }),
  fault('malformed', { how: z.enum(malformations), tweets: Count.default(1) }),
  /** Null or odd values: `metrics` for all of them, `each-metric`, `digits` for numbers as strings, no `lang`. */
  fault('nulls', { how: z.enum(nullings), tweets: Count.default(1) }),
  /** The newest tweets are retweets, quotes or replies, also if the query excludes those. */
  fault('references', {
    how: z.enum(['retweet', 'quote', 'reply']).default('retweet'),
    tweets: Count.default(1),
  }),
  /** Texts of more than 280 characters; `note_tweet` has the complete text. */
  fault('long', {
    characters: z.number().int().min(281).max(25_000).default(1000),
    tweets: Count.default(1),
  }),
  /** A notice of X replaces the text. */
  fault('withheld', { tweets: Count.default(1) }),
  /** The newest tweets were edited; their first versions are in the page, too, or not. */
  fault('edited', {
    versions: z.enum(['both', 'newest']).default('both'),
    tweets: Count.default(1),
  }),
  /** A page whose headers say that it has used up the 24-hour limit. */
  fault('day-used-up', {
    of: z.enum(['app', 'user']).default('app'),
    resetSeconds: z
      .number()
      .int()
      .default(12 * 60 * 60),
  }),
  fault('text', { text: z.enum(strangeTexts), tweets: Count.default(1) }),
  /** X's clock is ahead by `seconds` (negative: behind) in Date, reset and `created_at`. */
  fault('clock-skew', { seconds: z.number().int() }),
  /** Search does not find the page's newest tweets until `requests` searches later. */
  fault('late', { tweets: Count.default(1), requests: Count.default(1) }),
  /** The `next_token` leads to the same page again. */
  fault('repeated-token', {}),
  /** The page's tweets are out of order, or the next page comes before this one. */
  fault('order', { how: z.enum(['oldest-first', 'shuffled', 'pages-swapped']) }),
  fault('meta', {
    how: z.enum(['no-ids', 'ids-swapped', 'ids-ahead', 'ids-behind', 'wrong-count', 'none']),
  }),
] as const;

export const Fault = z.discriminatedUnion('fault', [...Instead, ...Within]);
export type Fault = z.infer<typeof Fault>;
export type FaultNamed<Kind extends Fault['fault']> = Extract<Fault, { fault: Kind }>;
export const faultNames = [...Instead, ...Within].map(({ shape }) => shape.fault.value);

export const FaultScript = z.strictObject({
  /** Maximum number of tweets in a page, whatever `max_results` says: X may return fewer. */
  pageSize: Count.max(100).optional(),
  /** Rate limit: requests in 15 minutes. */
  requestsPerWindow: Count.optional(),
  faults: z.array(Fault).default([]),
});
export type FaultScript = z.infer<typeof FaultScript>;

/** Reads a fault script. Throws an error that explains to its author what is wrong. */
export function readFaultScript(path: string): FaultScript {
  const refuse = (why: string): UserError =>
    new UserError(
      `The fault script ${path} (X_FAULTS) ${why}. docs/embedded-cloud.md describes it.`,
    );
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw refuse(
      error instanceof SyntaxError
        ? `is not JSON: ${error.message}`
        : `cannot be read: ${String(error)}`,
    );
  }
  const script = FaultScript.safeParse(content);
  if (!script.success) {
    const [issue] = script.error.issues;
    const where = issue?.path.join('.') || 'the script';
    throw refuse(`is invalid at ${where}: ${issue?.message ?? 'unknown'}`);
  }
  return script.data;
}
