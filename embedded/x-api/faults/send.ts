import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Due } from './due';

export interface Answer {
  status: number;
  /** Sent as JSON; a string is sent unchanged. */
  body: unknown;
  headers?: Record<string, string>;
}

/** Sends the response; the script may interrupt or suppress it. Returns whether it was sent completely. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  due: Due,
): boolean {
  request.resume();
  if (due.has('timeout')) return false;
  const reset = due.find('reset');
  if (reset?.when === 'before-answer') {
    request.socket.resetAndDestroy();
    return false;
  }
  const isText = typeof answer.body === 'string';
  const complete = Buffer.from(isText ? String(answer.body) : JSON.stringify(answer.body));
  const isCut = due.has('truncated-json');
  const body = isCut ? complete.subarray(0, half(complete)) : complete;
  response.writeHead(answer.status, {
    'content-type': isText ? 'text/html' : 'application/json; charset=utf-8',
    'content-length': String(body.byteLength),
    ...answer.headers,
  });
  if (reset !== undefined) {
    response.write(body.subarray(0, half(body)), () => request.socket.resetAndDestroy());
    return false;
  }
  response.end(body);
  return !isCut;
}

const half = ({ byteLength }: Buffer): number => Math.floor(byteLength / 2);
