import { z } from 'zod';

export const MAX_BODY_BYTES = 6 * 1024 * 1024; // SageMaker rejects more itself
export const MAX_TEXTS = 1000;
/** A transform job sends as many lines as fit into 1 MB; the shortest, of an empty text with its id, has 45 bytes. */
export const MAX_LINES = 25_000;

/** An invalid request, with the HTTP status of its response. */
export class RequestError extends Error {
  constructor(
    readonly status: 400 | 404 | 405 | 413 | 415 | 503,
    message: string,
  ) {
    super(message);
  }
}

export type Format = 'application/json' | 'application/jsonlines';

/** The format that a Content-Type names. Parameters such as charset are ignored: the body is UTF-8. */
export function formatOf(contentType: string | undefined): Format {
  const named = (contentType ?? '').split(';')[0]?.trim().toLowerCase();
  if (named === 'application/json' || named === 'application/jsonlines') return named;
  throw new RequestError(
    415,
    `Content-Type must be application/json or application/jsonlines, not ${named ? `"${named}"` : 'missing'}`,
  );
}

const TextsBody = z.strictObject({ texts: z.array(z.string()).min(1) });
/** A transform job sends the id beside the text, and joins it with the answer. */
const TextLine = z.strictObject({ text: z.string(), tweet_id: z.string().optional() });

/** The texts of a body, in order. Throws RequestError 400 or 413 that names the problem and its place. */
export function textsOf(body: Buffer, format: Format): string[] {
  const content = decode(body);
  return format === 'application/json' ? textsOfJson(content) : textsOfLines(content);
}

/** Counts the texts before validating them: the schema would report a problem for each of millions. */
function textsOfJson(content: string): string[] {
  const where = 'the body';
  const value = parseJson(content, where);
  if (typeof value === 'object' && value !== null && 'texts' in value && Array.isArray(value.texts))
    mustBeFew(value.texts.length, String(value.texts.length), MAX_TEXTS);
  return onlyTexts(value) ?? checked(TextsBody, value, where).texts;
}

/** What TextsBody accepts, in a tenth of its time; undefined for all else, whose problem the schema then names. */
function onlyTexts(value: unknown): string[] | undefined {
  if (typeof value !== 'object' || value === null || !('texts' in value)) return undefined;
  const { texts } = value;
  if (!Array.isArray(texts) || texts.length === 0 || Object.keys(value).length !== 1)
    return undefined;
  const isText = (text: unknown): text is string => typeof text === 'string';
  return texts.every(isText) ? texts : undefined;
}

/** Reads line by line: an object for each of six million blank lines would take hundreds of megabytes. */
function textsOfLines(content: string): string[] {
  const texts: string[] = [];
  let number = 0;
  for (let start = 0, end = 0; end >= 0; start = end + 1) {
    end = content.indexOf('\n', start);
    number += 1;
    const line = content.slice(start, end < 0 ? undefined : end).trim();
    if (line === '') continue;
    mustBeFew(texts.length + 1, `over ${MAX_LINES}`, MAX_LINES);
    const where = `line ${number}`;
    const value = parseJson(line, where);
    texts.push(onlyText(value) ?? checked(TextLine, value, where).text);
  }
  if (texts.length === 0)
    throw new RequestError(400, 'the body has no lines; expected {"text": "…"} on each line');
  return texts;
}

/** As `onlyTexts`, for TextLine. */
function onlyText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('text' in value)) return undefined;
  const known = 'tweet_id' in value && typeof value.tweet_id === 'string' ? 2 : 1;
  return typeof value.text === 'string' && Object.keys(value).length === known
    ? value.text
    : undefined;
}

function mustBeFew(count: number, shown: string, most: number): void {
  if (count > most)
    throw new RequestError(413, `${shown} texts in one request; at most ${most} are accepted`);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new RequestError(400, 'the body is not UTF-8');
  }
}

function parseJson(content: string, where: string): unknown {
  try {
    const value: unknown = JSON.parse(content);
    return value;
  } catch {
    throw new RequestError(400, `${where} is not JSON`);
  }
}

/** Characters of a message, which would be as long as the request if it named a million unknown fields. */
const MAX_MESSAGE = 300;

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field =
    issue?.path.map((step) => (typeof step === 'number' ? `[${step}]` : String(step))).join('') ??
    '';
  throw new RequestError(
    400,
    `${where}${field ? `, ${field}` : ''}: ${issue?.message ?? 'invalid'}`.slice(0, MAX_MESSAGE),
  );
}
