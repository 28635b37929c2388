import { gunzipSync } from 'node:zlib';

/**
 * Largest unpacked size of an imported object. 500 tweets of the largest size that the stream accepts are smaller; a
 * Lambda of 256 MB could not hold more.
 */
export const MAX_UNPACKED_BYTES = 64 * 2 ** 20;

/** Largest unpacked size of a corpus, which only the training reads, with gigabytes of memory. */
export const MAX_CORPUS_BYTES = 2 ** 30;

/** Content that does not match its name. The message is a sentence whose subject, the object, is added by the caller. */
export class UnreadableBytes extends Error {}

export const isGzipped = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Unpacks gzip in bounded memory. Throws UnreadableBytes. */
export function gunzip(bytes: Uint8Array, maxBytes = MAX_UNPACKED_BYTES): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw new UnreadableBytes(problemOf(bytes, error, maxBytes), { cause: error });
  }
}

const megabytes = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MB`;

function problemOf(bytes: Uint8Array, error: unknown, maxBytes: number): string {
  const code: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  if (code === 'ERR_BUFFER_TOO_LARGE') return `unpacks to more than ${megabytes(maxBytes)}`;
  if (bytes.length === 0) return 'is empty';
  if (!isGzipped(bytes)) return 'is not gzip';
  if (code === 'Z_BUF_ERROR') return 'is gzip that is cut short';
  return 'is damaged gzip';
}

/** Text, of gzip or not, in bounded memory. Throws UnreadableBytes, also for what is not UTF-8. */
export function unpackText(bytes: Uint8Array, maxBytes = MAX_UNPACKED_BYTES): string {
  const plain = isGzipped(bytes) ? gunzip(bytes, maxBytes) : bytes;
  if (plain.length > maxBytes) throw new UnreadableBytes(`is larger than ${megabytes(maxBytes)}`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
  } catch (error) {
    throw new UnreadableBytes('is not UTF-8', { cause: error });
  }
}

/** The value of a JSON text; undefined without a text, or if it is not JSON. */
export function jsonOf(text: string | undefined): unknown {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return value;
  } catch {
    return undefined;
  }
}
