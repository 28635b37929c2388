import { z } from 'zod';

export const MAX_BODY_BYTES = 6 * 1024 * 1024; // SageMaker refuses more itself
export const MAX_TEXTS = 1000;

/** A request that cannot be answered, and the HTTP status that says why. */
export class RequestError extends Error {
  constructor(
    readonly status: 400 | 404 | 405 | 413 | 415,
    message: string,
  ) {
    super(message);
  }
}

export type Format = 'application/json' | 'application/jsonlines';

/** The format a Content-Type names; parameters such as charset do not matter, the body is UTF-8. */
export function formatOf(contentType: string | undefined): Format {
  const named = (contentType ?? '').split(';')[0]?.trim().toLowerCase();
  if (named === 'application/json' || named === 'application/jsonlines') return named;
  throw new RequestError(
    415,
    `Content-Type must be application/json or application/jsonlines, not ${named ? `"${named}"` : 'missing'}`,
  );
}

const TextsBody = z.strictObject({ texts: z.array(z.string()).min(1) });
const TextLine = z.strictObject({ text: z.string() });

/** The texts of a body, in order. Throws RequestError 400 or 413 that says what is wrong, and where. */
export function textsOf(body: Buffer, format: Format): string[] {
  const content = decode(body);
  const texts =
    format === 'application/json'
      ? parse(TextsBody, content, 'the body').texts
      : content
          .split('\n')
          .map((line, index) => ({ line: line.trim(), where: `line ${index + 1}` }))
          .filter(({ line }) => line !== '')
          .map(({ line, where }) => parse(TextLine, line, where).text);
  if (texts.length === 0)
    throw new RequestError(400, 'the body holds no line; expected {"text": "…"} a line');
  if (texts.length > MAX_TEXTS) {
    throw new RequestError(
      413,
      `${texts.length} texts in one request; at most ${MAX_TEXTS} are taken`,
    );
  }
  return texts;
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new RequestError(400, 'the body is not UTF-8');
  }
}

function parse<T>(schema: z.ZodType<T>, content: string, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw new RequestError(400, `${where} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field =
    issue?.path.map((step) => (typeof step === 'number' ? `[${step}]` : String(step))).join('') ??
    '';
  throw new RequestError(
    400,
    `${where}${field ? `, ${field}` : ''}: ${issue?.message ?? 'invalid'}`,
  );
}
