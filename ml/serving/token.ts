import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Where a serving program is a process on somebody's machine and not in a container, its port is open to every user
 * of that machine: whoever starts it may set SERVING_TOKEN, and sends it along. SageMaker's containers have none.
 */
export const SERVING_TOKEN_HEADER = 'x-serving-token';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether a request may be answered: always, unless there is a token. */
export function isAllowed({ headers }: IncomingMessage, token: string | undefined): boolean {
  const given = headers[SERVING_TOKEN_HEADER];
  return !token || (typeof given === 'string' && timingSafeEqual(digest(given), digest(token)));
}
