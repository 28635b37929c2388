import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';

/** The principal that signed a request. */
export interface Caller {
  readonly accessKeyId: string;
  readonly arn: string;
  /** The called operation as `service:Operation`, if the gateway answers it itself. */
  readonly api?: string;
}

/** An error for AWS clients: `code` becomes the exception's name. */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
    /** Additional members of the error's shape. */
    readonly members: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = code;
  }
}

/** The message of anything that was thrown, as one line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

export type Operation = (input: unknown, caller: Caller) => Promise<object>;

/**
 * Makes one operation of an API, which parses its input before it acts.
 * The operation throws `invalid` (an exception name of that API); the message lists every invalid field.
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

/** Reads a complete body. Throws AwsError 413 when it is larger than `limit` bytes. */
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

/** Checks the size of a body that was read before its limit was known. Throws AwsError 413 above `limit` bytes. */
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

/** Parses an AWS JSON body; an empty body gives an empty object. Throws SerializationException for invalid JSON. */
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

/** Sends a response in the AWS JSON 1.1 protocol. */
export function sendJson(res: ServerResponse, body: object): void {
  send(res, 200, 'application/x-amz-json-1.1', JSON.stringify(body));
}

/** Sends an error whose name both JSON 1.1 clients (`__type`) and REST clients (`x-amzn-ErrorType`) can read. */
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

/** Converts milliseconds to AWS JSON's timestamps: seconds since 1970. */
export const seconds = (milliseconds: number): number => Math.round(milliseconds) / 1000;

export const Paging = {
  MaxResults: z.number().int().min(1).optional(),
  NextToken: z.string().optional(),
};

/** One page of a list. The token is the offset of the next page. Throws `invalid` for a token of another form. */
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
