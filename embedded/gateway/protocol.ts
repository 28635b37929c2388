import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';

/** Who signed a request. */
export interface Caller {
  readonly accessKeyId: string;
  readonly arn: string;
  /** What is called, `service:Operation`, where the gateway answers it. */
  readonly api?: string;
}

/** An error as AWS clients know it: `code` becomes the exception's name. */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
    /** Further members of the error's shape. */
    readonly members: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = code;
  }
}

/** What went wrong, as one line, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

export type Operation = (input: unknown, caller: Caller) => Promise<object>;

/**
 * One operation of an API: its input is parsed before it acts.
 * Throws `invalid` (an exception name of that API) with every field that is wrong.
 */
export function operation<S extends z.ZodType>(
  invalid: string,
  schema: S,
  act: (input: z.infer<S>, caller: Caller) => Promise<object> | object,
): Operation {
  return async (input, caller) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) throw new AwsError(invalid, describe(parsed.error));
    return act(parsed.data, caller);
  };
}

function describe(error: z.ZodError): string {
  const issues = error.issues.map(
    (issue) => `Value at '${issue.path.join('.')}' failed to satisfy constraint: ${issue.message}`,
  );
  return `${issues.length} validation error${issues.length === 1 ? '' : 's'} detected: ${issues.join('; ')}`;
}

/** Reads a whole body. Throws AwsError 413 beyond `limit` bytes. */
export async function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** A body that was read before it was known what for. Throws AwsError 413 beyond `limit` bytes. */
export function limited(body: Buffer = Buffer.alloc(0), limit: number): Buffer {
  if (body.length > limit) throw tooLarge(limit);
  return body;
}

const tooLarge = (limit: number): AwsError =>
  new AwsError(
    'RequestEntityTooLargeException',
    `The request body is larger than ${limit} bytes.`,
    413,
  );

/** Parses an AWS JSON body; an empty one is an empty object. Throws SerializationException. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new AwsError(
      'SerializationException',
      `The request body is not JSON: ${messageOf(error)}`,
    );
  }
}

/** Answers in the AWS JSON 1.1 protocol. */
export function sendJson(res: ServerResponse, body: object): void {
  send(res, 200, 'application/x-amz-json-1.1', JSON.stringify(body));
}

/** Answers an error so that JSON 1.1 (`__type`) and REST clients (`x-amzn-ErrorType`) both know its name. */
export function sendError(res: ServerResponse, error: unknown): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const aws =
    error instanceof AwsError ? error : new AwsError('InternalFailure', messageOf(error), 500);
  res.setHeader('x-amzn-ErrorType', aws.code);
  const body = { __type: aws.code, message: aws.message, ...aws.members };
  send(res, aws.status, 'application/x-amz-json-1.1', JSON.stringify(body));
}

function send(res: ServerResponse, status: number, contentType: string, body: string): void {
  res.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'x-amzn-RequestId': randomUUID(),
  });
  res.end(body);
}

/** AWS JSON writes instants as seconds since 1970. */
export const seconds = (milliseconds: number): number => Math.round(milliseconds) / 1000;

export const Paging = {
  MaxResults: z.number().int().min(1).optional(),
  NextToken: z.string().optional(),
};

/** One page of a list; the token is the offset of the next one. Throws `invalid` when a token is not ours. */
export function page<T>(
  items: readonly T[],
  input: { MaxResults?: number | undefined; NextToken?: string | undefined },
  invalid: string,
): { items: T[]; NextToken?: string } {
  const start = input.NextToken === undefined ? 0 : Number(input.NextToken);
  if (!Number.isInteger(start) || start < 0)
    throw new AwsError(invalid, `NextToken '${input.NextToken}' is not valid.`);
  const end = start + (input.MaxResults ?? 100);
  return {
    items: items.slice(start, end),
    ...(end < items.length ? { NextToken: String(end) } : {}),
  };
}
