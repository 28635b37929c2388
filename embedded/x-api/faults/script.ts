import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../../../session/user-error';

const Count = z.number().int().positive();

/** Which searches a fault meets: all that is given has to hold. */
const when = {
  /** The n-th search since the server started, from 1; or one of several. */
  request: z.union([Count, z.array(Count).min(1)]).optional(),
  /** The n-th page of a search, from 1. */
  page: z.union([Count, z.array(Count).min(1)]).optional(),
  /** A part of the query. */
  query: z.string().min(1).optional(),
  /** How often at most. */
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

/** Faults that take the place of an answer. */
const Instead = [
  /** The 15 minutes' limit; X names the reset in headers and sends no Retry-After. */
  fault('rate-limit', {
    headers: z.boolean().default(true),
    resetSeconds: z
      .number()
      .int()
      .default(15 * 60),
  }),
  /** 429 of the 24 hours' limit, whose reset is further away than that of the 15 minutes beside it. */
  fault('day-limit', {
    of: z.enum(['app', 'user']).default('app'),
    resetSeconds: z
      .number()
      .int()
      .default(12 * 60 * 60),
  }),
  /** The other 429: waiting is useless. */
  fault('monthly-cap', { headers: z.boolean().default(false) }),
  fault('status', {
    status: z.number().int().min(400).max(599),
    body: z.enum(['problem', 'html', 'empty']).default('problem'),
  }),
  /** Takes the request and never answers. */
  fault('timeout', {}),
  fault('reset', { when: z.enum(['before-answer', 'mid-body']).default('before-answer') }),
  /** A whole HTTP answer whose JSON ends in the middle. */
  fault('truncated-json', {}),
  /** As for a `since_id` or `start_time` from before X's seven days. */
  fault('stale-start', {}),
  /** X refuses the `next_token` it gave. Meets follow-up pages only. */
  fault('token-refused', {}),
] as const;

/** Faults that change what an answer holds. */
const Within = [
  /** Tweets of the page before come once more. */
  fault('duplicates', { tweets: Count.default(3) }),
  /** No data, but a `next_token`: the next page goes on where this one should have begun. */
  fault('empty-page', {}),
  /** Some tweets could not be had: `errors` beside `data`. */
  fault('partial-errors', {}),
  fault('unknown-fields', {}),
  fault('no-author', { what: z.enum(['includes', 'author_id']).default('includes') }),
  fault('malformed', { how: z.enum(malformations), tweets: Count.default(1) }),
  /** Fields that X may leave without a value: `metrics` all of them, `each-metric`, `digits` for numbers, no `lang`. */
  fault('nulls', { how: z.enum(nullings), tweets: Count.default(1) }),
  /** The newest tweets are retweets (or quote, or answer) of others, also where the query leaves those out. */
  fault('references', {
    how: z.enum(['retweet', 'quote', 'reply']).default('retweet'),
    tweets: Count.default(1),
  }),
  /** Texts of more than 280 characters: `note_tweet` has the whole. */
  fault('long', {
    characters: z.number().int().min(281).max(25_000).default(1000),
    tweets: Count.default(1),
  }),
  /** X shows a notice in place of the text. */
  fault('withheld', { tweets: Count.default(1) }),
  /** The newest tweets were edited; their first versions stand beside them, or not. */
  fault('edited', {
    versions: z.enum(['both', 'newest']).default('both'),
    tweets: Count.default(1),
  }),
  /** The page comes, and its headers say that it used up the 24 hours' limit. */
  fault('day-used-up', {
    of: z.enum(['app', 'user']).default('app'),
    resetSeconds: z
      .number()
      .int()
      .default(12 * 60 * 60),
  }),
  fault('text', { text: z.enum(strangeTexts), tweets: Count.default(1) }),
  /** X's clock is ahead by so many seconds (behind, below 0): Date, reset and `created_at`. */
  fault('clock-skew', { seconds: z.number().int() }),
  /** The newest tweets of the page cannot be found yet; so many searches later they can. */
  fault('late', { tweets: Count.default(1), requests: Count.default(1) }),
  /** The `next_token` leads to this page again. */
  fault('repeated-token', {}),
  /** Tweets of the page out of order, or the next page before this one. */
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
  /** At most so many tweets a page, whatever `max_results` says: X may give fewer. */
  pageSize: Count.max(100).optional(),
  /** Requests in 15 minutes. */
  requestsPerWindow: Count.optional(),
  faults: z.array(Fault).default([]),
});
export type FaultScript = z.infer<typeof FaultScript>;

/** Reads a script; throws an error for the person who wrote it. */
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
    throw refuse(`does not fit at ${where}: ${issue?.message ?? 'unknown'}`);
  }
  return script.data;
}
