import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { filterOf } from './transform-request';
import type { CreateTransformJob } from './transform-request';

const NEWLINE = 10;

/** The payloads of a file, in order: complete lines, of at most `limit` bytes together. */
async function* payloadsOf(file: string, limit: number, oneByOne: boolean): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    rest = Buffer.concat([rest, Buffer.from(chunk)]);
    for (;;) {
      const end = oneByOne
        ? rest.indexOf(NEWLINE)
        : rest.length > limit
          ? rest.lastIndexOf(NEWLINE, limit - 1)
          : -1;
      if (end + 1 > limit || (end < 0 && rest.length > limit))
        throw new Error(`a record is larger than MaxPayloadInMB`);
      if (end < 0) break;
      yield rest.subarray(0, end + 1);
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield rest;
}

const linesOf = (body: Buffer): string[] =>
  body
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');

const JsonObject = z.record(z.string(), z.unknown());

/** What becomes of a payload's response. Throws when the records cannot be joined. */
function outputOf(payload: Buffer, response: Buffer, request: CreateTransformJob): string {
  const { JoinSource = 'None', OutputFilter = '$' } = request.DataProcessing ?? {};
  const { fields } = filterOf(OutputFilter) ?? {};
  const answers = linesOf(response);
  if (JoinSource === 'None' && fields === undefined)
    return answers.map((line) => `${line}\n`).join('');
  const records = JoinSource === 'Input' ? linesOf(payload) : [];
  if (JoinSource === 'Input' && records.length !== answers.length)
    throw new Error(`${records.length} records were sent, and ${answers.length} were returned`);
  return answers
    .map((line, at) => {
      const answer: unknown = JSON.parse(line);
      const joined =
        JoinSource === 'Input'
          ? { ...JsonObject.parse(JSON.parse(records[at] ?? '')), SageMakerOutput: answer }
          : JsonObject.parse(answer);
      return `${JSON.stringify(fields ? selected(joined, fields) : joined)}\n`;
    })
    .join('');
}

function selected(record: Record<string, unknown>, fields: readonly string[]): unknown {
  const [first = ''] = fields;
  const missing = fields.find((field) => !(field in record));
  if (missing !== undefined) throw new Error(`a record has no field ${missing}`);
  return fields.length === 1
    ? record[first]
    : Object.fromEntries(fields.map((field) => [field, record[field]]));
}

/**
 * Sends a file's records to `invoke`, some payloads at a time, and writes what comes back to `target` in their order.
 * Throws the first error.
 */
export async function transformFile(
  request: CreateTransformJob,
  source: string,
  target: string,
  invoke: (payload: Buffer) => Promise<Buffer>,
): Promise<void> {
  const limit = request.MaxPayloadInMB === 0 ? Infinity : request.MaxPayloadInMB * 1024 * 1024;
  const atOnce = Math.max(1, request.MaxConcurrentTransforms);
  const output = await open(target, 'w');
  const waiting: Promise<string>[] = [];
  try {
    const oldest = async () => output.write((await waiting.shift()) ?? '');
    for await (const payload of payloadsOf(
      source,
      limit,
      request.BatchStrategy === 'SingleRecord',
    )) {
      const result = invoke(payload).then((response) => outputOf(payload, response, request));
      // It is awaited later; until then its failure must not end the process.
      result.catch(() => undefined);
      waiting.push(result);
      if (waiting.length >= atOnce) await oldest();
    }
    while (waiting.length > 0) await oldest();
  } finally {
    await Promise.allSettled(waiting);
    await output.close();
  }
}
