import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Outside a container, every user of the machine can connect to a serving program's port. If SERVING_TOKEN is set,
 * callers must send it. SageMaker's containers have no token.
 */
export const SERVING_TOKEN_HEADER = 'x-serving-token';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Tells whether a request may be answered: always, unless there is a token. */
export function tokenCheck(token: string | undefined): (request: IncomingMessage) => boolean {
  if (!token) return () => true;
  const expected = digest(token);
  return ({ headers }) => {
    const received = headers[SERVING_TOKEN_HEADER];
    return typeof received === 'string' && timingSafeEqual(digest(received), expected);
  };
}
