import type { Problem } from '../contract';

/** What the server answered in place of what was asked, as a sentence. */
export class Failed extends Error {}

const TOKEN = 'console-token';

/** Answers that a frozen page carries; null on a page with a server. */
const frozen: Readonly<Record<string, unknown>> | null = readFrozen();
export const isFrozen = frozen !== null;

/** Where the page opens: a file opens at its run. */
export const home = document.getElementById('console')?.dataset.place ?? '#/runs';

function readFrozen(): Readonly<Record<string, unknown>> | null {
  const text = document.getElementById('answers')?.textContent;
  return text ? JSON.parse(text) : null;
}

/** Takes the token out of the address, so that no copied address holds it. The tab keeps it until it is closed.
 * Returns whether there was one. */
export function takeToken(): boolean {
  const [, token] = /[#&]token=([\w-]+)/.exec(location.hash) ?? [];
  if (token === undefined) return false;
  sessionStorage.setItem(TOKEN, token);
  history.replaceState(null, '', '#/');
  return true;
}

async function send(path: string, options: RequestInit): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN) ?? '';
  let response: Response;
  try {
    response = await fetch(path, {
      ...options,
      headers: { ...options.headers, authorization: `Bearer ${token}` },
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Failed('The console does not answer. Start it again: npm run console');
  }
  if (response.ok) return response;
  const { message }: Problem = await response
    .json()
    .catch(() => ({ message: `The console answered ${response.status}.` }));
  throw new Failed(message);
}

/** Whether a `GET` of this path can be answered: a file holds only some. */
export const holds = (path: string): boolean => frozen === null || path in frozen;

/** A `GET` answer; of a frozen page, the one that it carries. */
export async function ask<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  if (frozen !== null) {
    const kept = frozen[path];
    if (kept === undefined)
      throw new Failed('This file does not hold it. Open the console: npm run console');
    // The server that made the file answered in this shape.
    return JSON.parse(JSON.stringify(kept));
  }
  return (await send(path, { signal })).json();
}

export async function post<Answer>(
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  if (frozen !== null) {
    const kept = frozen[`${path} ${JSON.stringify(body)}`];
    if (kept === undefined)
      throw new Failed('This file cannot ask. Open the console: npm run console');
    return JSON.parse(JSON.stringify(kept));
  }
  const response = await send(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
    signal,
  });
  return response.json();
}

/** Calls `take` with each line of a streamed answer until it ends or the signal aborts. */
export async function listen<Answer>(
  path: string,
  take: (answer: Answer) => void,
  signal: AbortSignal,
): Promise<void> {
  const { body } = await send(path, { signal });
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const part = await reader?.read();
    if (part === undefined || part.done) return;
    const lines = (rest + part.value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(JSON.parse(line));
  }
}

export const file = async (path: string): Promise<Blob> => (await send(path, {})).blob();

/** Lets the browser save bytes under a name. */
export function saveAs(bytes: Blob, name: string): void {
  const url = URL.createObjectURL(bytes);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
